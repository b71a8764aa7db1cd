"""Every block of README and `docs/` that is code runs as it stands, on the real server.

Python runs as a program, or as a suite where it has tests. The blocks for a shell run page by page,
in the order of the page, and so do the steps of a workflow of GitHub. What cannot run is `text`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from cli_support import cli
from docs_support import BLOCKS, PATH, Block, of, program, reader, script
from support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

PROGRAMS = [block for block in of("python") if not block.is_suite]
SUITES = [block for block in of("python") if block.is_suite]
SCRIPTS = sorted(of("sh") + of("yaml"))


INI = """
[pytest]
addopts = -p no:cacheprovider -p no:randomly --import-mode=importlib
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


def by_page(blocks: list[Block]) -> dict[str, list[Block]]:
    """Returns the blocks of each page."""
    pages = defaultdict(list)
    for block in blocks:
        pages[block.page].append(block)
    return pages


def follows(name: str, output: Path, killed: set[int]) -> bool:
    """Tells whether the program shows a restart; kills each server until it does."""
    if "ready again" in output.read_text():
        return True
    shown = cli("status", name, "--json")
    status = json.loads(shown.stdout) if shown.returncode == 0 else {}
    pid = int(status.get("pid") or 0)
    if status.get("state") == "ready" and output.read_text() and pid not in killed:
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)
    return False


@pytest.mark.real_server
@pytest.mark.parametrize("block", PROGRAMS, ids=[block.id for block in PROGRAMS])
def test_program(real_temporal: Path, sandbox: Sandbox, block: Block) -> None:
    output, errors = sandbox.root / "output", sandbox.root / "errors"
    with output.open("w") as stdout, errors.open("w") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", "-c", program(block.code)],
            cwd=sandbox.root,
            env=os.environ | {"PATH": PATH, "TEMPORAL_DEVSERVER_EXECUTABLE": str(real_temporal)},
            stdout=stdout,
            stderr=stderr,
        )
    try:
        if "server.events()" in block.code:
            # It follows the events until somebody stops the server.
            name = re.findall(r'DevServer\(\s*"(\w+)"', block.code)[0]
            killed: set[int] = set()
            eventually("it tells of a restart", lambda: follows(name, output, killed), 30)
            assert cli("stop", name, "--force").returncode == 0
        assert running.wait(30) == 0, errors.read_text()
    finally:
        running.kill()
        running.wait(10)
    # Without a logging configuration, Python shows warnings: the transitions that are worth one.
    # (`start_local` lets its server write there, too.)
    told = errors.read_text().splitlines()
    assert all(": server " in line or line.startswith("time=") for line in told), told
    if "server.events()" in block.code:
        lines = output.read_text().splitlines()
        assert re.fullmatch(r"127\.0\.0\.1:\d+ http://127\.0\.0\.1:\d+\S*", lines[0])
        assert "ended" in lines[1]
        assert "stopped" in lines[-1]


@pytest.mark.real_server
def test_suites(real_temporal: Path, sandbox: Sandbox) -> None:
    suites = sandbox.root / "suites"
    for block in SUITES:
        named = re.match(r"# (\w+\.py)\n", block.code)
        path = (
            suites / f"of_{block.page}" / (named[1] if named else f"test_block_{block.number}.py")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code)
    (suites / "pytest.ini").write_text(INI)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-W",
        "error",
        f"--temporal-executable={real_temporal}",
    ]
    done = subprocess.run(words, cwd=suites, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.real_server
@pytest.mark.parametrize("page", sorted(by_page(SCRIPTS)))
def test_shell(real_temporal: Path, sandbox: Sandbox, page: str) -> None:
    home = sandbox.root / "home"
    home.mkdir()
    environment = reader(home) | {"TEMPORAL_DEVSERVER_EXECUTABLE": str(real_temporal)}
    for block in by_page(SCRIPTS)[page]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script(block)],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, block.code + done.stdout + done.stderr
        assert "WARNING: " not in done.stdout + done.stderr, done.stderr  # pip: no such extra
    cli("stop", "--all", "--force")


def test_every_block_says_what_it_is() -> None:
    assert {block.language for block in BLOCKS} == {"python", "sh", "yaml", "text"}


def test_there_are_blocks() -> None:
    assert any("AsyncDevServer" in block.code for block in PROGRAMS if block.page == "README")
    assert any("server.events()" in block.code for block in PROGRAMS)
    assert {"index", "pytest", "migration"} <= set(by_page(SUITES))
    assert {"README", "cli", "index", "other-languages", "pytest"} <= set(by_page(SCRIPTS))
