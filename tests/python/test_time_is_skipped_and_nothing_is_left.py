"""The SDK's environment that skips time: no wait for a timer, no server after pytest is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import eventually

if TYPE_CHECKING:
    from pytest_support import Suite
    from support import Sandbox

TESTS = """
import asyncio, time
from datetime import timedelta
from temporalio import workflow
from temporalio.worker import Worker

@workflow.defn(sandboxed=False)
class Sleeps:
    @workflow.run
    async def run(self) -> int:
        await workflow.sleep(timedelta(days=30))
        return 30

async def slept(environment):
    client = environment.client
    async with Worker(client, task_queue="tests", workflows=[Sleeps]):
        return await client.execute_workflow(Sleeps.run, id="sleeps", task_queue="tests")

def test_sync(temporal_time_skipping_env):
    assert temporal_time_skipping_env.supports_time_skipping
    began = time.monotonic()
    assert asyncio.run(slept(temporal_time_skipping_env)) == 30
    assert time.monotonic() - began < 100

@pytest.mark.asyncio
async def test_async(temporal_time_skipping_env):
    assert await slept(temporal_time_skipping_env) == 30
"""


def test_servers(box: Sandbox) -> list[int]:
    """Returns the processes of the test server."""
    return [pid for pid, line in box.processes().items() if "temporal-test-server" in line]


test_servers.__test__ = False  # type: ignore[attr-defined]


def nothing_is_left(box: Sandbox) -> bool:
    return not box.processes() and not list(box.tmp.iterdir())


@pytest.mark.real_server
def test_a_month_in_no_time(real_suite: Suite, sandbox: Sandbox) -> None:
    real_suite.tests(TESTS)
    real_suite.run().assert_outcomes(passed=2)
    eventually("nothing is left", lambda: nothing_is_left(sandbox))


@pytest.mark.real_server
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_pytest_is_ended_while_it_runs(
    real_suite: Suite, sandbox: Sandbox, number: signal.Signals
) -> None:
    real_suite.tests(
        """
import threading

def test_one(temporal_time_skipping_env):
    tell("it runs")
    threading.Event().wait()
"""
    )
    with real_suite.started() as run:
        eventually("the test hangs", real_suite.told, 40)
        assert test_servers(sandbox)
        os.kill(run.pid, number)
        _, _, err = run.end()
        eventually("nothing is left", lambda: nothing_is_left(sandbox))
    assert not err


@pytest.mark.real_server
def test_pytest_is_killed_while_it_starts(real_suite: Suite, sandbox: Sandbox) -> None:
    real_suite.tests("def test_one(temporal_time_skipping_env): pass")
    with real_suite.started() as run:
        eventually("it starts", lambda: test_servers(sandbox), 40)
        os.kill(run.pid, signal.SIGKILL)
        run.end()
        eventually("nothing is left", lambda: nothing_is_left(sandbox))


@pytest.mark.real_server
def test_no_variable_of_temporals_reaches_the_test_server(
    real_suite: Suite, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    real_suite.tests("def test_one(temporal_time_skipping_env): tell('up'), input()")
    with real_suite.started("-s") as run:
        eventually("it is up", real_suite.told, 40)
        lines = sandbox.processes().items()
        (server,) = [pid for pid, line in lines if line.split()[0].endswith("-test-server")]
        environment = Path(f"/proc/{server}/environ").read_bytes().split(b"\0")
        assert not [name for name in environment if name.startswith(b"TEMPORAL_")]
        run.end("\n")
    eventually("nothing is left", lambda: nothing_is_left(sandbox))
