"""The code blocks of README and `docs/`, and what runs them as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
"""With `pip`, `pytest`, `temporal` and `temporal-devserver` of this environment."""

OF_OTHERS = ("npm", "go", "./integration-tests")
"""Commands that stand for the reader's own."""

STAND_IN = """#!/usr/bin/env bash
# Knows nothing of Python: it succeeds where a server listens at the address that it is told.
exec 3<> "/dev/tcp/${TEMPORAL_ADDRESS%:*}/${TEMPORAL_ADDRESS##*:}" && test -n "$TEMPORAL_NAMESPACE"
"""

DRY = f"""#!/bin/sh
# Every target has to be there; the targets themselves are run by `make test`.
exec {shutil.which("make")} -n -C {ROOT} "$@"
"""

TESTS = "def test_order(temporal_server): assert temporal_server.address\n"
"""The reader's tests, where a page only says `pytest`."""


class Block(NamedTuple):
    """A code block."""

    page: str
    number: int
    language: str
    code: str

    @property
    def id(self) -> str:
        """Its name in a test's id."""
        return f"{self.page}-{self.number}"

    @property
    def is_suite(self) -> bool:
        """Whether it is for pytest."""
        return (
            re.search(r"^ *(async )?def test_|^# conftest.py", self.code, re.MULTILINE) is not None
        )


def _blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", page.read_text(), re.MULTILINE)
    return [Block(page.stem, number, *block) for number, block in enumerate(found, 1)]


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def of(language: str) -> list[Block]:
    """Returns the blocks of a language."""
    return [block for block in BLOCKS if block.language == language]


def program(code: str) -> str:
    """Returns a block as a program: where it awaits, within a coroutine."""
    try:
        compile(code, "block", "exec")
    except SyntaxError:
        body = textwrap.indent(code, "    ")
        return f"import asyncio\nasync def main():\n{body}\nasyncio.run(main())\n"
    return code


def script(block: Block) -> str:
    """Returns what a block has a shell do: the block, or the steps of a workflow of GitHub."""
    if block.language == "sh":
        return block.code
    known = yaml.safe_load(block.code)
    jobs = known.get("jobs", {"this": known}).values()
    return "\n".join(step["run"] for job in jobs for step in job["steps"] if "run" in step)


def reader(home: Path) -> dict[str, str]:
    """Makes a reader's folder; returns the environment of the shell in it."""
    tools = home / "tools"
    tools.mkdir()
    for name in OF_OTHERS:
        _tool(home / name if "/" in name else tools / name, STAND_IN)
    _tool(tools / "make", DRY)
    (home / "test_order.py").write_text(TESTS)
    path = os.pathsep.join([str(tools), PATH])
    # What a page installs is installed here: pip looks at names and extras, and fetches nothing.
    quiet = {
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    return {**os.environ, **quiet, "PATH": path, "PYTHON": sys.executable}


def _tool(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
