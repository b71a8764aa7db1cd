"""A run on an existing server deletes at its end the namespaces that it created, and no others."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_support import Suite

pytestmark = pytest.mark.real_server

TESTS = """
@pytest.mark.parametrize("number", range(3))
def test_one(temporal_server, temporal_namespace, number):
    temporal_server.create_namespace(f"own-{number}")
    tell(temporal_namespace, f"own-{number}")
"""

HANGS = """
import time

def test_one(temporal_namespace):
    tell(temporal_namespace)
    while True:
        time.sleep(60)
"""

EXPIRES_AT_ONCE = "from temporal_devserver._pytest import cleanup\ncleanup.LIFETIME = -1\n"

REFUSES = """
import pytest
from temporalio.service import {service}, RPCError, RPCStatusCode

@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart():
    async def refuse(*_, **__):
        raise RPCError("not permitted", RPCStatusCode.PERMISSION_DENIED, b"")

    {service}.{verb} = refuse
"""


@pytest.fixture
def existing(real_temporal: Path) -> Iterator[DevServer]:
    with DevServer(executable=real_temporal) as server:
        server.create_namespace("of-others")
        yield server


def left(server: DevServer) -> set[str]:
    """Returns the namespaces, but for those whose data is just being removed."""
    return {name for name in server.list_namespaces() if "-deleted-" not in name}


UNTOUCHED = {"default", "of-others"}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_all_that_it_created(real_suite: Suite, existing: DevServer, workers: str) -> None:
    real_suite.tests(TESTS)
    result = real_suite.run(f"--temporal-address={existing.address}", workers)
    result.assert_outcomes(passed=3)
    assert len({name for names in real_suite.told() for name in names}) == 6
    assert left(existing) == UNTOUCHED
    result.stdout.no_fnmatch_line("*could not be deleted*")


def test_not_what_was_there_before(real_suite: Suite, existing: DevServer) -> None:
    real_suite.tests("def test_one(temporal_server): temporal_server.create_namespace('of-others')")
    real_suite.run(f"--temporal-address={existing.address}").assert_outcomes(passed=1)
    assert left(existing) == UNTOUCHED


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_after_an_interrupt(real_suite: Suite, existing: DevServer, workers: str) -> None:
    real_suite.tests(HANGS)
    with real_suite.started(f"--temporal-address={existing.address}", workers) as run:
        wait_for_a_test(real_suite)
        run.signal(signal.SIGINT, group=workers == "-n0")
        run.end()
    assert left(existing) == UNTOUCHED


def test_those_of_a_worker_that_crashed(real_suite: Suite, existing: DevServer) -> None:
    crash = "\ndef test_crash(temporal_namespace): os.kill(os.getpid(), signal.SIGKILL)\n"
    real_suite.tests("import os, signal" + crash)
    result = real_suite.run(f"--temporal-address={existing.address}", "-n1")
    result.assert_outcomes(failed=1)
    assert left(existing) == UNTOUCHED


def test_those_of_a_killed_run_by_a_later_one(real_suite: Suite, existing: DevServer) -> None:
    real_suite.file("conftest.py", EXPIRES_AT_ONCE)
    real_suite.tests(HANGS)
    address = f"--temporal-address={existing.address}"
    with real_suite.started(address) as run:
        wait_for_a_test(real_suite)
        run.signal(signal.SIGKILL)
        run.end()
    ((created,),) = real_suite.told()
    assert left(existing) == UNTOUCHED | {created}
    real_suite.file("conftest.py", "")
    real_suite.tests("def test_one(temporal_namespace): pass")
    real_suite.run(address).assert_outcomes(passed=1)
    assert left(existing) == UNTOUCHED


def test_kept_ones_stay_as_long_as_said(real_suite: Suite, existing: DevServer) -> None:
    real_suite.tests("def test_one(temporal_namespace): tell(temporal_namespace)")
    address = f"--temporal-address={existing.address}"
    real_suite.run(address, "--temporal-keep=1h").assert_outcomes(passed=1)
    ((kept,),) = real_suite.told()
    real_suite.run(address).assert_outcomes(passed=1)
    assert left(existing) == UNTOUCHED | {kept}


def test_not_what_another_run_still_uses(real_suite: Suite, existing: DevServer) -> None:
    address = f"--temporal-address={existing.address}"
    own = "temporal_server.create_namespace('own')"
    hangs = HANGS.replace(
        "(temporal_namespace):", f"(temporal_server, temporal_namespace):\n    {own}"
    )
    real_suite.tests(hangs)
    with real_suite.started(address) as run:
        wait_for_a_test(real_suite)
        ((theirs,),) = real_suite.told()
        real_suite.tests(f"def test_one(temporal_server): {own}", "test_other.py")
        real_suite.run(address, "--temporal-keep=1s", "test_other.py").assert_outcomes(passed=1)
        real_suite.run(address, "test_other.py").assert_outcomes(passed=1)
        assert left(existing) == UNTOUCHED | {theirs, "own"}
        run.signal(signal.SIGINT)
        run.end()
    assert left(existing) == UNTOUCHED


def test_an_error_at_the_end_leaves_the_summary_of_the_run(
    real_suite: Suite, existing: DevServer
) -> None:
    real_suite.file(
        "conftest.py",
        """
from temporal_devserver._pytest import cleanup

async def broken(*_):
    raise KeyError("broken")

cleanup._ended = broken
""",
    )
    real_suite.tests("def test_one(temporal_namespace): tell(temporal_namespace); assert 0")
    result = real_suite.run(f"--temporal-address={existing.address}")
    result.assert_outcomes(failed=1)
    ((name,),) = real_suite.told()
    result.stdout.fnmatch_lines([f"*could not be deleted (*broken*): {name}"])


def test_those_that_cannot_be_deleted_are_named(real_suite: Suite, existing: DevServer) -> None:
    real_suite.file(
        "conftest.py", REFUSES.format(service="OperatorService", verb="delete_namespace")
    )
    real_suite.tests("def test_one(temporal_namespace): tell(temporal_namespace)")
    result = real_suite.run(f"--temporal-address={existing.address}")
    result.assert_outcomes(passed=1)
    ((name,),) = real_suite.told()
    result.stdout.fnmatch_lines(
        [
            f"temporal: namespaces that could not be deleted (not permitted): {name}",
            "temporal: delete them with `temporal operator namespace delete NAME`",
        ]
    )


def test_by_name_where_none_are_listed(real_suite: Suite, existing: DevServer) -> None:
    real_suite.file(
        "conftest.py", REFUSES.format(service="WorkflowService", verb="list_namespaces")
    )
    real_suite.tests(TESTS)
    result = real_suite.run(f"--temporal-address={existing.address}", "-n2")
    result.assert_outcomes(passed=3)
    assert left(existing) == UNTOUCHED


def test_a_server_that_is_gone_at_the_end_is_reported(
    real_suite: Suite, real_temporal: Path
) -> None:
    real_suite.tests(
        """
import pathlib, time

def test_one(temporal_namespace):
    tell(temporal_namespace)
    pathlib.Path(__file__).with_name("stop").touch()
    while pathlib.Path(__file__).with_name("stop").exists():
        time.sleep(0.01)
"""
    )
    with DevServer(executable=real_temporal) as server:
        run = real_suite.started(f"--temporal-address={server.address}")
        with run as started:
            wait_for_a_test(real_suite)
            server.stop()
            (real_suite.path / "stop").unlink()
            _, out, _ = started.end()
    ((name,),) = real_suite.told()
    (line,) = (line for line in out.splitlines() if "could not be deleted" in line)
    assert "does not answer" in line
    assert line.endswith(name)


def wait_for_a_test(suite: Suite) -> None:
    """Waits until a test has told something."""
    until = time.monotonic() + 40
    while not suite.told():
        assert time.monotonic() < until, "no test began"
        time.sleep(0.01)


def test_search_attributes_and_retention_are_applied(
    real_suite: Suite, existing: DevServer
) -> None:
    real_suite.tests(
        """
import asyncio
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

def test_one(temporal_client):
    async def ask():
        await temporal_client.count_workflows("customer = 'x' AND tags = 'y'")
        request = DescribeNamespaceRequest(namespace=temporal_client.namespace)
        return await temporal_client.workflow_service.describe_namespace(request)
    kept = asyncio.run(ask()).config.workflow_execution_retention_ttl
    assert kept.ToTimedelta().days == 3
"""
    )
    options = [
        "--temporal-retention=3d",
        "--temporal-search-attributes=customer=Keyword",
        "--temporal-search-attributes=tags=KeywordList",
    ]
    result = real_suite.run(f"--temporal-address={existing.address}", *options)
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--temporal-search-attributes=customer=Keyword", "lacks the search attributes customer="),
        ("--temporal-retention=3d", "keeps closed workflows for 1 day*not for 3 days"),
    ],
)
def test_a_given_namespace_without_them_is_refused(
    real_suite: Suite, existing: DevServer, option: str, problem: str
) -> None:
    refuses = REFUSES.format(service="WorkflowService", verb="register_namespace")
    real_suite.file("conftest.py", refuses)
    real_suite.tests("def test_one(temporal_namespace): pass")
    result = real_suite.run(
        f"--temporal-address={existing.address}", "--temporal-namespace=of-others", option
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"NamespaceError: namespace `of-others` *{problem}*"])


@pytest.mark.long
def test_a_server_that_limits_the_rate_gives_each_test_its_own(
    real_suite: Suite, real_temporal: Path
) -> None:
    """A plain server creates 40 namespaces at once, and then one every 50 ms at the most."""
    limit = {"frontend.rps.namespaceReplicationInducingAPIs": 5}
    real_suite.tests(
        """
@pytest.mark.parametrize("number", range(25))
def test_one(temporal_namespace, number): tell(temporal_namespace)
"""
    )
    with DevServer(executable=real_temporal, dynamic_config=limit) as server:
        result = real_suite.run(f"--temporal-address={server.address}")
        result.assert_outcomes(passed=25)
        assert len({name for (name,) in real_suite.told()}) == 25
        assert left(server) == UNTOUCHED - {"of-others"}
