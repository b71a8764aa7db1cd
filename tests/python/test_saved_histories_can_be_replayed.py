"""`--temporal-histories DIR`: what it saves, `temporalio.worker.Replayer` accepts."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from pytest_support import FLOWS

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

LONG = "漢" * 130

TESTS = f"""
from flows import *

@pytest.mark.parametrize("id", ["double", "a/b ä", "{LONG}"])
def test_fails(temporal_client, id):
    asyncio.run(doubled(temporal_client, id=id))
    assert False

def test_passes(temporal_client):
    asyncio.run(doubled(temporal_client))
"""


def replayed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replays a file."""
    history = WorkflowHistory.from_json("double", path.read_text())
    with monkeypatch.context() as patch:
        patch.syspath_prepend(path.parents[2])
        import flows

        replayer = Replayer(workflows=[flows.Double])  # type: ignore[attr-defined]
        asyncio.run(replayer.replay_workflow(history))


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("of", "count"), [("failed", 3), pytest.param("all", 4, marks=pytest.mark.long)]
)
def test_of_failed_tests_or_of_all(
    real_suite: Suite, monkeypatch: pytest.MonkeyPatch, of: str, count: int
) -> None:
    real_suite.file("flows.py", FLOWS)
    monkeypatch.setitem(sys.modules, "flows", None)
    monkeypatch.delitem(sys.modules, "flows")
    real_suite.tests(TESTS)
    result = real_suite.run("--temporal-histories=saved", f"--temporal-histories-of={of}")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.no_fnmatch_line("*more could not be found out*")
    files = list((real_suite.path / "saved").rglob("*.json"))
    assert len(files) == count
    for file in files:
        replayed(file, monkeypatch)
