"""What every fault works with, and what it tells."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .prober import Broken
from .settings import BUDGET
from .world import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from .crew import Crew
    from .prober import Prober
    from .world import Process, World


@dataclass(frozen=True)
class Wound:
    """One fault after it was inflicted: from now on it has to heal."""

    pid: int | None
    """The process that was hit."""
    released: float
    """When we took the hand off: the clock starts."""
    healed: float | None = None
    """When it was healed, as far as the fault itself can tell; the address is asked besides."""
    outcome: str = "healed"


@dataclass(frozen=True)
class Scene:
    """The run, as a fault sees it."""

    world: World
    crew: Crew
    prober: Prober

    def kill_server(self) -> Wound:
        """Kills the server, and sees it dead: what answers before that proves nothing."""
        server = self.hit(self.world.server, signal.SIGKILL)
        released = time.monotonic()
        _see_dead(server)
        return Wound(server.pid, released)

    def kill_supervisor(self) -> Wound:
        """Kills the supervisor, and sees its server dead."""
        server = self.world.server()
        supervisor = self.hit(self.world.supervisor, signal.SIGKILL)
        released = time.monotonic()
        _see_dead(supervisor)
        if server is not None:
            _see_dead(server)
        return Wound(supervisor.pid, released)

    def hit(self, find: Callable[[], Process | None], number: signal.Signals) -> Process:
        """Signals a process as soon as there is one; returns it."""
        until = time.monotonic() + BUDGET
        while time.monotonic() < until:
            process = find()
            if process is not None and self.world.signal(process, number):
                return process
            time.sleep(0.01)
        message = f"within {BUDGET:g} s there was nobody for {number.name}"
        raise Broken(message)

    def visited(self) -> float:
        """Has a newcomer attach and use the server; returns when it was done."""
        visitor = self.crew.visit()
        address = visitor.told()["address"]
        visitor.told()
        done = time.monotonic()
        code = visitor.end()
        if code or address != self.prober.address:
            message = f"a newcomer got {address} and ended with code {code}"
            raise Broken(message)
        return done

    def started_anew(self) -> str:
        """Has every client start again, as after a failure; returns how they found the server."""
        found = []
        for role, member in self.crew.members.items():
            answer = member.ask("look")
            if answer.get("state") == "ready":
                continue
            started = member.ask("start")
            if "error" in started:
                message = f"{role} cannot start anew: {started['error']}"
                raise Broken(message)
            found.append(f"{role}: {answer.get('state') or answer.get('error')}")
        return "; ".join(found)


def see(process: Process, condition: Callable[[], bool]) -> None:
    """Waits until a signal has had its effect, or the process is dead."""
    until = time.monotonic() + BUDGET
    while look(process.pid) == process and not condition():
        if time.monotonic() > until:
            message = f"a signal to process {process.pid} had no effect within {BUDGET:g} s"
            raise Broken(message)
        time.sleep(0.001)


def _see_dead(process: Process) -> None:
    """Waits until a process that was killed, or whose supervisor was, is dead."""
    see(process, lambda: False)
