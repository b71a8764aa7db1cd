"""What must never be, looked for all the time, in a thread of its own.

Two live servers on one database, or under one name, are seen by their open files. Between two looks
the first server may have ended: so it is looked at once more, after the second one was seen.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from .settings import BUDGET
from .world import files, look

if TYPE_CHECKING:
    from .world import Process, World

PAUSE = 0.1
"""Seconds from one look to the next."""


class Watcher:
    """Looks for what must never be."""

    def __init__(self, world: World, address: str) -> None:
        self.violations: list[str] = []
        self.looks = 0
        self.longest_refusal = 0.0
        self._world = world
        host, port = address.split(":")
        self._place = (host, int(port))
        self._refusing_since: float | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Looks no more."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(PAUSE):
            self.looks += 1
            self._look_for_twins()
            self._look_for_refusal()

    def _look_for_twins(self) -> None:
        seen: dict[str, Process] = {}
        for process in self._world.processes():
            if not process.is_server:
                continue
            for place in _places(process):
                other = seen.setdefault(place, process)
                if other != process and look(other.pid) == other and place in _places(other):
                    self._tell(f"two live servers at {place}: {other.pid} and {process.pid}")

    def _look_for_refusal(self) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self._place, timeout=1):
            self._refusing_since = None
            return
        now = time.monotonic()
        self._refusing_since = self._refusing_since or now
        refused = now - self._refusing_since
        self.longest_refusal = max(self.longest_refusal, refused)
        if refused > BUDGET:
            self._tell(f"the address refuses for longer than {BUDGET:g} s")

    def _tell(self, violation: str) -> None:
        if violation not in self.violations:
            self.violations.append(violation)


def _places(process: Process) -> set[str]:
    """Returns what only one live server may have: its database, and the lock of its name."""
    places = {path.removesuffix(" (deleted)") for path in files(process.pid)}
    return {path for path in places if path.endswith((".db", "/server.lock"))}
