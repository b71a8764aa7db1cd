"""The server's enums, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    name = _name(WorkflowExecutionStatus, number)
    return name.removeprefix("WORKFLOW_EXECUTION_STATUS_")


def state(activity: PendingActivityInfo) -> str:
    """Returns the state of a pending activity: `scheduled`, `started`, `pause_requested`."""
    name = _name(PendingActivityState, activity.state)
    return name.removeprefix("PENDING_ACTIVITY_STATE_").lower()


def cause(failed: WorkflowTaskFailedEventAttributes) -> str:
    """Returns why a workflow task failed: `non_deterministic_error`."""
    name = _name(WorkflowTaskFailedCause, failed.cause)
    return name.removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").lower()


def _name(kind: Any, number: int) -> str:  # noqa: ANN401  # an enum of protobuf
    """Returns the name of a value; a newer server may send one that the SDK does not have."""
    return str(kind.Name(number)) if number in kind.values() else f"unknown_{number}"
