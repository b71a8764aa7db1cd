"""Reads single fields of events, as far as they can be read; and bounds every text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import enums, failures, older

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.api.workflow.v1 import PendingActivityInfo

Attributes: TypeAlias = Any
"""Those of an event: a message of one of some sixty types."""

LONGEST = 300
"""Characters of any text: an id may be as long as its author likes."""

STATES = {"started": "running", "scheduled": "waits"}
"""States of a pending activity that have a better word."""


def clip(text: str) -> str:
    """Returns the text, or its beginning."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def state(activity: PendingActivityInfo) -> str:
    """Returns the state of a pending activity: scheduled, started, paused."""
    word = enums.state(activity)
    return STATES.get(word) or word.replace("_", " ")


def note(what: Attributes) -> str:
    """Returns why it failed, in one line; nothing where it did not."""
    told = ""
    for owner, field in ((what, "failure"), (what, "last_failure")):
        if field in owner.DESCRIPTOR.fields_by_name and owner.HasField(field):
            told = failures.last(getattr(owner, field))
            break
    if what.DESCRIPTOR.name == "WorkflowTaskFailedEventAttributes":
        told = f"{enums.cause(what)}: {told}"
    elif what.DESCRIPTOR.name == "WorkflowExecutionTerminatedEventAttributes":
        told = what.reason
    elif what.DESCRIPTOR.name == "WorkflowExecutionUpdateCompletedEventAttributes":
        told = failures.last(what.outcome.failure) if what.outcome.HasField("failure") else ""
    return clip(told)


def with_summary(title: str, event: HistoryEvent) -> str:
    """Adds the summary that the author of the workflow gave it."""
    payload = older.inner(event, "user_metadata", "summary")
    summary = None if payload is None else _json(payload.data)
    return f"{title} “{summary}”" if isinstance(summary, str) and summary else title


def local_activity(what: Attributes, when: float) -> tuple[str, str, float, float, str]:
    """Reads the SDK's own marker, as far as it can be read."""
    data = [_json(payload.data) for payload in what.details["data"].payloads] or [None]
    told = data[0] if isinstance(data[0], dict) else {}
    begin, end = _moment(told.get("original_schedule_time")), _moment(told.get("complete_time"))
    end = when if end is None else end
    how = "failed" if what.HasField("failure") else "completed"
    title = str(told.get("activity_type", ""))
    return "local activity", title, end if begin is None else min(begin, end), end, how


def _moment(told: object) -> float | None:
    match told:
        case {"seconds": int(whole), "nanos": int(nanos)}:
            return whole + nanos / 1e9
    return None


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None
