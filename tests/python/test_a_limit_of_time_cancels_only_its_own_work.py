"""`limited`, and the thread it mostly runs in: each ends its work, and tells why it ended it."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from temporal_devserver import EventLoopError, _aside, _connect, _timer, _watch


def test_a_cancelled_caller_gets_its_own_cancellation_though_the_time_is_over() -> None:
    async def main() -> None:
        is_over = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                is_over.set()
                await asyncio.sleep(0)

        caller = asyncio.ensure_future(_timer.limited(work(), 0.001))
        await is_over.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

    asyncio.run(main())


def test_a_cancelled_caller_waits_until_its_work_has_ended() -> None:
    async def main() -> None:
        began, ended = asyncio.Event(), False

        async def work() -> None:
            nonlocal ended
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended = True

        caller = asyncio.ensure_future(_timer.limited(work(), 60))
        await began.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert ended

    asyncio.run(main())


def test_work_that_cannot_be_limited_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_arguments: object) -> None:
        raise NotImplementedError  # as a loop that has no `add_reader`

    async def main() -> None:
        work = asyncio.Event().wait()
        with pytest.raises(NotImplementedError):
            await _timer.limited(work, 60)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    monkeypatch.setattr(_timer, "Timer", refuses)
    asyncio.run(main())


@pytest.mark.filterwarnings("error")
def test_a_thread_that_cannot_be_started_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(_thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuses)
    work = asyncio.sleep(0)
    with pytest.raises(EventLoopError, match="ulimit -u") as caught:
        _aside.run(work)
    assert not _connect.is_of_the_sdk(caught.value)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
    asyncio.run(_connect._loaded())


def test_a_fork_ends_the_pause_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        def _background(self) -> _watch.Turn:
            return _watch.Turn(2**40, None)  # `poll` takes no such descriptor

    reported = threading.Event()
    monkeypatch.setattr(_watch, "PAUSE", 3600.0)
    monkeypatch.setattr("temporal_devserver._events.report", lambda *_: reported.set())
    watch, odd = _watch.Watch(), Odd()
    watch.add(odd)
    thread = watch._thread
    assert thread is not None
    assert reported.wait(30)
    watch.before_fork()
    thread.join(30)
    assert not thread.is_alive()
