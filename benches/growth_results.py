"""What `make bench-growth` has found, as JSON: `benches/results/growth.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from results import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = FOLDER / "growth.json"

CURVES = {
    "servers": "servers on one machine",
    "leases": "leases on one server",
    "namespaces": "namespaces of one server",
    "used": "namespaces in which a test ran",
    "database": "MiB of database",
    "restarts": "restarts (stand-in server)",
}
"""What grows: the name of each curve, and what is counted."""


@dataclass(frozen=True)
class Curve:
    """Some series over what grows, and what is to be said about it."""

    at: list[float]
    series: dict[str, list[float]]
    told: str


def read() -> dict[str, Curve]:
    """Returns what was measured the last time."""
    if not FILE.exists():
        return {}
    return {name: Curve(**curve) for name, curve in json.loads(FILE.read_text()).items()}


def write(curves: Mapping[str, Curve]) -> None:
    """Writes the curves; those that were not measured again stay."""
    FOLDER.mkdir(exist_ok=True)
    whole = {**read(), **curves}
    plain = {name: asdict(curve) for name, curve in whole.items()}
    FILE.write_text(json.dumps(plain, indent=1) + "\n")
