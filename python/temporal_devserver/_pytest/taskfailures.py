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
from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
from temporalio.client import (
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    WorkflowHistoryEventFilterType,
)
from temporalio.converter import DataConverter
from temporalio.exceptions import FailureError

from .. import _clock
from .._errors import WorkflowTaskFailedError
from . import decoding, enums, failures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporalio.api.failure.v1 import Failure
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.api.workflow.v1 import PendingWorkflowTaskInfo
    from temporalio.client import (
        OutboundInterceptor,
        WorkflowExecutionDescription,
        WorkflowHistoryEventAsyncIterator,
    )

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


class Failing(NamedTuple):
    """A workflow whose task fails again and again."""

    description: WorkflowExecutionDescription
    newest: WorkflowTaskFailedEventAttributes
    """The newest failure that the history has, as the server has it: encoded."""
    failures: int
    """How many in a row."""


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

    def __init__(self, server: OutboundInterceptor, limit: int, *, children: bool) -> None:
        """Takes whom to ask, how many failures are too many, and whether children count."""
        self._server, self._limit, self._children = server, limit, children
        self._left = MOST
        self._started: dict[tuple[str, int], float] = {}
        """When each attempt, of a run id and a number, was first seen at a worker: seconds."""

    async def error(self, workflow_id: str, run_id: str | None) -> WorkflowTaskFailedError | None:
        """Returns the error of a workflow, or of a child without which it cannot go on."""
        self._left = MOST
        failing = await self._failing(workflow_id, run_id)
        if failing is None:
            return None
        return _error(failing, await _decoded(failing))

    async def _failing(self, workflow_id: str, run_id: str | None) -> Failing | None:
        """Returns the failing workflow that keeps a workflow from its end: itself, or a child.

        A child does where its parent can do nothing else: the parent has no task, activity, Nexus
        operation or timer, and each of its children is kept from its end, too.
        """
        self._left -= 1
        if self._left < 0:
            return None
        input = DescribeWorkflowInput(workflow_id, run_id, {}, ANSWER_TIME)  # noqa: A001  # as the SDK has it
        description = await self._server.describe_workflow(input)
        raw = description.raw_description
        if raw.HasField("pending_workflow_task"):
            return await self._of_its_own(description, raw.pending_workflow_task)
        operations = getattr(raw, "pending_nexus_operations", ())  # old SDKs know of none
        if not self._children or raw.pending_activities or operations:
            return None
        failing = None
        for child in raw.pending_children:
            failing = await self._failing(child.workflow_id, child.run_id or None)
            if failing is None:
                return None
        return None if failing is None or await self._has_timer(description) else failing

    async def _of_its_own(
        self, description: WorkflowExecutionDescription, task: PendingWorkflowTaskInfo
    ) -> Failing | None:
        unrecorded = self._ended_attempts(description.run_id, task) - 1
        if unrecorded < 0:
            return None
        recorded = await self._recorded(description)
        count = len(recorded) + unrecorded
        if not recorded or count < self._limit:
            return None
        return Failing(description, recorded[-1], count)

    def _ended_attempts(self, run_id: str, task: PendingWorkflowTaskInfo) -> int:
        """Returns how many attempts of a pending task are over, see `LIMIT_SECONDS`."""
        if task.state != PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED:
            return task.attempt - 1
        now = _clock.monotonic()
        since = self._started.setdefault((run_id, task.attempt), now)
        return task.attempt - (now - since < LIMIT_SECONDS)

    async def _recorded(
        self, description: WorkflowExecutionDescription
    ) -> list[WorkflowTaskFailedEventAttributes]:
        """Returns the last failures in the history that follow each other and have one cause."""
        found: list[WorkflowTaskFailedEventAttributes] = []
        async for event in self._history(description):
            if event.event_type in ENDS:
                found = []
            elif _is_failure(event):
                newest = event.workflow_task_failed_event_attributes
                same = found and _identity(found[-1]) == _identity(newest)
                found = [*found, newest] if same else [newest]
        return found

    async def _has_timer(self, description: WorkflowExecutionDescription) -> bool:
        """Tells whether a timer of the workflow has started and has not ended."""
        running: set[str] = set()
        async for event in self._history(description):
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                running.add(event.timer_started_event_attributes.timer_id)
            elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
                running.discard(event.timer_fired_event_attributes.timer_id)
            elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
                running.discard(event.timer_canceled_event_attributes.timer_id)
        return bool(running)

    def _history(
        self, description: WorkflowExecutionDescription
    ) -> WorkflowHistoryEventAsyncIterator:
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
        return self._server.fetch_workflow_history_events(request)


def _is_failure(event: HistoryEvent) -> bool:
    failed = event.workflow_task_failed_event_attributes
    is_one = event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return is_one and failed.cause not in NO_FAILURES


def _identity(failed: WorkflowTaskFailedEventAttributes) -> tuple[object, ...]:
    """Returns what failures of one cause have in common; it needs no code of the user's."""
    encoded = [
        each.encoded_attributes.SerializeToString(deterministic=True)
        for each in _with_causes(failed.failure)
    ]
    return (failed.cause, failures.last(failed.failure), *encoded)


async def _decoded(failing: Failing) -> Recorded:
    """Returns the newest failure as the client's data converter reads it, in the time it has."""
    description, failed = failing.description, WorkflowTaskFailedEventAttributes()
    failed.CopyFrom(failing.newest)
    namespace = getattr(description, "namespace", "")  # old SDKs neither have it nor need it
    decoder = decoding.Decoder([description.data_converter], namespace)
    await decoder.decode(failed, description.id, description.workflow_type)
    words, traces = "", []
    for each in _with_causes(failed.failure):
        words = next(failures.chain(each))
        traces.append(f"{each.stack_trace.rstrip()}\n{words}".lstrip("\n"))
    remedy = REMEDIES.get(failed.cause, OTHER_REMEDY)
    traceback = "\n".join(reversed(traces))
    return Recorded(enums.cause(failed), words, traceback, remedy, _raised(failed.failure))


def _with_causes(failure: Failure) -> Iterator[Failure]:
    while True:
        yield failure
        if not failure.HasField("cause"):
            return
        failure = failure.cause


def _raised(failure: Failure) -> BaseException:
    """Returns a failure as the SDK raises it; without its details where they are encoded."""
    converter = DataConverter.default
    try:
        return converter.failure_converter.from_failure(failure, converter.payload_converter)
    except Exception:  # no codec of the user's has decoded its payloads
        return FailureError(failure.message, failure=failure)


def _error(failing: Failing, newest: Recorded) -> WorkflowTaskFailedError:
    """Returns the error that ends the wait."""
    description, count = failing.description, failing.failures
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
