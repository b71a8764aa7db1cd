"""What `make bench` and `make bench-growth` run measures everything once: it cannot rot.

No speed is asserted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support import Sandbox

BENCHES = Path(__file__).parents[2] / "benches"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(200),
    pytest.mark.real_server,
    pytest.mark.usefixtures("real_temporal", "fake_temporal"),
]


def run(program: str, *words: str) -> str:
    """Runs a program to its end; returns what it prints."""
    command = [sys.executable, str(BENCHES / program), "--quick", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=190, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_measurement_runs(sandbox: Sandbox) -> None:
    told = sandbox.root / "figures.json"
    run("run.py", "--json", str(told))
    whole = json.loads(told.read_text())
    figures = {each["name"]: each for section in whole["sections"].values() for each in section}
    assert len(figures) == sum(map(len, whole["sections"].values())), "a name stands for two"
    assert len(figures) >= 50
    assert all(figure["n"] >= 1 for figure in figures.values()), figures
    assert figures["supervisor: threads"]["median"] == 1
    answers = {
        (fact["who"], fact["what"]): fact["answer"]
        for facts in whole["facts"].values()
        for fact in facts
    }
    assert answers["temporal-devserver", "its server is killed"].startswith("back after")
    assert answers["start_local", "its server is killed"] == "stays down"


def test_everything_grows() -> None:
    told = run("growth.py")
    for name in ("servers", "leases", "namespaces", "used", "database", "restarts"):
        assert f"{name}: " in told
