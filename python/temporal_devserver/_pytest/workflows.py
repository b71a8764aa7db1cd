"""The workflows of a namespace, in words: what became of them, and what the others wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from temporalio.api.enums.v1 import (
    PendingWorkflowTaskState,
    TaskQueueType,
    WorkflowExecutionStatus,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowHistoryEventFilterType

from . import enums, executions, failures, server_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message
    from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
    from temporalio.api.workflow.v1 import (
        PendingActivityInfo,
        PendingWorkflowTaskInfo,
        WorkflowExecutionInfo,
    )
    from temporalio.client import Client, WorkflowHandle

    from .decoding import Decoder
    from .explain import Subject

RUNNING = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING

MOST = 30
"""Workflows that are shown, the newest."""


class Told(NamedTuple):
    """A workflow that is told of."""

    client: Client
    handle: WorkflowHandle[object, object]
    execution: WorkflowExecutionInfo
    decoder: Decoder
    now: float
    """The time of its server, in seconds since 1970."""

    async def decode(self, message: Message) -> None:
        """Decodes what the server says of it, in place."""
        execution = self.execution
        await self.decoder.decode(message, execution.execution.workflow_id, execution.type.name)


async def told(subject: Subject) -> AsyncIterator[str]:
    """Tells of the workflows in a namespace, line by line."""
    client, decoder = subject.client, subject.decoder
    count, now = 0, await server_time.of_server(client)
    async for execution in executions.listed(subject):
        count += 1
        if count > MOST:
            yield "... and more"
            break
        which = execution.execution
        yield f"{which.workflow_id}  {execution.type.name}  {enums.status(execution.status)}"
        handle = client.get_workflow_handle(which.workflow_id, run_id=which.run_id)
        lines = _open if execution.status == RUNNING else _closed
        async for line in lines(Told(client, handle, execution, decoder, now)):
            yield f"    {line}"
    if not count:
        yield "none was started in it"
    for line in decoder.problems():
        yield line


async def _closed(which: Told) -> AsyncIterator[str]:
    """Tells why a workflow did not complete."""
    close = WorkflowHistoryEventFilterType.CLOSE_EVENT
    async for event in which.handle.fetch_history_events(event_filter_type=close):
        await which.decode(event)
        for line in failures.chain(event.workflow_execution_failed_event_attributes.failure):
            if event.HasField("workflow_execution_failed_event_attributes"):
                yield line
        if event.HasField("workflow_execution_terminated_event_attributes"):
            yield f"reason: {event.workflow_execution_terminated_event_attributes.reason}"


async def _open(which: Told) -> AsyncIterator[str]:
    """Tells what a workflow waits for."""
    raw = (await which.handle.describe()).raw_description
    await which.decode(raw)
    for activity in raw.pending_activities:
        yield _activity(activity)
    for child in raw.pending_children:
        yield f"waits for child workflow {child.workflow_id} ({child.workflow_type_name})"
    if raw.HasField("pending_workflow_task"):
        now = server_time.of_workflow(raw, which.now)
        yield await _task(which, raw.pending_workflow_task, now)
    elif not raw.pending_activities and not raw.pending_children:
        yield await _without_pending(which, raw.execution_config.task_queue.name)


def _activity(activity: PendingActivityInfo) -> str:
    attempts = f"attempt {activity.attempt}"
    if activity.maximum_attempts:
        attempts += f" of {activity.maximum_attempts}"
    name = f"activity {activity.activity_type.name} (id {activity.activity_id})"
    line = f"{name}: {attempts}, {enums.state(activity)}"
    if activity.HasField("last_failure"):
        line += f"; last failure: {failures.last(activity.last_failure)}"
    return line


async def _without_pending(which: Told, task_queue: str) -> str:
    """Tells the same from the history, for a server that describes no pending workflow task."""
    state, age, failed = "", "", None
    async for event in which.handle.fetch_history_events():
        kind = event.WhichOneof("attributes") or ""
        if kind.startswith("workflow_task_"):
            state = kind.removesuffix("_event_attributes")
            age = server_time.age(event.event_time, which.now)
        if state == "workflow_task_failed":
            failed = event.workflow_task_failed_event_attributes
        elif state == "workflow_task_completed":
            failed = None
    if state == "workflow_task_completed":
        return "waits for a timer, a signal or an update"
    if failed is not None:
        await which.decode(failed)
        return f"workflow task fails {_why(failed)}"
    if state == "workflow_task_started":
        return f"workflow task: a worker has had it for {age}"
    return f"workflow task waits for {age}; no worker took it from task queue `{task_queue}`"


def _why(failed: WorkflowTaskFailedEventAttributes) -> str:
    return f"({enums.cause(failed)}): {failures.last(failed.failure)}"


async def _task(which: Told, task: PendingWorkflowTaskInfo, now: float) -> str:
    """Tells why a workflow task is not done: it fails, it runs, or nobody takes it."""
    failed = await _last_task_failure(which) if task.attempt > 1 else None
    if failed is not None:
        return f"workflow task fails, attempt {task.attempt} {_why(failed)}"
    if task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED:
        return f"workflow task: a worker has had it for {server_time.age(task.started_time, now)}"
    task_queue = which.execution.task_queue
    pollers = await _pollers(which.client, task_queue)
    who = f"{pollers} workers poll" if pollers else "NO WORKER POLLS"
    age = server_time.age(task.original_scheduled_time, now)
    return f"workflow task waits for {age}; {who} task queue `{task_queue}`"


async def _last_task_failure(which: Told) -> WorkflowTaskFailedEventAttributes | None:
    """Returns how the last workflow task failed that did.

    Of several in a row the history has the first alone.
    """
    found = None
    async for event in which.handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            found = event.workflow_task_failed_event_attributes
    if found is not None:
        await which.decode(found)
    return found


async def _pollers(client: Client, task_queue: str) -> int:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    return len((await client.workflow_service.describe_task_queue(request)).pollers)
