"""How often the task of a workflow has failed in a row, and why.

The server counts the attempts at a workflow task since the last one that was completed. A worker
reports the first failure in a row, and that one is in the history; of each later attempt the worker
reports nothing, and the server's time limit for it ends it (10 s unless chosen otherwise). So these
facts count as failures of one cause: each failure in the history since the last completed task that
has the same cause as the newest, each later attempt that the server has given up, and the present
attempt once a worker has had it for `LIMIT_SECONDS`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from temporalio.api.enums.v1 import EventType, PendingWorkflowTaskState, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.client import (
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    WorkflowHistoryEventFilterType,
)
from temporalio.exceptions import FailureError

from .. import _clock
from .._errors import WorkflowTaskFailedError
from . import enums, failures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes
    from temporalio.api.workflow.v1 import PendingWorkflowTaskInfo
    from temporalio.client import OutboundInterceptor, WorkflowExecutionDescription
    from temporalio.converter import DataConverter

LIMIT_SECONDS = 2.0
"""An attempt that a worker has had for so long counts as failed. The SDK's deadlock detector has
the same limit: it fails a task whose code runs longer."""

ANSWER_TIME = timedelta(seconds=5)
"""How long the server may take for an answer."""

MOST = 30
"""Workflows that are asked about for one wait: the awaited one, its children, and theirs."""

NO_FAILURES = frozenset(
    {
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND,
    }
)
"""Causes by which the server itself ends a task, for reasons that are no fault of the code."""

ENDS = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    }
)
"""Events after which failures in a row are counted anew."""

EXCEPTION_REMEDY = (
    "mend the code; for an exception that is to fail the workflow, raise `ApplicationError`, "
    "or name its class in `workflow_failure_exception_types`"
)

REMEDIES = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED: EXCEPTION_REMEDY,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE: (
        EXCEPTION_REMEDY
    ),
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR: (
        "have the code do the same on each replay, and guard changes with `workflow.patched()`"
    ),
}
"""What to do, by cause. Old workers give an exception of the code no cause."""

OTHER_REMEDY = "mend the command that the server refuses"
"""What to do for every other cause."""


class Recorded(NamedTuple):
    """A failure of a workflow task that the history has."""

    kind: str
    """What the server calls it: `non_deterministic_error`."""
    cause: str
    """Type and message of the innermost exception."""
    traceback: str
    """Each exception with its traceback, the innermost first."""
    remedy: str
    """What to do."""
    error: BaseException
    """The failure as the SDK raises it."""


class Seen:
    """What one wait has seen of the workflows that it waits for."""

    def __init__(self, server: OutboundInterceptor, limit: int) -> None:
        """Takes whom to ask, and the number of failures that is too many."""
        self._server, self._limit = server, limit
        self._started: dict[tuple[str, int], float] = {}
        """When each attempt, of a run id and a number, was first seen at a worker: seconds."""

    async def error(self, workflow_id: str, run_id: str | None) -> WorkflowTaskFailedError | None:
        """Returns the error of a workflow, or of a child that it waits for."""
        workflows = [(workflow_id, run_id)]
        for name, run in workflows:  # which grows meanwhile
            input = DescribeWorkflowInput(name, run, {}, ANSWER_TIME)  # noqa: A001  # as the SDK has it
            description = await self._server.describe_workflow(input)
            if error := await self._error_of(description):
                return error
            children = description.raw_description.pending_children
            workflows += [(child.workflow_id, child.run_id or None) for child in children]
            del workflows[MOST:]
        return None

    async def _error_of(
        self, description: WorkflowExecutionDescription
    ) -> WorkflowTaskFailedError | None:
        raw = description.raw_description
        if not raw.HasField("pending_workflow_task"):
            return None
        unrecorded = self._ended_attempts(description.run_id, raw.pending_workflow_task) - 1
        if unrecorded < 0:
            return None
        recorded = await self._recorded(description)
        count = len(recorded) + unrecorded
        if not recorded or count < self._limit:
            return None
        return _error(description, recorded[-1], count)

    def _ended_attempts(self, run_id: str, task: PendingWorkflowTaskInfo) -> int:
        """Returns how many attempts of a pending task are over, see `LIMIT_SECONDS`."""
        if task.state != PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED:
            return task.attempt - 1
        now = _clock.monotonic()
        since = self._started.setdefault((run_id, task.attempt), now)
        return task.attempt - (now - since < LIMIT_SECONDS)

    async def _recorded(self, description: WorkflowExecutionDescription) -> list[Recorded]:
        """Returns the last failures in the history that follow each other and have one cause."""
        request = FetchWorkflowHistoryEventsInput(
            id=description.id,
            run_id=description.run_id,
            page_size=None,
            next_page_token=None,
            wait_new_event=False,
            event_filter_type=WorkflowHistoryEventFilterType.ALL_EVENT,
            skip_archival=True,
            rpc_metadata={},
            rpc_timeout=ANSWER_TIME,
        )
        found: list[Recorded] = []
        async for event in self._server.fetch_workflow_history_events(request):
            if event.event_type in ENDS:
                found = []
            elif _is_failure(event):
                failed = event.workflow_task_failed_event_attributes
                newest = await _decoded(failed, description.data_converter)
                same = found and found[-1][:2] == newest[:2]
                found = [*found, newest] if same else [newest]
        return found


def _is_failure(event: HistoryEvent) -> bool:
    failed = event.workflow_task_failed_event_attributes
    is_one = event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return is_one and failed.cause not in NO_FAILURES


async def _decoded(failed: WorkflowTaskFailedEventAttributes, converter: DataConverter) -> Recorded:
    """Returns a failure as the client's codec and failure converter read it."""
    failure = Failure()
    failure.CopyFrom(failed.failure)
    error = await converter.decode_failure(failure)
    words, traces = "", []
    for each in _with_causes(error):
        decoded = each.failure if isinstance(each, FailureError) else None
        words = next(failures.chain(decoded)) if decoded else f"{type(each).__name__}: {each}"
        trace = decoded.stack_trace.rstrip() if decoded else ""
        traces.append(f"{trace}\n{words}".lstrip("\n"))
    remedy = REMEDIES.get(failed.cause, OTHER_REMEDY)
    return Recorded(enums.cause(failed), words, "\n".join(reversed(traces)), remedy, error)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _error(
    description: WorkflowExecutionDescription, newest: Recorded, count: int
) -> WorkflowTaskFailedError:
    """Returns the error that ends the wait."""
    times = "once" if count == 1 else f"{count} times in a row"
    error = WorkflowTaskFailedError(
        f"the task of workflow `{description.id}` ({description.workflow_type}) has failed {times} "
        f"({newest.kind}), and the server retries it for ever:\n"
        f"{newest.traceback}\n{newest.remedy}",
        workflow_id=description.id,
        run_id=description.run_id,
        workflow_type=description.workflow_type,
        failures=count,
        cause=newest.cause,
        traceback=newest.traceback,
        remedy=newest.remedy,
    )
    error.__cause__ = newest.error
    return error
