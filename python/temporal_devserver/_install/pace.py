"""How often and how fast what may pass is tried again: bounded, and by a clock that can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .. import _clock
from .failure import Passing, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from .progress import Reporter

T = TypeVar("T")

ENOUGH = 1 << 20
"""Bytes after which a try that broke off was none in vain."""


class Pace(NamedTuple):
    """The times of a download."""

    timeout: float = 30.0
    """Seconds for which the other side may be silent."""
    tries: int = 6
    """Tries in vain, one after the other."""
    first: float = 0.5
    """Seconds before the second try; before each further one twice as long."""
    longest: float = 10.0
    """Seconds between two tries at the most."""
    sleep: Callable[[float], None] = _clock.sleep


def persist(
    work: Callable[[], T], pace: Pace, reporter: Reporter, there: Callable[[], int] = lambda: 0
) -> T:
    """Returns what the work returns, which is tried again while that may help.

    Args:
        work: What to do.
        pace: How often.
        reporter: Who is told.
        there: Tells how many bytes are there; with many more of them a try was not in vain.

    Raises:
        Trouble: It cannot be done.
    """
    in_vain = 0
    while True:
        before = there()
        try:
            return work()
        except Passing as trouble:
            in_vain = 1 if there() - before >= ENOUGH else in_vain + 1
            if in_vain >= pace.tries:
                problem = f"{trouble.problem} ({pace.tries} tries)"
                raise Trouble(problem, trouble.remedy) from trouble
            pause = min(pace.longest, pace.first * 2 ** (in_vain - 1))
            pause = pause if trouble.after is None else trouble.after
            reporter.say(f"{trouble.problem}; next try in {pause:.3g} s")
            pace.sleep(pause)
