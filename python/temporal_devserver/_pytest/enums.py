"""The server's enums, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import (
    PendingActivityState,
    WorkflowExecutionStatus,
    WorkflowTaskFailedCause,
)

if TYPE_CHECKING:
    from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
    from temporalio.api.workflow.v1 import PendingActivityInfo


def status(number: int) -> str:
    """Returns the status of a workflow: `RUNNING`."""
    name = WorkflowExecutionStatus.Name(number)  # type: ignore[arg-type]
    return name.removeprefix("WORKFLOW_EXECUTION_STATUS_")


def state(activity: PendingActivityInfo) -> str:
    """Returns the state of a pending activity: `scheduled`, `started`, `pause_requested`."""
    name = PendingActivityState.Name(activity.state)
    return name.removeprefix("PENDING_ACTIVITY_STATE_").lower()


def cause(failed: WorkflowTaskFailedEventAttributes) -> str:
    """Returns why a workflow task failed: `non_deterministic_error`."""
    name = WorkflowTaskFailedCause.Name(failed.cause)
    return name.removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").lower()
