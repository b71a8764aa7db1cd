"""Runs a coroutine in a loop of its own thread: in this one the test may have left one running."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

SLACK = 5.0
"""Seconds that a coroutine may take to notice that its time is up."""


def run(work: Coroutine[object, object, T], seconds: float) -> T:
    """Returns what the coroutine returns.

    Raises:
        TimeoutError: It took longer.
    """
    done: Future[T] = Future()

    def main() -> None:
        try:
            done.set_result(asyncio.run(_limited(work, seconds)))
        except BaseException as error:  # raised again in the waiting thread
            done.set_exception(error)

    threading.Thread(target=main, name="temporal-devserver-aside", daemon=True).start()
    return done.result(seconds + SLACK)


def asked(work: Coroutine[object, object, None], seconds: float) -> list[str]:
    """Has a coroutine ask the server; returns what went wrong, if anything."""
    try:
        run(work, seconds)
    except ImportError as error:
        return [str(error)]
    except Exception as error:  # whatever it is, the test's own failure matters more
        return [f"more could not be found out: {type(error).__name__} {error}".rstrip()]
    return []


async def _limited(work: Coroutine[object, object, T], seconds: float) -> T:
    return await asyncio.wait_for(work, seconds)
