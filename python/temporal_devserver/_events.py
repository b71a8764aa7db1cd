"""Events on their way to the program: to its logs, and to the readers of `events()`."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._models import Event

Since: TypeAlias = "tuple[str, int]"
"""A place in the events of a server: `(event.server, event.seq)`."""

CAPACITY = 1000
"""Events that wait for a slow reader; as many as the supervisor keeps."""


def log(server: str, level: str, message: str) -> None:
    """Writes one line to the logger `temporal_devserver`, at the level of an event."""
    if level == "info" and "logging" not in sys.modules:
        # Nobody has asked for such lines, and the import costs as much as a dozen attaches.
        return
    import logging

    number: int = getattr(logging, level.upper())
    logging.getLogger("temporal_devserver").log(number, "%s: %s", server, message)


class Listener:
    """The events that one reader has not read yet.

    Bounded: where the reader is too slow the oldest go, and one `lost` event, made when it reads
    on, says how many.
    """

    def __init__(self) -> None:
        self.ended = False
        """No more events will come."""
        self._events: deque[Event] = deque()
        self._lost = 0

    def __bool__(self) -> bool:
        """Whether there is anything to tell the reader: an event, or the end."""
        return bool(self._events) or self.ended

    def push(self, event: Event) -> None:
        """Adds an event that has just happened."""
        if len(self._events) >= CAPACITY:
            self._events.popleft()
            self._lost += 1
        self._events.append(event)

    def replay(self, past: Iterable[Event]) -> None:
        """Puts events before the waiting ones, each of which is told once."""
        past = list(past)
        told = {(event.server, event.seq) for event in past}
        waiting = [event for event in self._events if (event.server, event.seq) not in told]
        self._events = deque([*past, *self._gap(), *waiting])

    def pop(self) -> Event | None:
        """Returns the next event, None where none waits."""
        if not self._events:
            return None
        self._events.extendleft(self._gap())
        return self._events.popleft()

    def _gap(self) -> list[Event]:
        """Returns the marker for the events that were lost before the first one here, if any."""
        if not self._lost:
            return []
        lost, self._lost = self._lost, 0
        message = f"{lost} events were lost: their reader is too slow"
        return [
            replace(
                self._events[0], kind="lost", level="warning", message=message, data={"count": lost}
            )
        ]
