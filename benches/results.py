"""What runs have found, as JSON: one file for each day, `benches/results/2026-11-26.json`.

A claim in the README holds in the runs of two days.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Fact, Figure

if TYPE_CHECKING:
    from setting import Setting

FOLDER = Path(__file__).with_name("results")


@dataclass
class Results:
    """All that one run has found."""

    date: str
    machine: dict[str, str]
    sections: dict[str, list[Figure]] = field(default_factory=dict)
    facts: dict[str, list[Fact]] = field(default_factory=dict)

    @classmethod
    def begin(cls, setting: Setting) -> Results:
        """Begins with the machine as it is."""
        model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        machine = {
            "processors": f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
            "memory": f"{memory / 1e9:.0f} GB",
            "kernel": platform.release(),
            "python": platform.python_version(),
            "server": f"temporal {setting.version}",
            "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        }
        return cls(datetime.datetime.now(datetime.timezone.utc).date().isoformat(), machine)

    @property
    def path(self) -> Path:
        """The file of the day."""
        return FOLDER / f"{self.date}.json"

    def add(self, section: str, found: Figure | Fact) -> None:
        """Adds something to a section."""
        if isinstance(found, Fact):
            self.facts.setdefault(section, []).append(found)
        else:
            self.sections.setdefault(section, []).append(found)

    def over(self, earlier: Results) -> Results:
        """Returns earlier results of the day, with these in the place of those they replace."""
        new = self.figures()
        sections = {
            section: [new.get(figure.name, figure) for figure in figures]
            for section, figures in earlier.sections.items()
        }
        again = {(fact.who, fact.what): fact for told in self.facts.values() for fact in told}
        facts = {
            section: [again.get((fact.who, fact.what), fact) for fact in told]
            for section, told in earlier.facts.items()
        }
        return Results(self.date, earlier.machine, sections, facts)

    def write(self, path: Path) -> None:
        """Writes a file of them."""
        path.parent.mkdir(exist_ok=True)
        whole = {
            "date": self.date,
            "machine": self.machine,
            "sections": {
                section: [figure.json() for figure in figures]
                for section, figures in self.sections.items()
            },
            "facts": {
                section: [fact.json() for fact in told] for section, told in self.facts.items()
            },
        }
        path.write_text(json.dumps(_short(whole), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Reads the file of a day."""
        whole = json.loads(path.read_text())
        names = [each.name for each in fields(Figure)]  # what else is there is derived from them
        return cls(
            whole["date"],
            whole["machine"],
            {
                section: [Figure(**{name: each[name] for name in names}) for each in figures]
                for section, figures in whole["sections"].items()
            },
            {section: [Fact(**fact) for fact in told] for section, told in whole["facts"].items()},
        )

    def figures(self) -> dict[str, Figure]:
        """Returns all figures by their names."""
        return {each.name: each for figures in self.sections.values() for each in figures}


def last() -> list[Results]:
    """Returns the runs of the last two days, the newest first."""
    days = sorted(FOLDER.glob("????-??-??.json"), reverse=True)[:2]
    return [Results.read(day) for day in days]


def _short(value: object) -> object:
    """Leaves out digits that mean nothing."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    return value
