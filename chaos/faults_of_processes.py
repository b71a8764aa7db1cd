"""Processes are killed or stopped."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from .scene import Scene, Wound, see
from .world import stands_still

if TYPE_CHECKING:
    from .plan import Fault
    from .world import Process


def kill_server(scene: Scene, _fault: Fault) -> Wound:
    """SIGKILL to the server: its supervisor starts it again."""
    return scene.kill_server()


def stop_server(scene: Scene, _fault: Fault) -> Wound:
    """SIGSTOP to the server: it still accepts, but answers no probe, and is replaced.

    Only to one that has answered: one that stands still in its boot is not probed yet. It is given
    up when `start_timeout` is over, and so do then those who wait for it.
    """

    def answering() -> Process | None:
        server = scene.world.server()
        scene.prober.answered("nothing yet")
        return server

    server = scene.hit(answering, signal.SIGSTOP)
    released = time.monotonic()
    see(server, lambda: stands_still(server.pid))
    return Wound(server.pid, released)


def kill_supervisor(scene: Scene, _fault: Fault) -> Wound:
    """SIGKILL to the supervisor: the server dies with it, and the clients bring both back."""
    return scene.kill_supervisor()


def stop_supervisor(scene: Scene, _fault: Fault) -> Wound:
    """SIGSTOP to the supervisor: a newcomer lets it go on, or replaces it.

    Only to one whose server is ready: a client that waits for its grant, with HELLO answered, does
    nothing about a supervisor that stands still, and gives up when `start_timeout` is over.
    """

    def of_a_ready_server() -> Process | None:
        supervisor = scene.world.supervisor()
        scene.prober.whole(set())
        return supervisor

    supervisor = scene.hit(of_a_ready_server, signal.SIGSTOP)
    released = time.monotonic()
    healed = scene.visited()
    outcome = "continued" if scene.world.supervisor() == supervisor else "replaced"
    return Wound(supervisor.pid, released, healed, outcome)
