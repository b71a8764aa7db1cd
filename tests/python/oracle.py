"""The leak oracle: what is still there of a test that is over.

Nothing is taken from a list that the product keeps: processes are found by their environment and by
the files they hold open, ports by the kernel's table, files by looking.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import stat
from typing import TYPE_CHECKING

from support import Sandbox, descriptors, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAY_STAY = re.compile(
    r"""((pytest/)?servers/[^/]+/(\w+\.lock|(server|supervisor)\.log(\.1)?|state\.json|temporal\.db(\.lock)?)
        |ports-\d+/\d+\.lock
        |templates/.*)""",
    re.VERBOSE,
)
"""What a state directory may hold when no server runs: locks, logs, epochs, kept data."""


class Oracle:
    """What was there before the test, and what is there now."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self._descriptors = len(descriptors())
        self._listening = own_listeners()

    def leaks(self) -> list[str]:
        """Returns what is left over, in words."""
        gc.collect()
        return [
            *(f"process {pid}: {line}" for pid, line in self._box.processes().items()),
            *(f"process {pid} has {path} open" for pid, path in self._holders()),
            *(f"listening socket {inode}" for inode in own_listeners() - self._listening),
            *(f"file {path}" for path in self._files()),
            *self._more_descriptors(),
        ]

    def zombies(self) -> list[int]:
        """Returns what is dead and was not reaped: whose init does not reap, has them."""
        return [
            pid for pid in self._box.seen if not is_alive(pid) and os.path.exists(f"/proc/{pid}")
        ]

    def _holders(self) -> Iterator[tuple[int, str]]:
        """Finds the processes that have a file of the test open, whatever they call themselves."""
        root = f"{self._box.root}/"
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):  # it has gone, or is another user's
                for number in os.listdir(f"/proc/{entry}/fd"):
                    path = os.readlink(f"/proc/{entry}/fd/{number}")
                    if path.startswith(root):
                        yield int(entry), path

    def _files(self) -> Iterator[Path]:
        """Finds sockets, throw-away data, and whatever else has no business here."""
        for path in self._box.state.rglob("*"):
            if path.is_dir() and path.parent != self._box.state / "private":
                continue
            name = str(path.relative_to(self._box.state))
            if is_socket(path) or not MAY_STAY.fullmatch(name):
                yield path
        yield from self._box.tmp.glob("temporal-devserver-*")

    def _more_descriptors(self) -> Iterator[str]:
        now = descriptors()
        if len(now) > self._descriptors:
            yield f"{len(now)} descriptors, {self._descriptors} before: {now}"


def is_socket(path: Path) -> bool:
    """Tells whether it is a socket; what has just gone is none."""
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def own_listeners() -> set[str]:
    """Returns the inodes of the sockets on which this process listens."""
    mine = {name[8:-1] for name in descriptors() if name.startswith("socket:[")}
    listening = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/self/net/{table}") as lines:
            fields = [line.split() for line in lines]
            listening |= {field[9] for field in fields if field[3] == "0A"}
    return mine & listening
