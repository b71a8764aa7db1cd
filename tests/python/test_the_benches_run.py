"""`benches/run.py --quick` measures everything once: it cannot rot. No speed is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support import Sandbox

RUN = Path(__file__).parents[2] / "benches/run.py"


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.usefixtures("real_temporal")
def test_every_measurement_runs(sandbox: Sandbox) -> None:
    told = sandbox.root / "figures.json"
    words = [sys.executable, str(RUN), "--quick", "--json", str(told)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(told.read_text())}
    assert len(figures) >= 19
    assert all(figure["n"] >= 1 for figure in figures.values()), figures
    assert figures["supervisor, idle: threads"]["median"] == 1
