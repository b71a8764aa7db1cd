"""`examples/demo.py` ends well on the real server, in plain text where it is not on a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples/demo.py"


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.usefixtures("real_temporal", "sandbox")
def test_demo_ends_with_the_right_result_and_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO)], capture_output=True, text=True, timeout=55, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("kill -9") == 3
    assert "as if nothing had been" in done.stdout
    assert done.stdout.count("  gone ") == 4
    assert "\033" not in done.stdout
    assert done.stderr == ""
