"""A duration of months is one like any other: no wait, and no option, breaks by its length."""

from __future__ import annotations

import asyncio
import math
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support import eventually, eventually_async
from temporal_devserver import AsyncDevServer, ConfigError, DevServer, _clock, _timer

if TYPE_CHECKING:
    from pathlib import Path

SIXTY_DAYS = timedelta(days=60)

LONG = [SIXTY_DAYS, timedelta.max, 1e300]

OPTIONS: list[dict[str, Any]] = [
    {"start_timeout": SIXTY_DAYS},
    {"stop_timeout": SIXTY_DAYS},
    {"health": {"interval": SIXTY_DAYS, "timeout": SIXTY_DAYS}},
    {"restart": {"window": SIXTY_DAYS, "initial_delay": SIXTY_DAYS, "max_delay": SIXTY_DAYS}},
    {"restart": {"reset_after": SIXTY_DAYS}},
]

NO_DURATIONS = [math.inf, -math.inf, math.nan, "5", 10**400]


@pytest.mark.parametrize("duration", LONG)
def test_a_blocking_wait_of_any_length_ends_with_the_server_ready(
    fake_temporal: Path, duration: float
) -> None:
    with DevServer(executable=fake_temporal) as server, server.outage():

        def resume() -> None:
            eventually("it waits", lambda: server._bells)
            server.resume()

        other = threading.Thread(target=resume)
        other.start()
        assert server.wait_ready(duration).state == "ready"
        other.join()


@pytest.mark.parametrize("duration", LONG)
def test_an_asyncio_wait_of_any_length_ends_with_the_server_ready(
    fake_temporal: Path, duration: float
) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal) as server, server.outage():
            waits = asyncio.ensure_future(server.wait_ready(duration))
            await eventually_async("it waits", lambda: server._waiting)
            await server.resume()
            assert (await waits).state == "ready"

    asyncio.run(main())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_blocking_handle_takes_sixty_days_for_each_option(
    fake_temporal: Path, options: dict[str, Any]
) -> None:
    with DevServer(executable=fake_temporal, **options) as server:
        server.kill()
        assert server.wait_ready(30).state == "ready"
        with server.outage(SIXTY_DAYS):
            pass


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_an_asyncio_handle_takes_sixty_days_for_each_option(
    fake_temporal: Path, options: dict[str, Any]
) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal, **options) as server:
            await server.kill()
            assert (await server.wait_ready(30)).state == "ready"
            async with server.outage(SIXTY_DAYS):
                pass

    asyncio.run(main())


def test_a_server_lingers_for_sixty_days(fake_temporal: Path) -> None:
    with DevServer("lingers", executable=fake_temporal, linger=SIXTY_DAYS):
        pass
    with DevServer("lingers") as server:
        server.stop()


@pytest.mark.parametrize("duration", NO_DURATIONS, ids=lambda it: str(it)[:5])
def test_what_is_no_duration_is_refused_by_each_verb(fake_temporal: Path, duration: Any) -> None:
    with DevServer(executable=fake_temporal) as server:
        with pytest.raises(ConfigError, match=r"`timeout`: .* is no duration; give a finite"):
            server.wait_ready(duration)
        with pytest.raises(ConfigError, match=r"`seconds`: .* is no duration; give a finite"):
            server.outage(duration).__enter__()
        with pytest.raises(ConfigError, match=r"`retention`: .* is no duration; give a finite"):
            server.create_namespace("a", duration)
        assert server.status().state == "ready"


@pytest.mark.parametrize("duration", [math.inf, math.nan])
@pytest.mark.parametrize("option", ["start_timeout", "stop_timeout", "linger"])
def test_what_is_no_duration_is_refused_as_an_option(option: str, duration: float) -> None:
    options: Any = {option: duration}
    with pytest.raises(ConfigError, match=f"`{option}`: .* is no duration; give a finite"):
        DevServer(**options)
    nested: Any = {"health": {"interval": duration}}
    with pytest.raises(ConfigError, match=r"`health`: .* is no duration; give a finite"):
        DevServer(**nested)


def test_a_timeout_for_poll_is_one_that_poll_takes() -> None:
    for seconds in (-1.0, 0.0, 1e-9, 1.0, 5e6, 1e300, math.inf):
        milliseconds = _clock.milliseconds_until(_clock.monotonic() + seconds)
        assert milliseconds is not None
        assert 0.0 <= milliseconds <= 2**31 - 1
    assert _clock.milliseconds_until(None) is None


def test_a_timer_of_any_length_can_be_started_and_cancelled() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for seconds in (-1.0, 1e-9, 5e6, 1e300, math.inf, math.nan):
            timer = _timer.Timer(loop, seconds, lambda: None)
            timer.cancel()
            timer.cancel()
        await _timer.sleep(0.001)
        assert await _timer.limited(asyncio.sleep(0, 7), 60) == 7
        with pytest.raises(asyncio.TimeoutError):
            await _timer.limited(asyncio.sleep(60), 0.001)

    asyncio.run(main())
