"""What is written down: a trace that can be replayed, a table, and the same as JSON."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .plan import VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

    from .plan import Fault


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
        """Returns a row for each kind of fault."""
        rows = []
        for kind in VARIANTS:
            mine = [entry for entry in self.entries if entry.fault == kind]
            seconds = [entry.healed_after for entry in mine if entry.healed_after is not None]
            rows.append(
                {
                    "fault": kind,
                    "injected": len(mine),
                    "healed": len(seconds),
                    "median": round(statistics.median(seconds), 3) if seconds else None,
                    "max": round(max(seconds), 3) if seconds else None,
                }
            )
        return rows

    def table(self) -> str:
        """Returns the rows for people."""
        lines = [f"{'fault':<20}{'injected':>9}{'healed':>8}{'median':>9}{'max':>9}"]
        for row in self.figures():
            seconds = [
                f"{row[key]:.2f} s" if row[key] is not None else "-" for key in ("median", "max")
            ]
            lines.append(
                f"{row['fault']:<20}{row['injected']:>9}{row['healed']:>8}"
                f"{seconds[0]:>9}{seconds[1]:>9}"
            )
        return "\n".join(lines)

    def _write(self, line: object) -> None:
        self._file.write(f"{json.dumps(line)}\n")
        self._file.flush()
