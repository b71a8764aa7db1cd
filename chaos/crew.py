"""Those who use the server: a worker and two holders, each in its own process."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

from .prober import Broken
from .settings import BUDGET
from .world import ROOT, look

if TYPE_CHECKING:
    from .world import Process, World

HOLDERS = ("holder 1", "holder 2")
GENERATION = 100_000
"""Numbers of workflows that each worker has for itself."""


class Member:
    """One process that is told by lines, and tells lines of JSON."""

    def __init__(self, world: World, log: IO[str], *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=world.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self._words = " ".join(words)
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Its pid."""
        return self._process.pid

    def process(self) -> Process | None:
        """Returns it as something to signal."""
        return look(self.pid)

    def told(self, seconds: float = 2 * BUDGET) -> dict[str, Any]:
        """Returns the next thing it tells."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            how = f"it ended with code {self._process.wait(BUDGET)}" if ready else "it still runs"
            message = f"client {self.pid} ({self._words}) tells nothing; {how}"
            raise Broken(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, command: str) -> dict[str, Any]:
        """Has it do something, and returns what came of it."""
        assert self._process.stdin is not None
        with self._lock:
            with contextlib.suppress(BrokenPipeError):  # then it tells nothing, either
                self._process.stdin.write(f"{command}\n")
                self._process.stdin.flush()
            return self.told()

    def end(self) -> int:
        """Lets it end, and returns its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        code = self._process.wait(2 * BUDGET)
        self._process.stdout.close()
        return code


class Crew:
    """The worker and the holders."""

    def __init__(self, world: World, log: IO[str]) -> None:
        self._world, self._log = world, log
        self._workers = 0
        self.members: dict[str, Member] = {}
        self.address = ""
        """Address of the server; it never changes."""
        for role in ("worker", *HOLDERS):
            self.address = self.replace(role)

    def replace(self, role: str) -> str:
        """Puts a new process in the place of one that has ended; returns the address it has."""
        if role == "worker":
            first = str(self._workers * GENERATION)
            self._workers += 1
            words = ["chaos.worker", first, str(self._world.acknowledged)]
        else:
            words = ["chaos.client", "hold"]
        self.members[role] = member = Member(self._world, self._log, *words)
        address: str = member.told()["address"]
        return address

    def visit(self, verb: str = "visit") -> Member:
        """Starts a client that comes and goes."""
        return Member(self._world, self._log, "chaos.client", verb)

    def pids(self) -> set[int]:
        """Returns the processes that have a lease."""
        return {member.pid for member in self.members.values()}

    def end(self) -> list[str]:
        """Lets all of them end; returns what went wrong."""
        codes = {role: member.end() for role, member in self.members.items()}
        return [f"{role} ended with code {code}" for role, code in codes.items() if code]
