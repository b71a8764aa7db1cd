"""Timers for asyncio that run by the kernel's clock.

`loop.call_later`, and all of asyncio that is made of it, asks a clock that a test can freeze: such
a timer then never goes off. The fact that makes ours correct: a loop waits for descriptors in the
kernel, whatever time the loop takes it to be, and a timer of the core is a descriptor.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from . import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Timer:
    """A call that is still to come. Used from its loop alone."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], object]
    ) -> None:
        """Has the loop call back.

        Args:
            loop: The loop.
            seconds: In how many seconds.
            call: What to call.
        """
        self.is_over = False
        """Whether the time has passed."""
        self._call = call
        try:
            timer = _core.Timer(seconds)
            loop.add_reader(timer.fileno(), self._go_off)
        except OSError:  # no descriptor is left: the loop's clock is as good, unless it is frozen
            self._stop: Callable[[], object] = loop.call_later(seconds, self._go_off).cancel
        else:
            self._stop = partial(_remove, loop, timer)

    def cancel(self) -> None:
        """Has the loop not call; nothing where it has."""
        stop, self._stop = self._stop, _nothing
        stop()

    def _go_off(self) -> None:
        self.cancel()
        self.is_over = True
        self._call()


def _remove(loop: asyncio.AbstractEventLoop, timer: _core.Timer) -> None:
    if not loop.is_closed():
        loop.remove_reader(timer.fileno())


def _nothing() -> None:
    pass


async def sleep(seconds: float) -> None:
    """Waits as `asyncio.sleep`."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    timer = Timer(loop, seconds, partial(resolve, done))
    try:
        await done
    finally:
        timer.cancel()


async def limited(work: Coroutine[object, object, T], seconds: float | None) -> T:
    """Returns what the coroutine returns, as `asyncio.wait_for`.

    Raises:
        asyncio.TimeoutError: It took longer.
    """
    if seconds is None:
        return await work
    task = asyncio.ensure_future(work)
    try:
        is_over = await _ends(task, seconds)
    except (Exception, asyncio.CancelledError):  # the caller's own, or there can be no timer
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    if is_over and task.cancelled():
        raise asyncio.TimeoutError
    return task.result()


async def _ends(task: asyncio.Task[T], seconds: float) -> bool:
    """Waits until a task ends; returns whether its time was over, so that it was cancelled.

    A cancelled caller leaves this alone by an exception, so it is never taken for the timer.
    """
    timer = Timer(asyncio.get_running_loop(), seconds, task.cancel)
    try:
        await asyncio.wait({task})  # noqa: TID251  # it gets no timeout
    finally:
        timer.cancel()
    return timer.is_over


def resolve(done: asyncio.Future[None]) -> None:
    """Ends the wait for a future, if it still waits."""
    if not done.done():
        done.set_result(None)
