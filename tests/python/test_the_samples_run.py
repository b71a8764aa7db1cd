"""The suites under `examples/` run as a user would run them, in their own folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SUITES = sorted(path.parent for path in EXAMPLES.glob("*/pytest.ini"))


@pytest.mark.real_server
@pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])
def test_suite(suite: Path, real_temporal: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    words.append(f"--temporal-executable={real_temporal}")
    done = subprocess.run(words, cwd=suite, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_there_are_four() -> None:
    assert len(SUITES) == 4
