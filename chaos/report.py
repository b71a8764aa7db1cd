"""`python -m chaos.report TRACE...`: the table of `docs/reliability.md`, made from traces of runs.

The figures also go to `docs/reliability.json`.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .plan import VARIANTS

PAGE = Path("docs/reliability.md")
BEGIN, END = "<!-- chaos: begin -->\n", "<!-- chaos: end -->\n"


@dataclass
class Runs:
    """What several runs came to."""

    seeds: list[int] = field(default_factory=list)
    minutes: float = 0.0
    workflows: int = 0
    longest_refusal: float = 0.0
    problems: list[str] = field(default_factory=list)
    healed: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in VARIANTS})
    injected: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VARIANTS, 0))

    def read(self, trace: Path) -> None:
        """Adds a run."""
        head, *entries = (json.loads(line) for line in trace.read_text().splitlines())
        self.seeds.append(head["seed"])
        self.minutes += head["minutes"]
        for entry in entries:
            self.injected[entry["fault"]] += 1
            if entry["healed_after"] is not None:
                self.healed[entry["fault"]].append(entry["healed_after"])
        result = json.loads(trace.with_suffix(".json").read_text())
        self.workflows += result["workflows"]
        self.longest_refusal = max(self.longest_refusal, result["longest_refusal"])
        self.problems += result["problems"]

    def rows(self) -> list[dict[str, object]]:
        """Returns a row for each kind of fault."""
        return [
            {
                "fault": kind,
                "injected": self.injected[kind],
                "healed": len(seconds),
                "median": round(statistics.median(seconds), 2) if seconds else None,
                "max": round(max(seconds), 2) if seconds else None,
            }
            for kind, seconds in self.healed.items()
        ]

    def figures(self) -> dict[str, object]:
        """Returns all that is told."""
        return {
            "seeds": self.seeds,
            "minutes": self.minutes,
            "workflows": self.workflows,
            "longest_refusal": self.longest_refusal,
            "problems": self.problems,
            "faults": self.rows(),
        }


def table(figures: dict[str, Any]) -> str:
    """Returns the figures as the page has them."""
    seeds = ", ".join(map(str, figures["seeds"]))
    problems = "; ".join(figures["problems"]) or "nothing"
    summary = (
        f"{figures['minutes']:g} minutes, seeds {seeds}; "
        f"{figures['workflows']} workflows acknowledged; "
        f"the address refused for {figures['longest_refusal']:.1f} s at the longest; "
        f"not healed, lost, done twice or left behind: {problems}."
    )
    lines = [
        summary,
        "",
        "| fault | injected | healed | median | max |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['fault']} | {row['injected']} | {row['healed']} "
        f"| {row['median']} s | {row['max']} s |"
        for row in figures["faults"]
    ]
    return "\n".join(lines) + "\n"


def main(traces: list[str]) -> None:
    """Writes the table into the page, and the figures beside it."""
    runs = Runs()
    for trace in traces:
        runs.read(Path(trace))
    figures = runs.figures()
    PAGE.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table(figures) + END + after)


if __name__ == "__main__":
    main(sys.argv[1:])
