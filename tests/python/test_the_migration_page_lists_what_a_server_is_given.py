"""`docs/migration.md` lists everything that a server of ours is given and plain `start-dev` is not.

The list is compared with the command line and the environment of a running server.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from temporal_devserver import DevServer

if TYPE_CHECKING:
    import pytest

    from temporal_devserver import Status

PAGE = (Path(__file__).parents[2] / "docs/migration.md").read_text()
LIST = PAGE.partition("## What our server is given")[2].partition("\n## ")[0]


TERMINAL = {"LINES", "COLUMNS"}
"""Variables that readline adds to this process, unseen by `os.environ`."""


def listed() -> list[str]:
    """Returns the names in the first column."""
    cells = re.findall(r"^\| (`.*?) \|", LIST, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def given(status: Status) -> set[str]:
    """Returns the flags, the keys of dynamic configuration, and the variables of a server."""
    process = Path(f"/proc/{status.pid}")
    words = (process / "cmdline").read_text().split("\0")
    flags = {word for word in words if word.startswith("--")} - {"--dynamic-config-value"}
    pairs = pairwise(words)
    keys = {word.partition("=")[0] for flag, word in pairs if flag == "--dynamic-config-value"}
    pairs_of_all = (process / "environ").read_text().rstrip("\0").split("\0")
    variables = {pair.partition("=")[0] for pair in pairs_of_all} - set(os.environ) - TERMINAL
    return flags | keys | variables


def test_what_a_server_is_given_is_listed(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = listed()
    for name in names:  # a variable that is set already would not count as given
        monkeypatch.delenv(name, raising=False)
    found = set()
    for ui in (True, False):
        with DevServer(executable=fake_temporal, ui=ui, namespaces=["orders"]) as server:
            found |= given(server.status())
    assert len(names) == len(set(names)), "a name is listed twice"
    assert found == set(names)
