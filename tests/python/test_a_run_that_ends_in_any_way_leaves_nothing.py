"""However a run ends, no process, port or file is left (the oracle looks); it makes no noise."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from support import eventually

if TYPE_CHECKING:
    from pytest_support import Suite
    from support import Sandbox

TESTS = """
@pytest.mark.parametrize("number", range(6))
def test_one(temporal_server, temporal_namespace, number):
    tell(number)
    assert number != 2
"""

HANGS = """
import os, threading

def test_hangs(temporal_namespace):
    tell(os.getpid())
    threading.Event().wait()
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

NOISE = ("Traceback", "ResourceWarning", "Exception ignored", "INTERNALERROR")


def quiet(out: str, err: str) -> None:
    assert not [noise for noise in NOISE if noise in out + err], out + err
    assert not err


XDIST = pytest.param(["-n2"], id="xdist", marks=pytest.mark.long)
ALONE_OR_NOT = pytest.mark.parametrize("options", [pytest.param([], id="alone"), XDIST])


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


@ALONE_OR_NOT
def test_ctrl_c(suite: Suite, options: list[str]) -> None:
    suite.tests(HANGS)
    with suite.started(*options) as run:
        eventually("the test hangs", suite.told, 40)
        run.signal(signal.SIGINT, group=True)
        code, out, err = run.end()
    assert code == pytest.ExitCode.INTERRUPTED, out
    assert "Interrupt" in out
    if not options:
        quiet("", err)


def test_ctrl_c_while_the_server_starts(
    suite: Suite, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")
    suite.tests(HANGS)
    with suite.started() as run:
        eventually("it starts", sandbox.servers, 40)
        run.signal(signal.SIGINT)
        code, out, err = run.end()
    assert code == pytest.ExitCode.INTERRUPTED, out
    quiet("", err)


@ALONE_OR_NOT
def test_kill_9(suite: Suite, sandbox: Sandbox, options: list[str]) -> None:
    suite.tests(HANGS)
    with suite.started(*options) as run:
        eventually("the test hangs", suite.told, 40)
        run.signal(signal.SIGKILL, group=bool(options))
        run.end()
        eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left())


@pytest.mark.long
def test_kill_9_of_a_worker_of_xdist(suite: Suite) -> None:
    suite.tests(
        """
import os, signal

@pytest.mark.parametrize("number", range(6))
def test_one(temporal_server, temporal_namespace, number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    tell(number)
"""
    )
    result = suite.run("-n2")
    result.assert_outcomes(passed=5, failed=1)
    assert sorted(suite.told()) == [[0], [1], [3], [4], [5]]
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    "how",
    ["pytest.exit('enough')", "sys.exit(0)", "os._exit(3)", "os.abort()"],
)
def test_by_a_test_that_ends_it(suite: Suite, how: str) -> None:
    suite.tests(
        f"""
import os, sys

def test_one(temporal_namespace):
    {how}
"""
    )
    result = suite.run("-p", "no:faulthandler")
    assert "Traceback" not in result.stderr.str()


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


def test_a_timeout_by_a_signal(suite: Suite) -> None:
    suite.tests(HANGS + "def test_after(temporal_namespace): pass\n")
    result = suite.run("--timeout=1", "--timeout-method=signal")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Failed: Timeout*"])


@pytest.mark.long
def test_a_timeout_by_a_thread(suite: Suite) -> None:
    suite.tests(HANGS)
    result = suite.run("--timeout=1", "--timeout-method=thread")
    assert result.ret == 1
    assert "Timeout" in result.stdout.str() + result.stderr.str()


@pytest.mark.long
def test_a_timeout_while_the_server_starts(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")
    suite.tests("def test_one(temporal_namespace): pass\n")
    result = suite.run("--timeout=1", "--timeout-method=signal")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Timeout*"])


def test_a_child_for_each_test(suite: Suite) -> None:
    suite.file("conftest.py", FORKED)
    suite.tests(TESTS)
    result = suite.run()
    result.assert_outcomes(passed=5, failed=1)
    quiet(result.stdout.str(), result.stderr.str())
    assert suite.told() == [[number] for number in range(6)]
