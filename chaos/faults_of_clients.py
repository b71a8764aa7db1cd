"""Clients are killed, fork, and come in swarms."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from .crew import HOLDERS
from .prober import Broken
from .scene import Scene, Wound

if TYPE_CHECKING:
    from .plan import Fault

SWARM = 8
"""Processes of the swarm."""


def kill_client(scene: Scene, fault: Fault) -> Wound:
    """SIGKILL to a client that has a lease; another one comes in its place."""
    role = "worker" if fault.variant == "worker" else HOLDERS[0]
    member = scene.crew.members[role]
    process = member.process()
    if process is None or not scene.world.signal(process, signal.SIGKILL):
        message = f"{role} {member.pid} has ended by itself"
        raise Broken(message)
    released = time.monotonic()
    member.end()
    address = scene.crew.replace(role)
    if address != scene.prober.address:
        message = f"the new {role} got another address: {address}"
        raise Broken(message)
    return Wound(process.pid, released, time.monotonic())


def fork(scene: Scene, _fault: Fault) -> Wound:
    """A client forks; the child uses the server, and ends."""
    member = scene.crew.members[HOLDERS[1]]
    released = time.monotonic()
    answer = member.ask("fork")
    if answer.get("code") != 0:
        message = f"a forked child of {member.pid} could not use the server: {answer}"
        raise Broken(message)
    return Wound(member.pid, released, time.monotonic())


def client_swarm(scene: Scene, _fault: Fault) -> Wound:
    """Eight processes start, share and leave three servers, all at once."""
    released = time.monotonic()
    members = [scene.crew.visit("swarm") for _ in range(SWARM)]
    told, broken = 0, ""
    for member in members:
        try:
            told += bool(member.told()["done"])
        except Broken as error:
            broken = str(error)
        member.end()
    if broken:
        message = f"of a swarm of {SWARM} only {told} could use their servers: {broken}"
        raise Broken(message)
    return Wound(None, released, time.monotonic())
