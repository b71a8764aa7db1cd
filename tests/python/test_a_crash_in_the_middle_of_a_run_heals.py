"""The server is killed while tests run: the next ones find it well, the one that saw it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS

if TYPE_CHECKING:
    from pytest_support import Suite

KILLED = """
import os, signal, time

def kill(server):
    pid = server.status().pid
    os.kill(pid, signal.SIGKILL)
    return pid

def see_it_die(server):
    pid = kill(server)
    while server.status().pid == pid:
        time.sleep(0.005)
    server.wait_ready()

def test_before(temporal_server, temporal_namespace): pass

def test_that_fails(temporal_server, temporal_namespace):
    see_it_die(temporal_server)
    assert False

def test_that_passes(temporal_server, temporal_namespace):
    see_it_die(temporal_server)

def test_its_namespace_comes_while_it_is_dead(temporal_server, request):
    kill(temporal_server)
    assert request.getfixturevalue("temporal_namespace") in temporal_server.list_namespaces()

def test_after(temporal_server, temporal_namespace):
    assert temporal_namespace in temporal_server.list_namespaces()
"""


def test_the_test_that_saw_it_says_so(suite: Suite) -> None:
    suite.tests(KILLED)
    result = suite.inside()
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Temporal events of pytest-*",
            "* exited: *SIGKILL*",
            "* ready: *",
            "*short test summary*",
        ]
    )
    assert result.stdout.str().count("Temporal events of") == 1, "one that passes says nothing"


def test_one_that_passes_says_so_when_asked(suite: Suite) -> None:
    suite.tests(KILLED)
    result = suite.inside("-rP", "-k", "test_that_passes or test_after")
    result.assert_outcomes(passed=2, deselected=3)
    result.stdout.fnmatch_lines(["*test_that_passes*", "*Temporal events of*", "* exited: *"])
    assert result.stdout.str().count("Temporal events of") == 1


def test_the_supervisor_and_the_server_at_once(suite: Suite) -> None:
    suite.tests(
        """
import os, signal

def test_one(temporal_server, temporal_namespace):
    status = temporal_server.status()
    for pid in (status.supervisor_pid, status.pid):
        os.kill(pid, signal.SIGKILL)
    tell(temporal_server.address)

def test_two(temporal_server, temporal_namespace):
    assert temporal_namespace in temporal_server.list_namespaces()
    tell(temporal_server.address)
"""
    )
    suite.inside().assert_outcomes(passed=2)
    one, two = suite.told()
    assert one == two


def test_one_whose_setup_saw_it_says_so(suite: Suite) -> None:
    suite.tests(
        KILLED
        + """
@pytest.fixture
def crash(temporal_server):
    see_it_die(temporal_server)

def test_fails_for_another_reason(crash):
    assert False
"""
    )
    result = suite.inside("-k", "another_reason or test_after")
    result.assert_outcomes(passed=1, failed=1, deselected=4)
    result.stdout.fnmatch_lines(["*Temporal events of*", "* exited: *", "* ready: *"])


def test_the_next_one_says_so_if_no_other_could(suite: Suite) -> None:
    suite.tests(
        KILLED
        + """
@pytest.fixture
def crash(temporal_server):
    yield
    see_it_die(temporal_server)

def test_passes(crash): pass
def test_fails(temporal_server): assert False
"""
    )
    result = suite.inside("-k", "test_passes or test_fails")
    result.assert_outcomes(passed=1, failed=1, deselected=5)
    result.stdout.fnmatch_lines(["*Temporal events of*", "* exited: *", "* ready: *"])


def test_a_server_that_does_not_come_back(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", f"exit_if_file={suite.path / 'fault'}")
    suite.tests(
        """
import pathlib

def test_one(temporal_server, temporal_namespace):
    pathlib.Path(__file__).with_name("fault").touch()
    while temporal_server.status().state != "failed":
        pass

def test_two(temporal_namespace): pass
def test_three(temporal_namespace): pass
"""
    )
    result = suite.inside("--tb=short")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        ["*ERROR at setup of test_two*", "CrashLoopError: *", "mend the cause, *"]
    )
    assert "_pytest/" not in result.stdout.str(), "the plugin's own code"


def test_a_server_that_a_test_stops(suite: Suite) -> None:
    suite.tests(
        """
def test_one(temporal_server):
    temporal_server.stop()

def test_two(temporal_namespace): pass

def test_three(temporal_server_factory, request):
    request.getfixturevalue("temporal_private_server").stop()
    assert False
"""
    )
    result = suite.inside("--temporal-keep=1s")
    result.assert_outcomes(passed=1, errors=1, failed=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_two*", "NotRunningError: *"])
    assert "_pytest/" not in result.stdout.str(), "the plugin's own code"


@pytest.mark.real_server
def test_workflows_go_on_in_many_threads(real_suite: Suite) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(
        """
import os, signal
from flows import *

def test_one(temporal_server, temporal_client):
    def in_a_loop_of_its_own(number):
        if number == 3:
            os.kill(temporal_server.status().pid, signal.SIGKILL)
        options = dict(id=f"double-{number}", task_queue="tests")
        return asyncio.run(temporal_client.execute_workflow(Double.run, number, **options))

    async def scenario():
        flows = dict(workflows=[Double], activities=[double])
        async with Worker(temporal_client, task_queue="tests", **flows):
            threads = [asyncio.to_thread(in_a_loop_of_its_own, number) for number in range(8)]
            return await asyncio.gather(*threads)

    assert asyncio.run(scenario()) == [2 * number for number in range(8)]
"""
    )
    real_suite.run().assert_outcomes(passed=1)
