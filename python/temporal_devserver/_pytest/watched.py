"""A server as one test sees it: the lines of its log, and its events, since the test began."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from .. import _clock
from .._errors import DevServerError

if TYPE_CHECKING:
    from .._blocking import DevServer

MOST = 32 * 1024
"""Bytes of the log that are shown: the last ones."""

MOST_LINES = 40
"""Lines of the log that are shown: the last ones."""

BANNER = re.compile(r"$|Temporal (CLI|Server|Persistence|HTTP|UI|Metrics)\b")
"""How lines begin that the server writes at each start."""


class Watched:
    """One server while tests run on it."""

    def __init__(self, server: DevServer) -> None:
        self._server = server
        self._log_path = server.log_path
        self._listener = server._listen()  # noqa: SLF001  # `events()` waits, and we must not
        self._offset = 0
        self._told: list[str] = []
        self.name = server.name
        self.events()
        self.mark()

    def mark(self) -> None:
        """Begins anew: a test begins. An event that nobody has told of is for this test to tell."""
        self._offset = self._size()
        self._told = []

    def log(self) -> list[str]:
        """Returns the last lines of the log since then."""
        size = self._size()
        first = self._offset if self._offset <= size else 0  # it was cut
        try:
            with open(self._log_path, "rb") as log:
                log.seek(max(first, size - MOST))
                text = log.read(MOST).decode(errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            return [f"the log cannot be read: {error}"]
        lines = [line for line in text.splitlines() if not BANNER.match(line)]
        left_out = (
            [f"... {len(lines) - MOST_LINES} lines before"] if len(lines) > MOST_LINES else []
        )
        return left_out + lines[-MOST_LINES:]

    def events(self) -> list[str]:
        """Returns the events since then, a line each."""
        while (event := self._listener.pop()) is not None:
            clock = _clock.local(event.time, "%H:%M:%S")
            self._told.append(f"{clock} {event.kind}: {event.message}")
        return self._told

    def _size(self) -> int:
        with contextlib.suppress(DevServerError):  # it was stopped, and its log may have gone
            self._log_path = self._server.log_path
        try:
            return os.stat(self._log_path).st_size
        except OSError:
            return 0
