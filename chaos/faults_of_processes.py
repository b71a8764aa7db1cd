"""Processes are killed, stopped, or frozen all together."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .prober import Broken
from .scene import Scene, Wound, see
from .world import stands_still

if TYPE_CHECKING:
    from .plan import Fault
    from .world import Process

FROZEN = 1.5
"""Seconds for which everything stands still."""


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


def stop_supervisor(scene: Scene, fault: Fault) -> Wound:
    """SIGSTOP to the supervisor: a newcomer lets it go on; where that fails, it is replaced."""
    supervisor = scene.hit(scene.world.supervisor, signal.SIGSTOP)
    released = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        attached = threading.Event()
        visit = pool.submit(scene.visited, attached.set)
        while fault.variant and not (attached.is_set() or visit.done()):
            scene.world.signal(supervisor, signal.SIGSTOP)
            time.sleep(0.002)
        if fault.variant:
            scene.world.signal(supervisor, signal.SIGCONT)  # our last one may have come too late
        healed = visit.result()
    outcome = "continued" if scene.world.supervisor() == supervisor else "replaced"
    return Wound(supervisor.pid, released, healed, outcome)


def freeze_everything(scene: Scene, _fault: Fault) -> Wound:
    """SIGSTOP to server, supervisor and worker, then SIGCONT: nothing may be restarted for it."""
    server, supervisor = scene.world.server(), scene.world.supervisor()
    worker = scene.crew.members["worker"].process()
    if server is None or supervisor is None or worker is None:
        message = f"server {server}, supervisor {supervisor} and worker {worker} should be there"
        raise Broken(message)
    frozen = (supervisor, server, worker)
    for process in frozen:
        scene.world.signal(process, signal.SIGSTOP)
    time.sleep(FROZEN)
    for process in frozen:
        scene.world.signal(process, signal.SIGCONT)
    released = time.monotonic()
    healed = scene.prober.answered("freeze everything")
    time.sleep(FROZEN)  # a probe that was late may still come to a wrong conclusion
    if (scene.world.server(), scene.world.supervisor()) != (server, supervisor):
        message = f"a freeze of {FROZEN} s led to a restart"
        raise Broken(message)
    return Wound(server.pid, released, healed, "nothing restarted")
