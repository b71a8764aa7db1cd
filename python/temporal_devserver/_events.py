"""Events on their way to the program: to its logs, and to the readers of `events()`."""

from __future__ import annotations

import contextlib
import sys
import threading
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


_reported: set[tuple[type[BaseException], str, int]] = set()
"""The kinds of errors that were reported: class, file and line."""


def report(where: str, error: BaseException) -> None:
    """Logs an error that no caller could catch, once for each kind. Raises nothing.

    An error that logging raises in its turn goes to `threading.excepthook`.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    file, line = ("", 0) if place is None else (place.tb_frame.f_code.co_filename, place.tb_lineno)
    kind = (type(error), file, line)
    if kind in _reported:
        return
    _reported.add(kind)
    try:
        import logging
        import traceback

        # As text: a record is kept by some handlers, and must not keep the frames and what is open.
        text = "".join(traceback.format_exception(error))
        message = "%s: %s; healing goes on; please report it with this traceback:\n%s"
        words = where, type(error).__name__, text
        logging.getLogger("temporal_devserver").error(message, *words)
    except BaseException:  # a handler of the program: not even it ends the healing
        told = type(error), error, error.__traceback__, threading.current_thread()
        with contextlib.suppress(BaseException):
            threading.excepthook(threading.ExceptHookArgs(told))


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
