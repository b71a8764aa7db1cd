"""What its workflows did, and what they wait for, stands in the report of a test that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS

if TYPE_CHECKING:
    from pytest_support import Suite

MORE_FLOWS = """
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

@activity.defn
async def charge(card: str) -> None:
    raise ApplicationError(f"card {card} was declined", type="CardDeclined")

async def charged(card: str, attempts: int) -> None:
    await workflow.execute_activity(
        charge, card, start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(
            maximum_attempts=attempts, initial_interval=timedelta(hours=1)
        ),
    )

@workflow.defn(sandboxed=False)
class Fails:
    @workflow.run
    async def run(self) -> None:
        await charged("4711", 1)

@workflow.defn(sandboxed=False)
class Retries:
    @workflow.run
    async def run(self) -> None:
        await charged("4712", 40)

@workflow.defn(sandboxed=False)
class Stuck:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("no such order")

@workflow.defn(sandboxed=False)
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(1000)

ALL = dict(workflows=[Double, Fails, Retries, Stuck, Waits], activities=[double, charge])

async def told_by(client, id, part):
    \"\"\"Waits until a workflow's description has something in it.\"\"\"
    while part not in str((await client.get_workflow_handle(id).describe()).raw_description):
        await asyncio.sleep(0.01)
"""

TESTS = """
from flows import *

def start(client, kind, queue="tests"):
    return client.start_workflow(kind, id=kind.lower(), task_queue=queue)

async def scenario(client):
    async with Worker(client, task_queue="tests", **ALL):
        await client.execute_workflow(Double.run, 1, id="double", task_queue="tests")
        fails = await start(client, "Fails")
        with pytest.raises(Exception):
            await fails.result()
        for kind in ("Retries", "Stuck", "Waits"):
            await start(client, kind)
        await told_by(client, "retries", "attempt: 2")
        await told_by(client, "stuck", "attempt: 2")
        await told_by(client, "waits", "history_length: 5")
    await start(client, "Double", "nobody")

def test_fails(temporal_client):
    asyncio.run(scenario(temporal_client))
    assert False, "the test's own failure"

def test_passes(temporal_client):
    asyncio.run(doubled(temporal_client))
"""

EXPECTED = [
    "*the test's own failure*",
    "*Temporal workflows in test_fails-*",
    "double  Double  RUNNING",
    "    workflow task waits for * s; NO WORKER POLLS task queue `nobody`",
    "waits  Waits  RUNNING",
    "    waits for a timer, a signal or an update",
    "stuck  Stuck  RUNNING",
    "    workflow task fails, attempt 2 (*): KeyError: 'no such order'",
    "retries  Retries  RUNNING",
    (
        "    activity charge (id 1): attempt 2 of 40, scheduled; "
        "last failure: CardDeclined: card 4712 was declined"
    ),
    "fails  Fails  FAILED",
    "    ActivityError: *",
    "    CardDeclined: card 4711 was declined",
    "double  Double  COMPLETED",
]


@pytest.mark.real_server
def test_with_its_workflows(real_suite: Suite) -> None:
    real_suite.file("flows.py", FLOWS + MORE_FLOWS)
    real_suite.tests(TESTS)
    result = real_suite.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(EXPECTED, consecutive=False)
    assert "test_passes" not in result.stdout.str()


@pytest.mark.real_server
def test_with_the_address_of_the_page_when_kept(real_suite: Suite) -> None:
    real_suite.tests(
        """
def test_fails(temporal_namespace): assert False
def test_end(temporal_server): temporal_server.stop()
"""
    )
    result = real_suite.run("--temporal-keep=1min")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Temporal workflows in test_fails-*",
            "http://127.0.0.1:*/namespaces/test_fails-*/workflows",
            "none was started in it",
        ]
    )


@pytest.mark.real_server
def test_though_its_server_does_not_answer(real_suite: Suite) -> None:
    real_suite.file(
        "conftest.py",
        "from temporal_devserver._pytest import explain\nexplain.PATIENCE = 0.5\n",
    )
    real_suite.tests(
        """
def test_fails(temporal_private_server, temporal_private_client):
    temporal_private_server.pause()
    assert False
"""
    )
    result = real_suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*Temporal workflows in default*", "more could not be found out: TimeoutError"]
    )
