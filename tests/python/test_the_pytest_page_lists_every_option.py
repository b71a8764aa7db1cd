"""`docs/pytest.md` has each option and each fixture, in the words of the code."""

from __future__ import annotations

import re
from pathlib import Path

from temporal_devserver._pytest import plugin
from temporal_devserver._pytest.settings import TABLE

PAGE = (Path(__file__).parents[2] / "docs/pytest.md").read_text()


def test_options() -> None:
    listed = re.findall(r"^\| `--temporal-([a-z-]+) (\S+)` \| (.*) \|$", PAGE, re.MULTILINE)
    known = [
        (
            name.replace("_", "-"),
            option.metavar.replace("|", r"\|"),
            option.help + (" (may be repeated)" if option.several else ""),
        )
        for name, option in TABLE.items()
    ]
    assert listed == known


def test_fixtures() -> None:
    listed = re.findall(r"^\| `(temporal_\w+)` \| (?:session|function) \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in plugin.__all__ if name.startswith("temporal_"))
