"""What the events of a history mean for a drawing: which begin something, and which end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import fields, kinds, units

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent

    from .fields import Attributes

CLOSES = {
    f"workflow_execution_{how}": how.replace("_", " ")
    for how in ("completed", "failed", "timed_out", "canceled", "terminated", "continued_as_new")
}
"""Events that close a workflow, and its status then."""

STARTS = {
    "activity_task_started",
    "workflow_task_started",
    "child_workflow_execution_started",
    "nexus_operation_started",
}

ENDS = {
    f"{what}_{how}": how.replace("_", " ")
    for what in ("activity_task", "workflow_task", "child_workflow_execution", "nexus_operation")
    for how in ("completed", "failed", "timed_out", "canceled", "terminated")
} | {
    "timer_fired": "fired",
    "timer_canceled": "canceled",
    "start_child_workflow_execution_failed": "not started",
    "external_workflow_execution_signaled": "delivered",
    "signal_external_workflow_execution_failed": "failed",
    "external_workflow_execution_cancel_requested": "delivered",
    "request_cancel_external_workflow_execution_failed": "failed",
    "workflow_execution_update_completed": "completed",
}
"""Events that end what another one began, and how."""


_REFERENCES = ("scheduled_event_id", "initiated_event_id", "accepted_event_id", "started_event_id")
_TO = "signal_external_workflow_execution_initiated"
_CANCEL = "request_cancel_external_workflow_execution_initiated"


def name(field: str) -> str:
    """Returns the name of the event whose attributes have this field."""
    return field.removesuffix("_event_attributes")


def seconds(event: HistoryEvent) -> float:
    """Returns when it happened, in seconds since 1970."""
    return event.event_time.ToMicroseconds() / 1e6


def begins(event: str, whole: HistoryEvent, what: Attributes) -> tuple[str, str] | None:
    """Returns kind and name of what an event begins, if it begins anything."""
    match event:
        case "workflow_task_scheduled":
            return kinds.TASK, ""
        case "activity_task_scheduled":
            return "activity", fields.with_summary(what.activity_type.name, whole)
        case "timer_started":
            timeout = what.start_to_fire_timeout.ToMicroseconds() / 1e6
            return "timer", fields.with_summary(units.span(timeout), whole)
        case "start_child_workflow_execution_initiated":
            return "child", f"{what.workflow_type.name} {what.workflow_id}"
        case "workflow_execution_update_accepted":
            return "update", what.accepted_request.input.name
        case "nexus_operation_scheduled":
            return "nexus", f"{what.service}.{what.operation}"
    if event == _TO:
        return "signal to", f"{what.workflow_execution.workflow_id} {what.signal_name}"
    if event == _CANCEL:
        return "cancel", what.workflow_execution.workflow_id
    return None


def happens(
    event: str,
    what: Attributes,
    when: float,
) -> tuple[str, str, float, float, str] | None:
    """Returns kind, name, begin, end and outcome of what an event tells all about."""
    match event:
        case "workflow_execution_signaled":
            return "signal", what.signal_name, when, when, "received"
        case "workflow_execution_cancel_requested":
            return "cancel request", what.cause, when, when, "received"
        case "marker_recorded" if what.marker_name == "core_local_activity":
            return fields.local_activity(what, when)
        case "marker_recorded":
            return "marker", what.marker_name, when, when, "recorded"
    return None


def reference(what: Attributes) -> int:
    """Returns the id of the event that began this."""
    return next((getattr(what, field) for field in _REFERENCES if hasattr(what, field)), 0)


def outcome(event: str, what: Attributes) -> str:
    """Returns how it ended."""
    if event == "workflow_execution_update_completed" and what.outcome.HasField("failure"):
        return "failed"
    return ENDS[event]


def run_of(what: Attributes) -> str:
    """Returns the run of a child that has started."""
    execution = getattr(what, "workflow_execution", None)
    return execution.run_id if execution is not None else ""
