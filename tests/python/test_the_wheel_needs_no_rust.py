"""The wheel made from the sdist, in a fresh environment without Rust: command line, server, plugin.

`make test-package` makes both, in the folder that `TEMPORAL_DEVSERVER_TEST_PACKAGE` names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support import Sandbox

PACKAGE = os.environ.get("TEMPORAL_DEVSERVER_TEST_PACKAGE", "")
PATH = os.pathsep.join([f"{PACKAGE}/venv/bin", "/usr/bin", "/bin"])

pytestmark = pytest.mark.skipif(not PACKAGE, reason="only `make test-package` makes one")

PROGRAM = """
import sys, temporal_devserver
from pathlib import Path

home = Path(temporal_devserver.__file__).parent
assert sys.prefix in str(home), home
assert (home / "py.typed").exists()
with temporal_devserver.DevServer() as server:
    print(server.status().state)
"""

SUITE = """
def test_order(temporal_server):
    assert temporal_server.status().state == "ready"
"""


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    return Run(sandbox.root)


class Run:
    """Runs commands of the environment."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str) -> str:
        """Runs one; returns what it prints."""
        done = subprocess.run(
            [shutil.which(words[0], path=PATH) or words[0], *words[1:]],
            cwd=self.home,
            env=os.environ | {"PATH": PATH, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_there_is_no_rust() -> None:
    assert shutil.which("cargo", path=PATH) is None
    assert shutil.which("rustc", path=PATH) is None


def test_version(run: Run) -> None:
    assert run("temporal-devserver", "--version").startswith("temporal-devserver ")


def test_server(run: Run) -> None:
    assert run("python", "-W", "error", "-c", PROGRAM) == "ready\n"
    assert "127.0.0.1:" in run("temporal-devserver", "run", "--", "printenv", "TEMPORAL_ADDRESS")


def test_plugin(run: Run) -> None:
    (run.home / "test_order.py").write_text(SUITE)
    assert "1 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "-W", "error")


def test_it_depends_on_nothing() -> None:
    metadata = next(Path(PACKAGE).glob("venv/lib/*/site-packages/temporal_devserver-*/METADATA"))
    needs = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")]
    assert all("extra ==" in line for line in needs)
