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
    return _name(WorkflowExecutionStatus, number, "WORKFLOW_EXECUTION_STATUS_")


def state(activity: PendingActivityInfo) -> str:
    """Returns the state of a pending activity: `scheduled`, `started`, `pause_requested`."""
    return _name(PendingActivityState, activity.state, "PENDING_ACTIVITY_STATE_").lower()


def cause(failed: WorkflowTaskFailedEventAttributes) -> str:
    """Returns why a workflow task failed: `non_deterministic_error`."""
    return _name(WorkflowTaskFailedCause, failed.cause, "WORKFLOW_TASK_FAILED_CAUSE_").lower()


def _name(enum: Any, number: int, prefix: str) -> str:  # noqa: ANN401  # each enum has its own type
    """Returns the name of a value; a newer server has values without a name here: `VALUE_9999`."""
    name: str = enum.Name(number) if number in enum.values() else f"VALUE_{number}"
    return name.removeprefix(prefix)
