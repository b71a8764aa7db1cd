"""What is written down: a trace that can be replayed, a table, and the same as JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .plan import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .plan import Fault

SECONDS = ("alone", "median", "max")
"""Columns of the table that are times from fault to heal."""


@dataclass
class Entry:
    """One fault that was inflicted."""

    time: float
    round: int
    pause: float
    fault: str
    variant: str
    delay: float
    pid: int | None = None
    healed_after: float | None = None
    outcome: str = "not healed"


class Book:
    """The trace of a run, written line by line."""

    def __init__(self, path: Path, seed: int, minutes: float) -> None:
        self.entries: list[Entry] = []
        self._file = path.open("w")
        self._write({"seed": seed, "minutes": minutes, "time": time.time()})

    def enter(self, number: int, pause: float, fault: Fault) -> Entry:
        """Makes the entry of a fault that comes now."""
        return Entry(time.time(), number, pause, fault.kind, fault.variant, fault.delay)

    def add(self, entry: Entry) -> None:
        """Writes an entry that is complete."""
        self.entries.append(entry)
        self._write(asdict(entry))

    def close(self) -> None:
        """Closes the trace."""
        self._file.close()

    def figures(self) -> list[dict[str, object]]:
        """Returns a row for each kind of fault; `alone` is the median of those without company."""
        company = Counter(entry.round for entry in self.entries)
        rows = []
        for kind in VARIANTS:
            mine = [entry for entry in self.entries if entry.fault == kind]
            healed = [entry for entry in mine if entry.healed_after is not None]
            row = {"fault": kind, "injected": len(mine), "healed": len(healed)}
            alone = [entry for entry in healed if company[entry.round] == 1]
            rows.append(
                {**row, "alone": _median(alone), "median": _median(healed), "max": _max(healed)}
            )
        return rows

    def table(self) -> str:
        """Returns the rows for people."""
        head = f"{'fault':<20}{'injected':>9}{'healed':>8}"
        lines = [head + "".join(f"{name:>9}" for name in SECONDS)]
        for row in self.figures():
            seconds = ["-" if row[name] is None else f"{row[name]:.2f} s" for name in SECONDS]
            counts = f"{row['fault']:<20}{row['injected']:>9}{row['healed']:>8}"
            lines.append(counts + "".join(f"{text:>9}" for text in seconds))
        return "\n".join(lines)

    def _write(self, line: object) -> None:
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()


def _median(entries: Iterable[Entry]) -> float | None:
    seconds = [entry.healed_after for entry in entries if entry.healed_after is not None]
    return round(statistics.median(seconds), 3) if seconds else None


def _max(entries: Iterable[Entry]) -> float | None:
    return max(
        (entry.healed_after for entry in entries if entry.healed_after is not None), default=None
    )
