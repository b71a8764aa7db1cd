"""The directories of a run, and its processes: found by looking, never by what the product says.

A process is ours where its environment names our directory. It is signalled through a descriptor of
it, after that was seen, so that a recycled pid is never hit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from .settings import DATABASE, NAME

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Process:
    """A living process, as it was when it was looked at."""

    pid: int
    born: str
    """Ticks from the boot of the machine to its start: with the pid, its identity."""
    words: tuple[str, ...]
    """Its command line."""

    @property
    def is_server(self) -> bool:
        """Whether it is a Temporal server."""
        return "start-dev" in self.words


class World:
    """The directories of one run, and who lives in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.disk = root / "s"
        """What may be a small disk of its own."""
        self.state = self.disk / "state"
        self.tmp = root / "t"
        self.database = self.disk / "data" / "chaos.db"
        self.directory = self.state / "servers" / NAME
        self.acknowledged = root / "acknowledged"

    def make(self) -> None:
        """Makes the directories."""
        for path in (self.state, self.tmp, self.database.parent):
            path.mkdir(parents=True, mode=0o700)
        self.acknowledged.touch()

    def environment(self) -> dict[str, str]:
        """Returns the environment of every process of the run."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL")}
        cache = os.environ.get("TEMPORAL_DEVSERVER_CACHE_DIR")
        return {
            **own,
            **({"TEMPORAL_DEVSERVER_CACHE_DIR": cache} if cache else {}),
            "TEMPORAL_DEVSERVER_STATE_DIR": str(self.state),
            "TMPDIR": str(self.tmp),
            DATABASE: str(self.database),
        }

    def processes(self) -> list[Process]:
        """Returns the living processes of the run but this one."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid() and self._is_ours(int(entry)):
                with contextlib.suppress(OSError):
                    found.append(look(int(entry)))
        return [process for process in found if process is not None]

    def server(self) -> Process | None:
        """Returns the server."""
        database = str(self.database)
        return next((p for p in self.processes() if p.is_server and database in files(p.pid)), None)

    def supervisor(self) -> Process | None:
        """Returns the supervisor: it was told the directory, and has its lock open."""
        lock = str(self.directory / "supervisor.lock")
        for process in self.processes():
            told = str(self.directory) in process.words and not process.is_server
            if told and any(path.startswith(lock) for path in files(process.pid)):
                return process
        return None

    def signal(self, process: Process, number: signal.Signals) -> bool:
        """Signals a process of the run; False where it has gone."""
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
            try:
                if self._is_ours(process.pid) and look(process.pid) == process:
                    signal.pidfd_send_signal(descriptor, number)
                    return True
            finally:
                os.close(descriptor)
        return False

    def kill_all(self) -> None:
        """Ends whatever is left."""
        until = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < until:
            for process in left:
                self.signal(process, signal.SIGKILL)
            time.sleep(0.05)

    def _is_ours(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return os.fsencode(f"{self.root}/") in Path(f"/proc/{pid}/environ").read_bytes()
        return False


def look(pid: int) -> Process | None:
    """Returns the process, None where it is dead or a zombie."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if fields[0] not in "ZX":
            return Process(pid, fields[19], tuple(words))
    return None


def files(pid: int) -> set[str]:
    """Returns the files that a process has open; those that were removed end with ` (deleted)`."""
    found = set()
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    return found


def stands_still(pid: int) -> bool:
    """Tells whether every thread of a process is stopped."""
    with contextlib.suppress(OSError):
        threads = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(text.rpartition(")")[2].split()[0] in "Tt" for text in threads)
    return False  # one has ended meanwhile
