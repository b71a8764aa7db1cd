"""What the tests of real processes share: waiting, looking at `/proc`, hosts in their own process.

Processes are found by an environment that names this test's directories, never by a name: other
tests, and other people, run servers too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Self

T = TypeVar("T")

START = "from temporal_devserver import AsyncDevServer, DevServer\n"
"""First line of a host's program."""


def eventually(
    what: str,
    condition: Callable[[], T],
    seconds: float = 10.0,
    *,
    says: Callable[[], object] = str,
) -> T:
    """Waits until the condition is true, and returns what it returned; else fails, saying why."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            message = f"not within {seconds} s: {what} {says()}"
            raise AssertionError(message)
        time.sleep(0.005)


async def eventually_async(what: str, condition: Callable[[], T], seconds: float = 10.0) -> T:
    """Waits as `eventually`, and lets the loop run."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            message = f"not within {seconds} s: {what}"
            raise AssertionError(message)
        await asyncio.sleep(0.005)
    return value


def is_alive(pid: int | None) -> bool:
    """Tells whether the process lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def is_dying(pid: int) -> bool:
    """Tells whether the process has given up its memory, but not yet everything else."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "VmSize" not in status and is_alive(pid)


def parent_of(pid: int) -> int:
    """Returns the parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def accepts(address: str) -> bool:
    """Tells whether somebody listens there."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def descriptors() -> list[str]:
    """Returns what the open descriptors of this process are."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
    return found


class Sandbox:
    """The directories of one test, and the processes that know of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "s"
        self.tmp = root / "t"
        self.tmp.mkdir()
        self.seen: set[int] = set()
        """Every process of this test that was ever looked at."""

    def processes(self) -> dict[int, str]:
        """Returns the living processes (but this one) of this test, with their command lines.

        A dying process shows no environment any more, and may still hold ports and locks.
        """
        found = {pid: "dying" for pid in self.seen if is_dying(pid)}
        mark = os.fsencode(self.root) + b"/"
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{entry}/environ").read_bytes()
                if mark in environment and is_alive(int(entry)):
                    line = Path(f"/proc/{entry}/cmdline").read_bytes()
                    found[int(entry)] = line.replace(b"\0", b" ").decode()[:300]
                    self.seen.add(int(entry))
        return found

    def servers(self) -> list[int]:
        """Returns the living server processes."""
        return [pid for pid, line in self.processes().items() if " start-dev " in line]

    def left(self) -> list[str]:
        """Returns the sockets and the throw-away data that are there."""
        sockets = self.root.rglob("control.sock")
        return [str(path) for path in [*sockets, *self.tmp.glob("temporal-devserver-*")]]

    def directory(self, name: str) -> Path:
        """Returns the directory of a named server."""
        return next(path.parent for path in self.state.rglob("server.lock") if name in str(path))

    def kill_all(self) -> None:
        """Kills what is left, so that one failure is not that of every later test too."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Host:
    """A Python program in its own process: it tells JSON lines, and goes on at a line of ours."""

    def __init__(
        self,
        program: str,
        *arguments: str,
        python: str = sys.executable,
        through: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(
            [*through, python, "-c", START + program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.process.pid

    def told(self) -> Any:
        """Returns the next thing it tells."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the host ended ({self.process.wait(10)}) and told nothing"
        return json.loads(line)

    def go_on(self) -> None:
        """Lets it read a line."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kills it."""
        self.process.kill()
        self.close()

    def wait(self, seconds: float = 20.0) -> int:
        """Waits for its end and returns its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(seconds)
        self.process.stdout.close()
        return code

    def close(self) -> None:
        """Ends it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def stranger(argv: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process that is not ours, and ends it."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """Holds a port, as a stranger would, and accepts connections without an answer."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def free_port() -> int:
    """Returns a port that nobody has now, from below those that the kernel hands out."""
    for port in range(21000 + os.getpid() % 5000, 32000):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError
