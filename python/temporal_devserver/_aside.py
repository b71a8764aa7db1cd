"""Runs a coroutine in a loop of its own thread, for in this one may already be one that runs."""

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


def run(work: Coroutine[object, object, T], seconds: float | None = None) -> T:
    """Returns what the coroutine returns; `seconds` is how long it may take, None for any time.

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
    return done.result(None if seconds is None else seconds + SLACK)


async def _limited(work: Coroutine[object, object, T], seconds: float | None) -> T:
    return await asyncio.wait_for(work, seconds)
