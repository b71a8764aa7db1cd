"""Which bars share a row of the drawing, and what stands left and right of it. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from . import kinds, units

if TYPE_CHECKING:
    from .data import Bar, Workflow


class Row(NamedTuple):
    """Bars of one kind and name that do not overlap, the earliest first."""

    kind: str
    name: str
    bars: list[Bar]


def rows(workflow: Workflow) -> list[Row]:
    """Returns the rows of a drawing; the workflow tasks are one, and the first."""
    tasks = Row("workflow tasks", "", [])
    found: list[Row] = []
    last: dict[tuple[str, str], Row] = {}
    for bar in workflow["bars"]:
        if bar["kind"] == kinds.TASK:
            tasks.bars.append(bar)
            continue
        key = bar["kind"], bar["name"]
        row = last.get(key)
        if row is None or until(workflow, row.bars[-1]) > bar["begin"]:
            row = last[key] = Row(*key, [])
            found.append(row)
        row.bars.append(bar)
    return [tasks, *found] if tasks.bars else found


def until(workflow: Workflow, bar: Bar) -> float:
    """Returns where a bar ends in the drawing."""
    return workflow["asked"] if bar["end"] is None else bar["end"]


def tone(bar: Bar) -> str:
    """Returns the colour of a bar, as a class of the style sheet."""
    if bar["end"] is None:
        return "open"
    if bar["outcome"] in kinds.GOOD:
        return "good"
    return "bad" if bar["outcome"] in kinds.BAD else "off"


def result(workflow: Workflow, row: Row) -> str:
    """Returns what stands right of a row: `completed, attempt 3, 1.2 s`."""
    if len(row.bars) > 1:
        counts = Counter(bar["outcome"] for bar in row.bars)
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    (bar,) = row.bars
    waits = bar["end"] is None and bar["kind"] in kinds.TAKEN and bar["start"] is None
    words = ["no worker took it" if waits and bar["attempts"] == 1 else bar["outcome"]]
    if bar["attempts"] > 1:
        words.append(f"attempt {bar['attempts']}")
    if (took := until(workflow, bar) - bar["begin"]) > 0:
        words.append(units.span(took))
    return ", ".join(words)


def trouble(row: Row) -> str:
    """Returns the last thing that went wrong in a row."""
    notes = [bar["note"] for bar in row.bars if bar["note"]]
    return notes[-1] if notes else ""


def details(workflow: Workflow, bar: Bar) -> str:
    """Returns all about a bar, for the one who points at it."""
    at = units.span(max(0.0, bar["begin"] - workflow["begin"]))
    took = units.span(max(0.0, until(workflow, bar) - bar["begin"]))
    lines = [f"{bar['kind']} {bar['name']}".rstrip(), f"{bar['outcome']}; at {at}, took {took}"]
    if bar["start"] is not None and bar["start"] > bar["begin"]:
        lines.append(f"last attempt started after {units.span(bar['start'] - bar['begin'])}")
    if bar["attempts"] > 1:
        lines.append(f"attempt {bar['attempts']}")
    if bar["note"]:
        lines.append(bar["note"])
    return "\n".join(lines)
