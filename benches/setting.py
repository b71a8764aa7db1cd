"""Where everything is measured: directories of this run alone, one executable, one database."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from raw_server import command_of, copy_database, raw_boot
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporal_devserver import Status


MIB = 1 << 20


@dataclass(frozen=True)
class Setting:
    """What the measurements share."""

    root: Path
    command: list[str]
    """The command line of one of our servers, for raw boots."""
    database: Path
    """A database like the one that a server of ours starts with."""
    version: str
    """Of the executable."""
    quick: bool

    @property
    def executable(self) -> str:
        """The `temporal` executable."""
        return self.command[0]

    def times(self, count: int) -> int:
        """How often to measure."""
        return 1 if self.quick else count

    def fresh(self, name: str) -> Path:
        """Makes a directory of this run that is empty."""
        return Path(tempfile.mkdtemp(prefix=f"{name.split('-')[0]}-", dir=self.root))

    def raw_boot(self) -> float:
        """Seconds from the spawn of the executable to its answer, without us."""
        return raw_boot(self.command, self.database)


def field(text: str, name: str) -> float:
    """Returns a number of a file of `/proc` that has a line for each."""
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def resident(pid: int) -> float:
    """Returns the memory of a process, in MiB."""
    return field(Path(f"/proc/{pid}/status").read_text(), "VmRSS") / 1024


def processor(pid: int) -> float:
    """Returns the seconds of processor of a process, in ticks of the kernel's clock."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def percent_of_a_core(pid: int, seconds: float) -> float:
    """Returns how busy a process keeps a core during the next seconds, in percent."""
    began = processor(pid)
    time.sleep(seconds)  # what is measured is this time
    return (processor(pid) - began) / seconds * 100


@contextmanager
def prepared(*, quick: bool) -> Iterator[Setting]:
    """Sets everything up in a directory of its own, which is removed at the end."""
    logging.getLogger("temporal_devserver").addHandler(logging.NullHandler())  # crashes are meant
    root = Path(tempfile.mkdtemp(prefix="tdb-", dir="/tmp"))
    try:
        yield _prepare(root, quick=quick)
    finally:
        remove(root)


def _prepare(root: Path, *, quick: bool) -> Setting:
    """Points every directory to `root`; has the template built, and copies it for raw boots."""
    for variable in [name for name in os.environ if name.startswith("TEMPORAL_DEVSERVER_")]:
        if not variable.endswith("_EXECUTABLE"):
            del os.environ[variable]
    for variable, name in [
        ("TEMPORAL_DEVSERVER_STATE_DIR", "s"),
        ("TEMPORAL_DEVSERVER_CACHE_DIR", "c"),
        ("TMPDIR", "t"),
    ]:
        (root / name).mkdir(mode=0o700)
        os.environ[variable] = str(root / name)
    tempfile.tempdir = None
    with DevServer() as server:
        status = server.status()
        command = command_of(running(status))
    template = max((root / "c").rglob("*.db"), key=lambda path: path.stat().st_size)
    copy_database(template, root / "raw.db")
    return Setting(root, command, root / "raw.db", status.version or "", quick)


def running(status: Status) -> int:
    """Returns the process of a server that runs."""
    assert status.pid is not None
    return status.pid


def cold_start(name: str | None = None, db: Path | None = None) -> float:
    """Seconds from nothing to a server that is ready."""
    server = DevServer(name, db=db)
    began = time.perf_counter()
    with server:
        return time.perf_counter() - began


def remove(root: Path) -> None:
    """Removes a directory, whatever is in it."""
    shutil.rmtree(root, ignore_errors=True)
