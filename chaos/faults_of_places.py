"""What the server stands on is taken away: its port, and its disk."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from .disk import full
from .scene import Scene, Wound

if TYPE_CHECKING:
    from .plan import Fault

STEALING = 1.0
"""Seconds for which the thief tries."""

HELD = 1.5
"""Seconds for which it keeps what it got."""

FULL = 3.0
"""Seconds for which the disk is full."""


def steal_port(scene: Scene, fault: Fault) -> Wound:
    """Kills the server and listens on its port; the product's reservation should not let it."""
    host, port = scene.prober.address.split(":")
    wound = scene.kill_server()
    with ThreadPoolExecutor(1) as pool, socket.socket() as thief:
        answered = pool.submit(scene.prober.answered, fault.kind)
        if fault.variant == "reusing":
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not _bind(thief, host, int(port)):
            return replace(wound, healed=answered.result(), outcome="could not be stolen")
        time.sleep(HELD)
        thief.close()
        released = time.monotonic()
        found = scene.started_anew()
        healed = answered.result()
    return Wound(wound.pid, released, healed, f"stolen; {found or 'healed by itself'}")


def _bind(thief: socket.socket, host: str, port: int) -> bool:
    until = time.monotonic() + STEALING
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            thief.bind((host, port))
            thief.listen()
            return True
    return False


def fill_disk(scene: Scene, fault: Fault) -> Wound:
    """Leaves no byte on the disk for a while; perhaps the server is killed meanwhile."""
    pid = None
    with full(scene.world) as how:
        if fault.variant == "kill server":
            pid = scene.kill_server().pid
        time.sleep(FULL)
    released = time.monotonic()
    found = scene.started_anew()
    return Wound(pid, released, outcome=f"{how}; {found or 'healed by itself'}")
