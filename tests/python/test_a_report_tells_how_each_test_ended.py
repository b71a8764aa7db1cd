"""What pytest reports in pieces, of setup, call and teardown, is one outcome in the page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from temporal_devserver._pytest.report import SHORT, Collector

if TYPE_CHECKING:
    from temporal_devserver._pytest.report.data import Entry

Piece = tuple[Literal["setup", "call", "teardown"], Literal["passed", "failed", "skipped"]]

WHOLE: list[Piece] = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]


def report(when: Any, outcome: Any, why: str = "", **more: Any) -> pytest.TestReport:
    return pytest.TestReport("test_a", ("a", 1, "a"), {}, outcome, why, when, **more)


def collected(*reports: pytest.TestReport) -> list[Entry]:
    collector = Collector(cast("pytest.Config", SimpleNamespace()), "nowhere.html")
    for each in reports:
        collector.pytest_runtest_logreport(each)
    return [test for runs in collector._tests.values() for test in runs]


@pytest.mark.parametrize(
    ("pieces", "outcome"),
    [
        (WHOLE, "passed"),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], "failed"),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "failed")], "failed"),
        ([("setup", "failed"), ("teardown", "passed")], "error"),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], "error"),
        ([("setup", "skipped"), ("teardown", "passed")], "skipped"),
        ([("setup", "passed"), ("call", "failed"), ("call", "passed")], "failed"),  # subtests
        ([("setup", "passed")], "unfinished"),
        ([("setup", "passed"), ("teardown", "passed")], "unfinished"),
    ],
)
def test_outcomes(pieces: list[Piece], outcome: str) -> None:
    (test,) = collected(*(report(when, how, duration=0.5) for when, how in pieces))
    assert test["outcome"] == outcome
    assert test["seconds"] == 0.5 * len(pieces)


def test_expected_failures() -> None:
    (failed,) = collected(report("setup", "passed"), report("call", "skipped", wasxfail="why"))
    (passed,) = collected(report("setup", "passed"), report("call", "passed", wasxfail="why"))
    assert (failed["outcome"], passed["outcome"]) == ("xfailed", "xpassed")


def test_the_first_reason_is_told_and_not_at_length() -> None:
    first, second = report("call", "failed", "x" * 50_000), report("teardown", "failed", "later")
    (test,) = collected(report("setup", "passed"), first, second)
    assert test["why"] == "x" * SHORT
    assert len(test["text"]) < 10_000


def test_a_test_that_runs_again_is_there_again() -> None:
    again = [report(when, how) for when, how in WHOLE]
    assert len(collected(*again, *again)) == 2


def test_the_same_test_in_two_workers_is_there_twice() -> None:
    """As with `pytest -n 2 --dist each`, where their reports come in any order."""
    workers = [object(), object()]
    reports = [report(when, how, node=node) for when, how in WHOLE for node in workers]
    assert [test["outcome"] for test in collected(*reports)] == ["passed", "passed"]


def test_a_lost_worker() -> None:
    crash = report("???", "failed", "worker 'gw1' crashed")
    (test,) = collected(report("setup", "passed"), crash)
    assert (test["outcome"], test["why"]) == ("failed", "worker 'gw1' crashed")
