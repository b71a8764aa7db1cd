"""What the demo needs besides its story: aligned lines, kills, looking for left-overs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from temporal_devserver import Event

COLOURS = {"green": "32", "red": "31", "dim": "2", "bold": "1"}


class Paper:
    """Where the story is written: three columns (who, what, how long), coloured on a terminal."""

    def __init__(self) -> None:
        self._coloured = (
            sys.stdout.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )

    def title(self, text: str) -> None:
        """Writes a line above what follows."""
        print(self.paint(text, "bold"), flush=True)

    def line(
        self, who: str, what: str, seconds: float | None = None, colour: str | None = None
    ) -> None:
        """Writes one line; what is longer than its column pushes the time to the right."""
        took = "" if seconds is None else duration(seconds)
        text = f"  {who:<9}{what:<62}{took:>10}".rstrip()
        print(self.paint(text, colour) if colour else text, flush=True)

    def paint(self, text: str, colour: str) -> str:
        """Returns the text in a colour, if there are any."""
        return f"\033[{COLOURS[colour]}m{text}\033[0m" if self._coloured else text


def duration(seconds: float) -> str:
    """Returns a time for people, in a unit that needs no zeros."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.0995 else f"{seconds:.2f} s "


class Crash:
    """A process killed with `kill -9`, and what the events tell about it afterwards."""

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self.seconds = 0.0
        """How long after the kill the last event came."""
        self._events = events
        self._began = 0.0

    def kill(self, pid: int | None) -> None:
        """Kills; the clock starts."""
        assert pid, "there is no process to kill"
        self._began = time.perf_counter()
        os.kill(pid, signal.SIGKILL)

    async def told(self, kind: str) -> Event:
        """Waits for an event."""
        async for event in self._events:
            if event.kind == kind:
                self.seconds = time.perf_counter() - self._began
                return event
        raise AssertionError(f"there was no event {kind!r}")


class Owner:
    """A Python process of its own that has a server, and is about to be killed."""

    PROGRAM = """
import json, sys, time
from temporal_devserver import DevServer
with DevServer() as server:
    status = server.status()
    print(json.dumps([status.pid, status.supervisor_pid, server.address, status.http_address,
                      status.metrics_address, status.state_dir, status.db_path]), flush=True)
    time.sleep(3600)
"""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid

    def traces(self) -> dict[str, list[str]]:
        """Waits until its server is ready; returns the paths and addresses of all it has."""
        import json

        assert self._process.stdout is not None
        pid, supervisor, *addresses, state_dir, database = json.loads(
            self._process.stdout.readline()
        )
        return {
            "processes": [f"/proc/{pid}", f"/proc/{supervisor}"],
            "ports": addresses,
            "socket": [f"{state_dir}/control.sock", state_dir],
            "data": [database, str(Path(database).parent)],
        }

    def kill(self) -> None:
        """Kills it, as the kernel or an impatient user would."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def is_there(trace: str) -> bool:
    """Tells whether a process lives (a zombie is dead), a path exists, or a port is listened on."""
    if trace.startswith("/proc/"):
        try:
            return Path(trace, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    if trace.startswith("/"):
        return os.path.exists(trace)
    host, _, port = trace.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


def gone(traces: dict[str, list[str]], began: float, patience: float) -> dict[str, float | None]:
    """Waits until all is gone; returns for each kind how long after `began` that was, or None."""
    after: dict[str, float | None] = dict.fromkeys(traces)
    while None in after.values() and time.perf_counter() - began < patience:
        for kind, places in traces.items():
            if after[kind] is None and not any(map(is_there, places)):
                after[kind] = time.perf_counter() - began
        time.sleep(0.001)
    return after
