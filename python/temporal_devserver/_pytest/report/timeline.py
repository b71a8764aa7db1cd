"""What a history says, as plain data: a bar for each activity, timer, signal, child, and so on.

Pure; and bounded, whatever the history is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import failures
from . import events, fields, kinds
from .data import Bar, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.api.workflow.v1 import PendingActivityInfo, PendingWorkflowTaskInfo
    from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

    from .fields import Attributes

MOST = 200
"""Bars of one history: those in trouble first, then the earliest."""


def of(
    workflow_id: str,
    run: str,
    history: Iterable[HistoryEvent],
    description: DescribeWorkflowExecutionResponse | None,
    asked: float,
) -> Workflow:
    """Returns what a history says; for an open one, also what its description says is pending."""
    reading = _Reading(workflow_id, run, asked)
    for event in history:
        reading.take(event)
    if description is not None:
        reading.describe(description)
    return reading.end()


class _Reading:
    """A history while it is read."""

    def __init__(self, workflow_id: str, run: str, asked: float) -> None:
        self._bars: dict[int, Bar] = {}
        self._activities: dict[str, Bar] = {}
        self._workflow = Workflow(
            id=fields.clip(workflow_id), run=run, parent="", next="", type="", queue="",
            status="running", begin=asked, end=None, asked=asked, note="", bars=[], more=0,
        )  # fmt: skip

    def take(self, event: HistoryEvent) -> None:
        """Reads an event."""
        field = event.WhichOneof("attributes")
        if field is None:
            return
        name, what, when = events.name(field), getattr(event, field), events.seconds(event)
        if name == "workflow_execution_started":
            self._begin(what, when)
        elif name in events.CLOSES:
            self._close(name, what, when)
        elif (begun := events.begins(name, event, what)) is not None:
            bar = _bar(*begun, when)
            self._bars[event.event_id] = bar
            if name == "activity_task_scheduled":
                self._activities[what.activity_id] = bar
            bar["attempts"] = getattr(what, "attempt", 1)
        elif (at_once := events.happens(name, what, when)) is not None:
            kind, title, begin, end, outcome = at_once
            bar = self._bars[event.event_id] = _bar(kind, title, begin)
            bar.update({"end": end, "outcome": outcome, "note": fields.note(what)})
        elif (bar := self._bars.get(events.reference(what))) is not None:  # type: ignore[assignment]
            _go_on(bar, name, what, when)

    def describe(self, description: DescribeWorkflowExecutionResponse) -> None:
        """Reads what the history does not say of what is pending."""
        for activity in description.pending_activities:
            bar = self._activities.get(activity.activity_id)
            if bar is not None and bar["end"] is None:
                _pend(bar, activity)
        task = description.pending_workflow_task
        if task.attempt > 1:
            self._pend_task(task)

    def end(self) -> Workflow:
        """Returns what was read."""
        found, bars = self._workflow, list(self._bars.values())
        for bar in bars:
            if bar["end"] is None and found["end"] is not None:
                bar.update({"end": max(found["end"], bar["begin"]), "outcome": "left open"})
            found["asked"] = max(found["asked"], bar["begin"], bar["end"] or 0)
        bars.sort(key=_importance)
        found["more"] = max(0, len(bars) - MOST)
        found["bars"] = sorted(bars[:MOST], key=lambda bar: bar["begin"])
        return found

    def _begin(self, what: Attributes, when: float) -> None:
        found = self._workflow
        found["begin"], found["parent"] = when, what.parent_workflow_execution.run_id
        found["type"] = fields.clip(what.workflow_type.name)
        found["queue"] = fields.clip(what.task_queue.name)

    def _close(self, name: str, what: Attributes, when: float) -> None:
        found = self._workflow
        found["status"], found["end"], found["note"] = events.CLOSES[name], when, fields.note(what)
        found["next"] = getattr(what, "new_execution_run_id", "")

    def _pend_task(self, task: PendingWorkflowTaskInfo) -> None:
        """Has a workflow task that fails again and again once, with what the history has of it."""
        tasks = [bar for bar in self._bars.values() if bar["kind"] == kinds.TASK]
        bar = next((bar for bar in tasks if bar["end"] is None), None)
        if bar is None:
            scheduled = task.original_scheduled_time.ToMicroseconds() / 1e6
            ends = [bar["end"] or 0.0 for bar in tasks]
            bar = self._bars[-1] = _bar(kinds.TASK, "", max([scheduled, *ends]))
        notes = [bar["note"] for bar in tasks if bar["note"]]
        bar["attempts"], bar["start"], bar["note"] = task.attempt, None, notes[-1] if notes else ""


def _bar(kind: str, title: str, begin: float) -> Bar:
    return Bar(
        kind=kind, name=fields.clip(title), begin=begin, start=None, end=None,
        outcome="pending", attempts=1, note="", link="",
    )  # fmt: skip


def _go_on(bar: Bar, name: str, what: Attributes, when: float) -> None:
    """Takes a later event of what has begun."""
    if name in events.STARTS:
        bar["start"] = when
        bar["attempts"] = max(bar["attempts"], getattr(what, "attempt", 1))
        bar["link"] = events.run_of(what)
        if bar["attempts"] > 1:
            bar["note"] = fields.note(what)
    elif name in events.ENDS:
        bar["end"], bar["outcome"] = when, events.outcome(name, what)
        bar["note"] = fields.note(what) or bar["note"]


def _pend(bar: Bar, activity: PendingActivityInfo) -> None:
    bar["attempts"], bar["outcome"] = max(1, activity.attempt), fields.state(activity)
    if activity.HasField("last_failure"):
        bar["note"] = fields.clip(failures.last(activity.last_failure))
    if bar["outcome"] == "running":
        bar["start"] = activity.last_started_time.ToMicroseconds() / 1e6


def _importance(bar: Bar) -> tuple[bool, bool, float]:
    return bar["outcome"] in kinds.GOOD, bar["kind"] == kinds.TASK, bar["begin"]
