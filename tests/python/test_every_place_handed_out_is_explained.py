"""Every namespace and server that a test got from the plugin is explained, however it got it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from temporal_devserver._pytest import explain, handed

if TYPE_CHECKING:
    from pytest_support import Suite

START = """
import asyncio

def start(client, id="lonely"):
    asyncio.run(client.start_workflow("Any", id=id, task_queue="nobody"))
"""

OWN = {
    "a client made by connect": (
        "temporal_server",
        "start(temporal_server.connect())",
        "default",
    ),
    "a client made by connect of a namespace made by the test": (
        "temporal_server",
        (
            "temporal_server.create_namespace('ours')\n"
            "    start(temporal_server.connect(namespace='ours'))"
        ),
        "ours",
    ),
    "a client made by the SDK": (
        "temporal_server",
        (
            "from temporalio.client import Client\n"
            "    start(asyncio.run(Client.connect(temporal_server.address)))"
        ),
        "default",
    ),
    "a server of the factory": (
        "temporal_server_factory",
        "server = temporal_server_factory(namespaces=['theirs']); start(server.connect())",
        "theirs",
    ),
}


@pytest.mark.real_server
@pytest.mark.parametrize(("fixture", "body", "namespace"), OWN.values(), ids=OWN)
def test_what_a_test_makes_by_a_server(
    real_suite: Suite, fixture: str, body: str, namespace: str
) -> None:
    real_suite.tests(f"{START}\ndef test_fails({fixture}):\n    {body}\n    assert False\n")
    result = real_suite.run("--temporal-histories=saved", "--temporal-report=report.html")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"*Temporal workflows in {namespace} *",
            "lonely  Any  RUNNING",
            "    workflow task waits for * s; NO WORKER POLLS task queue `nobody`",
        ]
    )
    assert result.stdout.str().count("Temporal workflows in") == 1
    assert len(list((real_suite.path / "saved").rglob("*.json"))) == 1
    assert "lonely" in (real_suite.path / "report.html").read_text()


@pytest.mark.real_server
def test_a_client_of_a_wider_scope(real_suite: Suite) -> None:
    """Each test that uses it is explained; another one's closed workflows are not its own."""
    real_suite.tests(
        f"""{START}
@pytest.fixture(scope="module")
def client(temporal_server):
    return temporal_server.connect()

def test_one(client):
    start(client, "first")
    asyncio.run(client.get_workflow_handle("first").terminate())
    assert False

def test_two(client):
    start(client, "second")
    assert False

def test_three(temporal_namespace):
    assert False
"""
    )
    result = real_suite.run()
    result.assert_outcomes(failed=3)
    parts = result.stdout.str().split("___ test_")
    one, two, three = parts[1:4]
    assert "first  Any  TERMINATED" in one
    assert "Temporal workflows in default" in two
    assert "second  Any  RUNNING" in two
    assert "first" not in two
    assert "Temporal workflows in default" not in three
    assert "Temporal workflows in test_three-" in three


@pytest.mark.real_server
def test_a_client_of_a_wider_scope_that_is_asked_for_by_name(real_suite: Suite) -> None:
    real_suite.tests(
        f"""{START}
@pytest.fixture(scope="module")
def client(temporal_server):
    return temporal_server.connect()

def test_one(request):
    start(request.getfixturevalue("client"), "first")

def test_two(request):
    start(request.getfixturevalue("client"), "second")
    assert False

def test_three(request):
    assert False
"""
    )
    result = real_suite.run("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=2)
    two, three = result.stdout.str().split("___ test_")[1:3]
    assert "second  Any  RUNNING" in two
    assert "Temporal workflows in" not in three


@pytest.mark.real_server
def test_each_namespace_of_a_server_of_the_factory(real_suite: Suite) -> None:
    real_suite.tests(
        f"""{START}
from temporalio.client import Client

def test_fails(temporal_server_factory):
    server = temporal_server_factory(namespaces=["a", "b"])
    start(asyncio.run(Client.connect(server.address, namespace="b")))
    server.connect()
    assert False
"""
    )
    result = real_suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Temporal workflows in b *", "lonely  Any  RUNNING"])


@pytest.mark.real_server
def test_two_servers_with_a_namespace_of_one_name(real_suite: Suite) -> None:
    real_suite.tests(
        f"""{START}
def test_fails(temporal_server, temporal_private_server):
    start(temporal_server.connect(), "shared")
    start(temporal_private_server.connect(), "private")
    assert False
"""
    )
    result = real_suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Temporal workflows in default of pytest-*", "shared *"])
    assert result.stdout.str().count("Temporal workflows in default of") == 2
    result.stdout.fnmatch_lines(["private *"])


SKIPS = (
    START
    + """
from datetime import timedelta
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

@activity.defn
async def charge():
    raise ValueError("card declined")

@workflow.defn(sandboxed=False)
class Pays:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            charge, start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(hours=1)),
        )

@workflow.defn(sandboxed=False)
class Buggy:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("no such order")

@workflow.defn(sandboxed=False)
class Sleeps:
    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(3600)
        return "woke"

async def seen(handle, kind):
    while not [e async for e in handle.fetch_history_events() if e.HasField(kind)]:
        await asyncio.sleep(0.01)

async def scenario(client):
    flows = [Pays, Buggy, Sleeps]
    async with Worker(client, task_queue="tests", workflows=flows, activities=[charge]):
        await client.execute_workflow(Sleeps.run, id="sleeps", task_queue="tests")
        pays = await client.start_workflow(Pays.run, id="pays", task_queue="tests")
        while "attempt: 2" not in str((await pays.describe()).raw_description):
            await asyncio.sleep(0.01)
        buggy = await client.start_workflow(Buggy.run, id="buggy", task_queue="tests")
        await seen(buggy, "workflow_task_failed_event_attributes")
    await client.start_workflow("Any", id="lonely", task_queue="nobody")

def test_fails(temporal_time_skipping_env):
    asyncio.run(scenario(temporal_time_skipping_env.client))
    assert False
"""
)


@pytest.mark.real_server
def test_the_environment_that_skips_time(real_suite: Suite) -> None:
    real_suite.tests(SKIPS)
    result = real_suite.run("--temporal-histories=saved", "--temporal-report=report.html")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Temporal workflows in default*",
            "lonely  Any  RUNNING",
            "    workflow task waits for * s; no worker took it from task queue `nobody`",
            "buggy  Buggy  RUNNING",
            "    workflow task fails*: KeyError: 'no such order'",
            "pays  Pays  RUNNING",
            "    activity charge (id 1): attempt 2*last failure: ValueError: card declined",
            "sleeps  Sleeps  COMPLETED",
        ]
    )
    result.stdout.no_fnmatch_line("*could not be found out*")
    assert len(list((real_suite.path / "saved").rglob("*.json"))) == 4
    page = (real_suite.path / "report.html").read_text()
    assert all(name in page for name in ("lonely", "buggy", "pays", "sleeps"))


@pytest.mark.parametrize(("is_external", "since"), [(False, 100.0), (True, 95.0)])
def test_the_clock_of_an_existing_server_may_be_behind(is_external: bool, since: float) -> None:
    async def client(*_: object) -> None:
        pass

    async def work(subject: explain.Subject, _lines: list[str]) -> None:
        asked.append(subject.since)

    asked: list[float | None] = []
    ours: Any = SimpleNamespace(
        settings=SimpleNamespace(is_external=is_external),
        handed=SimpleNamespace(began=100.0),
        asking_client=client,
    )
    server: Any = SimpleNamespace(name="existing")
    asyncio.run(explain.Ask(handed.Place(server, "default"), work, 0.0).make(ours))
    assert asked == [since]


def test_all_places_are_asked_at_once(suite: Suite) -> None:
    """The five seconds are for a test, not for a place."""
    suite.file(
        "conftest.py",
        """
import asyncio
from temporal_devserver._pytest import explain

explain.PATIENCE = 30
asked = []

def meets(ours, place):
    async def meet(subject, lines):
        asked.append(place)
        while len(asked) < 3:
            await asyncio.sleep(0.01)
        lines.append("they met")
    return meet

explain._workflows = meets
""",
    )
    suite.tests(
        """
def test_fails(temporal_server):
    for name in "abc":
        temporal_server.create_namespace(name)
    assert False
"""
    )
    result = suite.inside()
    result.assert_outcomes(failed=1)
    assert result.stdout.str().count("they met") == 3
