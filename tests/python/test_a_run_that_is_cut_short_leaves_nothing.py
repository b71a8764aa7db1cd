"""Interrupted, killed, or out of time: no process, port or file is left (the oracle looks)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from pytest_support import quiet
from support import eventually

if TYPE_CHECKING:
    from pytest_support import Suite
    from support import Sandbox

HANGS = """
import os, threading

def test_hangs(temporal_namespace):
    tell(os.getpid())
    threading.Event().wait()
"""

XDIST = pytest.param(["-n2"], id="xdist", marks=pytest.mark.long)
ALONE_OR_NOT = pytest.mark.parametrize("options", [pytest.param([], id="alone"), XDIST])


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


@pytest.mark.long
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
