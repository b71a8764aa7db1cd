"""The explanation is a part of the failure: no option that filters sections hides it."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from temporal_devserver._pytest import longrepr

if TYPE_CHECKING:
    from pytest_support import Suite

TESTS = """
def test_fails(temporal_namespace):
    print("this is of the test")
    assert False

@pytest.fixture
def broken(temporal_namespace):
    raise OSError

def test_errs(broken): pass
"""

EXPLAINED = "*Temporal workflows in {}-*"


def explained_once(result: pytest.RunResult, *tests: str) -> None:
    """Checks that each of the tests is explained exactly once."""
    text = result.stdout.str()
    for test in tests:
        result.stdout.fnmatch_lines([EXPLAINED.format(test)])
        assert text.count(f"Temporal workflows in {test}-") == 1, text


@pytest.mark.parametrize("show", ["no", "stdout", "stderr", "log", "all"])
def test_any_show_capture_shows_it(suite: Suite, show: str) -> None:
    suite.tests(TESTS)
    explained_once(suite.inside(f"--show-capture={show}"), "test_fails", "test_errs")


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native", "no"])
def test_any_style_of_tracebacks_shows_it(suite: Suite, style: str) -> None:
    suite.tests(TESTS)
    explained_once(suite.inside(f"--tb={style}"), "test_fails", "test_errs")


def test_no_summary_shows_nothing(suite: Suite) -> None:
    suite.tests(TESTS)
    assert "Temporal" not in suite.inside("--tb=no", "--no-summary").stdout.str()


def test_workers_of_xdist_hand_it_on(suite: Suite) -> None:
    suite.tests(TESTS)
    result = suite.run("-n1", "--show-capture=no")
    explained_once(result, "test_fails", "test_errs")


def test_the_report_for_machines_has_it(suite: Suite) -> None:
    suite.tests(TESTS)
    suite.inside("--junitxml=junit.xml")
    failure, error = (
        next(ElementTree.parse(suite.path / "junit.xml").iter(kind))
        for kind in ("failure", "error")
    )
    assert "Temporal workflows in test_fails-" in (failure.text or "")
    assert "Temporal" not in failure.attrib["message"]
    assert "Temporal workflows in test_errs-" in (error.text or "")


def test_the_debugger_shows_it_before_its_prompt(suite: Suite) -> None:
    suite.tests("def test_fails(temporal_namespace): assert False")
    with suite.started("--pdb") as run:
        _, out, err = run.end("quit()\n")
    explained, prompt = (out.find(words) for words in ("Temporal workflows in", "entering PDB"))
    assert 0 < explained < prompt, out
    assert not err


def test_a_failure_without_a_traceback_carries_it(suite: Suite) -> None:
    suite.tests(
        """
@pytest.mark.xfail(strict=True, reason="the reason")
def test_passes(temporal_namespace): pass

def test_fails(temporal_namespace): pytest.fail("in a word", pytrace=False)

def test_lacks(temporal_namespace, there_is_none): pass
"""
    )
    result = suite.inside("-rA", "--show-capture=no")
    explained_once(result, "test_passes", "test_fails", "test_lacks")
    result.stdout.fnmatch_lines(["FAILED *::test_passes - *the reason*", "FAILED *in a word"])


@pytest.mark.parametrize("kept", ["a text", ("a.py", 3, "a tuple"), None])
def test_whatever_a_failure_is_it_gets_sections(kept: Any) -> None:
    report = pytest.TestReport("test_a", ("a", 1, "a"), {}, "failed", kept, "call")
    longrepr.add(report, [("Temporal", "half a pair: \ud800")])
    back = pytest.TestReport._from_json(report._to_json())
    for text in (report.longreprtext, back.longreprtext, str(report.longrepr)):
        assert "Temporal" in text
        assert "half a pair: \\ud800" in text
        assert kept is None or str(kept) in text
    assert "None" not in report.longreprtext


def test_a_test_that_is_expected_to_fail_has_none(suite: Suite) -> None:
    suite.tests("@pytest.mark.xfail\ndef test_fails(temporal_namespace): assert False")
    assert "Temporal workflows" not in suite.inside("-rA").stdout.str()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_failure_can_be_copied(copied: Any) -> None:
    failure = longrepr.Failure("it fails")
    failure.addsection("Temporal", "explained")
    assert str(copied(failure)) == str(failure)
