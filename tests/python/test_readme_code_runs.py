"""Every Python block of the README runs as it stands, on the real server, as a program."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cli_support import cli
from support import Sandbox, eventually

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def runnable(block: str) -> str:
    """Returns the block as a program: where it awaits, within a coroutine, as a reader would."""
    try:
        compile(block, "README.md", "exec")
    except SyntaxError:
        body = textwrap.indent(block, "    ")
        return f"import asyncio\nasync def main():\n{body}\nasyncio.run(main())\n"
    return block


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
@pytest.mark.parametrize("block", BLOCKS, ids=range(1, len(BLOCKS) + 1))
def test_block(real_temporal: Path, sandbox: Sandbox, block: str) -> None:
    output, errors = sandbox.root / "output", sandbox.root / "errors"
    with output.open("w") as stdout, errors.open("w") as stderr:
        program = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", "-c", runnable(block)],
            cwd=sandbox.root,
            env=os.environ | {"TEMPORAL_DEVSERVER_EXECUTABLE": str(real_temporal)},
            stdout=stdout,
            stderr=stderr,
        )
    try:
        if "server.events()" in block:
            # It follows the events until somebody stops the server.
            name = re.findall(r'DevServer\(\s*"(\w+)"', block)[0]
            killed: set[int] = set()
            eventually("it tells of a restart", lambda: follows(name, output, killed), 30)
            assert cli("stop", name, "--force").returncode == 0
        assert program.wait(30) == 0, errors.read_text()
    finally:
        program.kill()
        program.wait(10)
    # Without a logging configuration, Python shows warnings: the transitions that are worth one.
    assert all(line.startswith("orders: server ") for line in errors.read_text().splitlines())
    if "server.events()" in block:
        lines = output.read_text().splitlines()
        assert re.fullmatch(r"127\.0\.0\.1:\d+ http://127\.0\.0\.1:\d+\S*", lines[0])
        assert "ended" in lines[1]
        assert "stopped" in lines[-1]


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 2
    assert any("AsyncDevServer" in block for block in BLOCKS)
