"""However a run goes, no process, port or file is left (the oracle looks); it makes no noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import quiet

if TYPE_CHECKING:
    from pytest_support import Suite

TESTS = """
@pytest.mark.parametrize("number", range(6))
def test_one(temporal_server, temporal_namespace, number):
    tell(number)
    assert number != 2
"""

FORKED = """
import os, pickle
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item):  # what pytest-forked does, which cannot do it with this pytest
    reading, writing = os.pipe()
    if not os.fork():
        reports = runtestprotocol(item, log=False)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps([report._to_json() for report in reports]))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reports = pickle.loads(pipe.read())
    os.wait()
    for report in reports:
        report = item.config.hook.pytest_report_from_serializable(
            config=item.config, data={**report, "$report_type": "TestReport"}
        )
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-x"], id="x"),
        pytest.param(["-n2", "--maxfail=1"], id="maxfail", marks=pytest.mark.long),
    ],
)
def test_at_the_first_failure(suite: Suite, options: list[str]) -> None:
    suite.tests(TESTS)
    result = suite.run(*options)
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    quiet(result.stdout.str(), result.stderr.str())


def test_only_what_failed_is_run_again(suite: Suite) -> None:
    suite.tests(TESTS)
    suite.inside().assert_outcomes(passed=5, failed=1)
    suite.forget()
    result = suite.inside("--lf")
    result.assert_outcomes(failed=1)
    quiet(result.stdout.str(), result.stderr.str())
    assert suite.told() == [[2]]


def test_a_conftest_that_raises(suite: Suite) -> None:
    suite.file(
        "conftest.py",
        """
import pytest

@pytest.fixture(scope="session")
def broken(temporal_server):
    raise RuntimeError("before")

@pytest.fixture
def breaks(temporal_namespace):
    yield
    raise RuntimeError("after")
""",
    )
    suite.tests("def test_one(broken): pass\ndef test_two(breaks): pass\n")
    result = suite.inside()
    result.assert_outcomes(passed=1, errors=2)
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.no_fnmatch_line("*")


@pytest.mark.long
def test_in_a_directory_that_is_gone(suite: Suite) -> None:
    suite.tests(
        """
import os

def test_leaves(tmp_path):
    os.chdir(tmp_path)
    tmp_path.rmdir()

def test_one(temporal_private_server, temporal_namespace): pass
"""
    )
    suite.run().assert_outcomes(passed=2)


def test_a_child_for_each_test(suite: Suite) -> None:
    suite.file("conftest.py", FORKED)
    suite.tests(TESTS)
    result = suite.run()
    result.assert_outcomes(passed=5, failed=1)
    quiet(result.stdout.str(), result.stderr.str())
    assert suite.told() == [[number] for number in range(6)]
