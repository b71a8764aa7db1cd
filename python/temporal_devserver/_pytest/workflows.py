"""The workflows of a namespace, in words: what became of them, and what the others wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import PendingWorkflowTaskState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowHistoryEventFilterType

from . import enums, failures, server_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
    from temporalio.api.workflow.v1 import PendingActivityInfo, PendingWorkflowTaskInfo
    from temporalio.client import Client, WorkflowExecution, WorkflowHandle

MOST = 30
"""Workflows that are shown, the newest."""


async def told(client: Client) -> AsyncIterator[str]:
    """Tells of the workflows in the namespace of a client, line by line."""
    count, now = 0, await server_time.of_server(client)
    async for execution in client.list_workflows(page_size=MOST + 1):
        count += 1
        if count > MOST:
            yield "... and more"
            return
        status = execution.status.name if execution.status else "UNKNOWN"
        yield f"{execution.id}  {execution.workflow_type}  {status}"
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        lines = _open if execution.status == WorkflowExecutionStatus.RUNNING else _closed
        async for line in lines(client, handle, execution, now):
            yield f"    {line}"
    if not count:
        yield "none was started in it"


async def _closed(
    _client: Client,
    handle: WorkflowHandle[object, object],
    _execution: WorkflowExecution,
    _now: float,
) -> AsyncIterator[str]:
    """Tells why a workflow did not complete."""
    close = WorkflowHistoryEventFilterType.CLOSE_EVENT
    async for event in handle.fetch_history_events(event_filter_type=close):
        for line in failures.chain(event.workflow_execution_failed_event_attributes.failure):
            if event.HasField("workflow_execution_failed_event_attributes"):
                yield line
        if event.HasField("workflow_execution_terminated_event_attributes"):
            yield f"reason: {event.workflow_execution_terminated_event_attributes.reason}"


async def _open(
    client: Client,
    handle: WorkflowHandle[object, object],
    execution: WorkflowExecution,
    now: float,
) -> AsyncIterator[str]:
    """Tells what a workflow waits for."""
    raw = (await handle.describe()).raw_description
    for activity in raw.pending_activities:
        yield _activity(activity)
    for child in raw.pending_children:
        yield f"waits for child workflow {child.workflow_id} ({child.workflow_type_name})"
    if raw.HasField("pending_workflow_task"):
        own = server_time.of_workflow(raw, now)
        yield await _task(client, handle, execution, raw.pending_workflow_task, own)
    elif not raw.pending_activities and not raw.pending_children:
        yield "waits for a timer, a signal or an update"


def _activity(activity: PendingActivityInfo) -> str:
    attempts = f"attempt {activity.attempt}"
    if activity.maximum_attempts:
        attempts += f" of {activity.maximum_attempts}"
    name = f"activity {activity.activity_type.name} (id {activity.activity_id})"
    line = f"{name}: {attempts}, {enums.state(activity)}"
    if activity.HasField("last_failure"):
        line += f"; last failure: {failures.last(activity.last_failure)}"
    return line


async def _task(
    client: Client,
    handle: WorkflowHandle[object, object],
    execution: WorkflowExecution,
    task: PendingWorkflowTaskInfo,
    now: float,
) -> str:
    """Tells why a workflow task is not done: it fails, it runs, or nobody takes it."""
    failed = await _last_task_failure(handle) if task.attempt > 1 else None
    if failed is not None:
        why = f"({enums.cause(failed)}): {failures.last(failed.failure)}"
        return f"workflow task fails, attempt {task.attempt} {why}"
    if task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED:
        return f"workflow task: a worker has had it for {server_time.age(task.started_time, now)}"
    pollers = await _pollers(client, execution.task_queue)
    who = f"{pollers} workers poll" if pollers else "NO WORKER POLLS"
    age = server_time.age(task.original_scheduled_time, now)
    return f"workflow task waits for {age}; {who} task queue `{execution.task_queue}`"


async def _last_task_failure(
    handle: WorkflowHandle[object, object],
) -> WorkflowTaskFailedEventAttributes | None:
    """Returns how the last workflow task failed that did.

    Of several in a row the history has the first alone.
    """
    found = None
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            found = event.workflow_task_failed_event_attributes
    return found


async def _pollers(client: Client, task_queue: str) -> int:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    return len((await client.workflow_service.describe_task_queue(request)).pollers)
