"""An exception in the watch thread, or in a callback of the loop, is reported; healing goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from support import accepts, eventually, eventually_async, is_alive
from temporal_devserver import AsyncDevServer, DevServer, Event, _clock, _events, _handle, _watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from temporal_devserver import Status

UPPER = 30.0


class Broken(logging.Handler):
    """A handler of the program that raises."""

    def __init__(self, kind: type[BaseException]) -> None:
        super().__init__()
        self.kind = kind
        self.raised = 0

    def has_raised(self, times: int) -> bool:
        return self.raised >= times

    def emit(self, record: logging.LogRecord) -> None:
        if "supervisor" in record.getMessage():
            self.raised += 1
            raise self.kind


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "PAUSE", 0.01)
    monkeypatch.setattr(_handle, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(_events, "_reported", set())


@pytest.fixture
def logger(_quick: None) -> Iterator[logging.Logger]:
    logger = logging.getLogger("temporal_devserver")
    handlers = list(logger.handlers)
    yield logger
    logger.handlers[:] = handlers


def kill(status: Status) -> None:
    assert status.supervisor_pid is not None
    os.kill(status.supervisor_pid, signal.SIGKILL)
    eventually("the server died with it", lambda: not is_alive(status.pid))


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "report it" in record.getMessage()]


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_logging_handler_that_raises_does_not_end_the_watch_thread(
    fake_temporal: Path, logger: logging.Logger, kind: type[BaseException]
) -> None:
    broken = Broken(kind)
    with DevServer(executable=fake_temporal) as server:
        logger.addHandler(broken)
        for raised in (1, 2):
            kill(server.status())
            eventually("it is back", lambda: accepts(server.address), UPPER)
            server.wait_ready(UPPER)
            eventually("it was told of", partial(broken.has_raised, raised))


@pytest.fixture
def _odd_events(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Event.from_json

    def odd(told: Any) -> Event:
        if told["kind"] == "exited":
            message = "an odd event"
            raise ValueError(message)
        return read(told)

    monkeypatch.setattr(Event, "from_json", odd)


@pytest.mark.usefixtures("logger", "_odd_events")
def test_an_event_that_cannot_be_read_is_reported_once_and_the_next_ones_are_read(
    fake_temporal: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with DevServer(executable=fake_temporal) as server:
        for _ in range(2):
            kill(server.status())
            eventually("it is back", lambda: accepts(server.address), UPPER)
        status = server.wait_ready(UPPER)
        assert status.state == "ready"
    assert len(reports(caplog)) == 1


def test_a_bell_that_raises_does_not_end_the_watch_thread(
    fake_temporal: Path,
    logger: logging.Logger,  # noqa: ARG001
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def overflow(_due: float | None) -> float:
        message = "timeout is too large"
        raise OverflowError(message)

    with DevServer(executable=fake_temporal) as server:
        with monkeypatch.context() as patch:
            patch.setattr(_clock, "milliseconds_until", overflow)
            patch.setattr(_clock, "sleep", lambda _seconds: os.sched_yield())
            _watch.process_watch().ring()
            eventually("it is reported", lambda: reports(caplog))
        kill(server.status())
        eventually("it is back", lambda: accepts(server.address), UPPER)
    assert len(reports(caplog)) == 1


@pytest.mark.usefixtures("logger", "_odd_events")
def test_an_event_that_cannot_be_read_does_not_end_the_healing_on_asyncio(
    fake_temporal: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal) as server:
            for _ in range(2):
                kill(await server.status())
                await eventually_async("it is back", lambda: accepts(server.address), UPPER)

    asyncio.run(main())
    assert len(reports(caplog)) == 1
