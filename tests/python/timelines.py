"""Histories and their data, for the tests of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temporal_devserver._pytest.report.data import Bar, Entry, Workflow

NOW = 1_800_000_000.0
"""Where every history begins."""

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quotes\" & 'apostrophes' &amp; </svg>]]>",
    "Überweisung für Łukasz 💶",
    "x" * 10_000,
    "nul\0bell\a escape\x1b[31m \x85 \ud800 \uffff",
    "\u202eright to left",
    "--><!--{0}{title}%s",
    "",
]
"""Names that an author of workflows, or of attacks, may choose."""


class History:
    """A history, event by event."""

    def __init__(self) -> None:
        self.events: list[HistoryEvent] = []

    def add(self, kind: str, after: float = 0.0, **attributes: object) -> HistoryEvent:
        """Adds an event, so many seconds after the begin."""
        event = HistoryEvent(event_id=len(self.events) + 1)
        event.event_time.FromMicroseconds(round((NOW + after) * 1e6))
        message = getattr(event, f"{kind}_event_attributes")
        message.SetInParent()
        message.MergeFrom(type(message)(**attributes))
        self.events.append(event)
        return event


def failure(message: str, kind: str = "ValueError") -> Failure:
    """Returns a failure of an application."""
    found = Failure(message=message)
    found.application_failure_info.type = kind
    return found


def bar(**more: object) -> Bar:
    """Returns a bar of one second."""
    made: Bar = {
        "kind": "activity", "name": "charge", "begin": NOW, "start": NOW, "end": NOW + 1,
        "outcome": "completed", "attempts": 1, "note": "", "link": "",
    }  # fmt: skip
    made.update(more)  # type: ignore[typeddict-item]
    return made


def workflow(run: str = "r1", bars: Sequence[Bar] = (), **more: object) -> Workflow:
    """Returns a workflow of two seconds."""
    made: Workflow = {
        "id": "order-42", "run": run, "parent": "", "next": "", "type": "Order", "queue": "q",
        "status": "completed", "begin": NOW, "end": NOW + 2, "asked": NOW + 2, "note": "",
        "bars": list(bars), "more": 0,
    }  # fmt: skip
    made.update(more)  # type: ignore[typeddict-item]
    return made


def entry(name: str, workflows: Sequence[Workflow] = (), **more: object) -> Entry:
    """Returns a test that passed."""
    made: Entry = {
        "name": name, "outcome": "passed", "seconds": 1.0, "why": "", "text": "",
        "workflows": list(workflows), "problems": [],
    }  # fmt: skip
    made.update(more)  # type: ignore[typeddict-item]
    return made
