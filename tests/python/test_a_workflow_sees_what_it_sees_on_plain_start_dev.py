"""A workflow finds on our server the settings of plain `start-dev`, and leaves the same history.

The workflow blocks for 5 s, as at a breakpoint; the server's own workflow task timeout is 10 s.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from temporal_devserver import AsyncDevServer

if TYPE_CHECKING:
    from pathlib import Path

    from temporalio.client import Client

BLOCKED = 5.0
"""Seconds; more than any shorter workflow task timeout that we might set."""

OF_THE_RUN = {
    "run_id", "first_execution_run_id", "original_execution_run_id", "start_time",
    "workflow_start_time",
}  # fmt: skip
"""Fields of `workflow.info()` that differ from run to run."""

OF_THE_EVENT = {
    "eventTime", "taskId", "requestId", "identity", "historySizeBytes", "originalExecutionRunId",
    "firstExecutionRunId", "startTime", "stackTrace", "sdkMetadata",
    "taskQueue",  # that of the worker alone has a name of its own
}  # fmt: skip
"""Fields of a history that differ from run to run."""


@activity.defn
def fail_once() -> None:
    """Fails at its first attempt."""
    if activity.info().attempt == 1:
        raise ApplicationError("once")


@workflow.defn(sandboxed=False)
class Look:
    """Blocks, tries an activity again, sleeps, and tells its settings."""

    @workflow.run
    async def run(self) -> dict[str, str]:
        """Tells them."""
        time.sleep(BLOCKED)  # noqa: ASYNC251 -- as a breakpoint does
        await workflow.execute_activity(
            fail_once,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )
        await workflow.sleep(timedelta(milliseconds=10))
        info = vars(workflow.info())
        return {name: repr(value) for name, value in info.items() if name not in OF_THE_RUN}


class Seen(NamedTuple):
    """What a workflow can observe of its server."""

    settings: dict[str, str]
    history: object


async def look(client: Client) -> Seen:
    """Runs the workflow, and reads its history."""
    worker = Worker(
        client,
        task_queue="q",
        workflows=[Look],
        activities=[fail_once],
        activity_executor=ThreadPoolExecutor(1),
        debug_mode=True,  # else the worker gives up what blocks it for 2 s
    )
    async with worker:
        handle = await client.start_workflow(Look.run, id="look", task_queue="q")
        settings = await handle.result()
    return Seen(settings, lasting((await handle.fetch_history()).to_json_dict()))


def lasting(value: object) -> object:
    """Leaves out of a history what differs from run to run."""
    if isinstance(value, dict):
        return {key: lasting(each) for key, each in value.items() if key not in OF_THE_EVENT}
    if isinstance(value, list):
        return [lasting(each) for each in value]
    return value


async def on_ours(executable: Path) -> Seen:
    """Looks around on our server."""
    async with AsyncDevServer(executable=executable) as server:
        return await look(await server.connect())


async def on_plain(executable: Path) -> Seen:
    """Looks around on the SDK's own server."""
    path = str(executable)
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=path) as environment:
        return await look(environment.client)


@pytest.mark.long
@pytest.mark.real_server
def test_settings_and_history_are_the_same(real_temporal: Path) -> None:
    ours, plain = (asyncio.run(on(real_temporal)) for on in (on_ours, on_plain))
    assert ours.settings["task_timeout"] == repr(timedelta(seconds=10))
    assert ours.settings == plain.settings
    assert "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT" not in repr(ours.history)
    assert ours.history == plain.history
