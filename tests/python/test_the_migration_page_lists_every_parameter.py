"""`docs/migration.md` says of each parameter of `start_local` what becomes of it here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

PAGE = (Path(__file__).parents[2] / "docs/migration.md").read_text()
TABLE = PAGE.partition("## Each parameter")[2].partition("\n## ")[0]


def test_parameters() -> None:
    cells = re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE)
    listed = [name for cell in cells[1:] for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(inspect.signature(WorkflowEnvironment.start_local).parameters)
