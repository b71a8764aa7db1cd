"""Figures: samples with a target, told as a line on the terminal and as JSON."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """What was measured: samples in one unit; `x` is a ratio of two things measured in one pair."""

    name: str
    unit: str
    samples: list[float]
    target: float | None = None
    note: str = ""
    sides: dict[str, list[float]] = field(default_factory=dict)
    """Of a ratio: both things, in seconds, by what they are called."""

    @property
    def median(self) -> float:
        """The middle one: what is compared with the target."""
        return statistics.median(self.samples)

    @property
    def p90(self) -> float:
        """Nine of ten are not above it."""
        ordered = sorted(self.samples)
        return ordered[min(len(ordered) - 1, round(0.9 * (len(ordered) - 1)))]

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.median <= self.target else "MISSED"

    def row(self) -> str:
        """One line of the table."""
        target = "" if self.target is None else f"{self.target:g}"
        numbers = f"{len(self.samples):>3} {self.median:>9.3f} {self.p90:>9.3f} {self.unit:<3}"
        return f"{self.name:<52} {numbers} {target:>7} {self.verdict:<7} {self.note}".rstrip()

    def json(self) -> dict[str, object]:
        """All of it."""
        return {**asdict(self), "median": self.median, "p90": self.p90, "n": len(self.samples)}


@dataclass(frozen=True)
class Fact:
    """What is not told by a number: what somebody does when something happens."""

    who: str
    what: str
    answer: str

    def row(self) -> str:
        """One line of the table."""
        return f"{self.who}: {self.what}: {self.answer}"

    def json(self) -> dict[str, object]:
        """All of it."""
        return asdict(self)


HEADER = f"{'what':<52} {'n':>3} {'median':>9} {'p90':>9}     {'target':>7}"


def timed(call: Callable[..., object], *arguments: object) -> float:
    """Returns the seconds that a call takes."""
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began


def pairs(count: int, first: Callable[[], T], second: Callable[[], T]) -> tuple[list[T], list[T]]:
    """Measures two things in turn, A B A B: what else the machine does meets both alike."""
    measured = [(first(), second()) for _ in range(count)]
    return [a for a, _ in measured], [b for _, b in measured]


def ratio(name: str, ours: list[float], theirs: list[float], target: float | None = None) -> Figure:
    """The ratios of pairs, with the medians of both sides in the note."""
    note = f"{statistics.median(ours) * 1000:.0f} ms / {statistics.median(theirs) * 1000:.0f} ms"
    samples = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Figure(name, "x", samples, target, note, {"ours": ours, "theirs": theirs})


def milliseconds(
    name: str, seconds: list[float], target: float | None = None, note: str = ""
) -> Figure:
    """Times, in milliseconds."""
    return Figure(name, "ms", [value * 1000 for value in seconds], target, note)
