"""A task that a crash swallows on its way to the worker: its workflow stands still 3 s, not 10."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollWorkflowTaskQueueRequest
from temporalio.worker import Worker

from temporal_devserver import AsyncDevServer

if TYPE_CHECKING:
    from pathlib import Path


@workflow.defn(sandboxed=False)
class Nothing:
    """Does nothing."""

    @workflow.run
    async def run(self) -> None:
        """Ends."""


async def lost_and_done(real_temporal: Path) -> float:
    """Takes a task and never answers; returns the seconds for which the server waits for that."""
    async with AsyncDevServer(executable=real_temporal) as server:
        client = await server.connect()
        handle = await client.start_workflow(Nothing.run, id="lost", task_queue="q")
        taken = await client.workflow_service.poll_workflow_task_queue(
            PollWorkflowTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name="q"), identity="dead"
            )
        )
        assert taken.task_token
        async with Worker(client, task_queue="q", workflows=[Nothing]):
            await handle.result()
        at = {
            event.event_type: event.event_time.ToDatetime().timestamp()
            async for event in handle.fetch_history_events()
            if event.event_id <= 4
        }
        started = at[EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED]
        return at[EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT] - started


@pytest.mark.real_server
def test_a_lost_task_is_given_out_again_soon(real_temporal: Path) -> None:
    assert asyncio.run(lost_and_done(real_temporal)) < 9
