"""Runs a coroutine in a loop of its own thread, for in this one may already be one that runs."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from . import _timer
from ._errors import EventLoopError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

SLACK = 5.0
"""Seconds that a coroutine may take to notice that its time is up."""


def run(work: Coroutine[object, object, T], seconds: float | None = None) -> T:
    """Returns what the coroutine returns; `seconds` is how long it may take, None for any time.

    Raises:
        TimeoutError: It took longer.
        EventLoopError: There can be no loop.
    """
    done = start(work, seconds)
    return done.result(None if seconds is None else seconds + SLACK)


def start(work: Coroutine[object, object, T], seconds: float | None = None) -> Future[T]:
    """Starts the coroutine; returns the future of what `run` returns. A thread has no cancel.

    Raises:
        EventLoopError: There can be no thread for a loop.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()
    began = False

    async def begin() -> T:
        nonlocal began
        began = True
        return await _timer.limited(work, seconds)

    def main() -> None:
        begun = begin()
        try:
            done.set_result(asyncio.run(begun))
        except BaseException as error:  # raised again in the waiting thread
            begun.close()
            work.close()
            done.set_exception(error if began else _no_loop(error))

    try:
        threading.Thread(target=main, name="temporal-devserver-aside", daemon=True).start()
    except RuntimeError as error:  # a plain one, as those of the SDK are
        work.close()
        message = (
            f"no thread can be started ({error}); at a limit raise `ulimit -u`, and at the end of "
            "the program connect earlier"
        )
        raise EventLoopError(message) from error
    return done


async def waited(work: Coroutine[object, object, T], seconds: float | None = None) -> T:
    """Returns what `run` returns; the coroutine may block: its thread is not the caller's."""
    return await asyncio.wrap_future(start(work, seconds))


def _no_loop(error: BaseException) -> EventLoopError:
    """Returns the error of a thread in which no loop could be made: it needs a pair of sockets."""
    message = (
        f"no event loop can be made ({type(error).__name__}: {error}); allow it a socket pair: "
        "with pytest-socket add `--allow-unix-socket`, at a limit raise `ulimit -n`"
    )
    made = EventLoopError(message)
    made.__cause__ = error
    return made
