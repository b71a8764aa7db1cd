"""The clock that everything here waits by: the kernel's, which no test can freeze.

The fact: freezegun replaces the functions of `time` and `datetime` in every module that has them,
and time-machine replaces their C code. Neither reaches the core, which asks the kernel, nor `poll`,
in which the kernel waits. `pyproject.toml` bans the other clocks from this package (TID251), and
`_timer.py` has the same for asyncio.
"""

from __future__ import annotations

import select
import time  # noqa: TID251  # it is told the time, and asks no clock

from ._core import monotonic, unix_now

__all__ = ["local", "milliseconds_until", "monotonic", "sleep", "unix_now"]

LONGEST = 2**31 - 1
"""Milliseconds that `poll` can wait: 24 days. A longer wait takes several of them."""


def milliseconds_until(due: float | None) -> float | None:
    """Returns the timeout for `poll`, which rounds it up: nothing is early and nothing spins.

    Args:
        due: A time of `monotonic()`, None for no such time.
    """
    return None if due is None else min(LONGEST, max(0.0, due - monotonic()) * 1000)


def local(when: float, form: str) -> str:
    """Returns a time of `unix_now()` in words, as it is here; `form` is that of `strftime`."""
    return time.strftime(form, time.localtime(when))


def sleep(seconds: float) -> None:
    """Waits in this thread, at most 24 days. Ctrl-C ends it."""
    select.poll().poll(milliseconds_until(monotonic() + seconds))
