"""Runs the sample suites with the oldest and the newest of everything: `make matrix`.

`PYTHONS=/path/to/python3.10:/path/to/python3.13` names the interpreters; default: the one that runs
this. Each set is installed into an environment of its own under target/matrix, from the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "target/matrix"
SUITES = sorted(path.parent for path in (ROOT / "examples").glob("*/pytest.ini"))

FAILS = """
import asyncio
from datetime import timedelta
from temporalio import activity, workflow
from temporalio.worker import Worker

@activity.defn
async def charge():
    raise ValueError("card declined")

@workflow.defn(sandboxed=False)
class Pay:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(charge, start_to_close_timeout=timedelta(seconds=9))

def test_fails(temporal_client):
    async def main():
        async with Worker(temporal_client, task_queue="q", workflows=[Pay], activities=[charge]):
            pay = await temporal_client.start_workflow(Pay.run, id="pay", task_queue="q")
            while "card declined" not in str((await pay.describe()).raw_description):
                await asyncio.sleep(0.02)
    asyncio.run(main())
    assert False
"""
"""A test that fails while an activity is tried again."""

EXPLAINED = "; last failure: ValueError: card declined"
"""What the explanation of that test has to say."""

SETS = {
    "oldest": ["pytest==7.4.0", "pytest-asyncio==0.21.0", "anyio==3.7.1", "temporalio==1.5.0"],
    "pytest 8": ["pytest==8.4.2", "pytest-asyncio==0.26.0", "anyio==4.4.0", "temporalio==1.18.0"],
    "newest": ["pytest", "pytest-asyncio", "anyio", "temporalio"],
}
"""What is installed beside the wheel; the oldest are what `docs/pytest.md` promises."""

FORKED = "pytest 8"
"""The set that is also tried with pytest-forked, which by itself fails every test on pytest 9."""

ANYIO = """
import pytest
from test_greeting import *

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
"""The tests of a suite, run by anyio instead of pytest-asyncio."""


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """Runs a command; returns the last line that it prints.

    Raises:
        SystemExit: It failed.
    """
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}{done.stderr}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def try_out(python: str, name: str, wheel: Path) -> None:
    """Installs one set for one interpreter, and runs every suite with it."""
    version = run(python, "-c", "import platform; print(platform.python_version())")
    home = OUT / f"{version} {name}".replace(" ", "-")
    run(python, "-m", "venv", "--clear", home)
    ours = home / "bin/python"
    run(ours, "-m", "pip", "install", "-q", f"{wheel}[server]", *SETS[name])

    def tell(what: str, suite: Path, *arguments: str) -> None:
        told = run(ours, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=suite)
        print(f"{version:<9}{name:<10}{what:<20}{told}", flush=True)

    for suite in SUITES:
        tell(suite.name, suite)
    by_anyio = home / "by_anyio"
    by_anyio.mkdir()
    (by_anyio / "test_by_anyio.py").write_text(ANYIO)
    (by_anyio / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}/examples/hello_activity\n")
    tell("anyio", by_anyio)
    check_explanation(ours, home / "fails")
    if name == FORKED:
        run(ours, "-m", "pip", "install", "-q", "pytest-forked==1.6.0")
        for suite in SUITES:
            tell(f"forked {suite.name}", suite, "--forked")


def check_explanation(python: Path, folder: Path) -> None:
    """Lets a test fail; it has to be explained, saved and drawn whatever the SDK lacks.

    Raises:
        SystemExit: It is not.
    """
    folder.mkdir()
    (folder / "test_fails.py").write_text(FAILS)
    words: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "--temporal-histories=saved",
        "--temporal-report=page.html",
    ]
    told = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    ).stdout
    page = (folder / "page.html").read_text()
    is_saved = any((folder / "saved").rglob("pay-*.json"))
    if EXPLAINED not in told or not is_saved or "ValueError: card declined" not in page:
        sys.exit(f"a failing test is not explained by {python}:\n{told}")


def main() -> None:
    """Tries every set out with every interpreter."""
    OUT.mkdir(parents=True, exist_ok=True)
    run(Path(sys.executable).with_name("maturin"), "build", "--release", "--locked", "-o", OUT)
    wheel = max(OUT.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    for python in os.environ.get("PYTHONS", sys.executable).split(os.pathsep):
        for name in SETS:
            try_out(python, name, wheel)


if __name__ == "__main__":
    main()
