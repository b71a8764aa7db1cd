"""`python -m chaos`, short: every kind of fault comes once and heals, and no workflow is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos.plan import VARIANTS

if TYPE_CHECKING:
    from support import Sandbox

ROOT = Path(__file__).parents[2]
SEED = "6"


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("real_temporal")
def test_every_kind_heals_and_no_workflow_is_lost(sandbox: Sandbox) -> None:
    out = sandbox.root / "out"
    words = [sys.executable, "-m", "chaos", "--seed", SEED, "--minutes", "1", "--out", str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((out / f"chaos-{SEED}.json").read_text())
    assert len(result["faults"]) == len(VARIANTS)
    assert all(row["injected"] == row["healed"] >= 1 for row in result["faults"])
    assert result["workflows"] > 50
