"""The whole machine stands still, or has far more to do than it can: nothing may be restarted."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING

from .freezer import frozen
from .prober import Broken
from .scene import Scene, Wound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Fault
    from .world import Process, World

LATE = 1.5
"""Seconds in which a probe that was late would still come to a wrong conclusion."""

HOGS = 4
"""For each processor, so that everybody else gets a fifth of it."""


def freeze_everything(scene: Scene, fault: Fault) -> Wound:
    """Freezes server, supervisor and clients, and thaws them: a suspend, a container's pause."""
    seconds, how = fault.variant.split(" s, ")
    members = [member.process() for member in scene.crew.members.values()]
    clients = [process for process in members if process is not None]
    with _nothing_restarted(scene, fault) as (supervisor, server):
        processes = (supervisor, server, *clients)
        with frozen(scene.world, processes, by_kernel=how == "freezer") as outcome:
            time.sleep(float(seconds))
        released = time.monotonic()
        healed = scene.prober.answered(fault.kind)
    return Wound(server.pid, released, healed, f"{outcome}, nothing restarted")


def starve(scene: Scene, fault: Fault) -> Wound:
    """Lets everybody fight for the processors, for so long."""
    with _nothing_restarted(scene, fault) as (_, server):
        with _hogs(scene.world):
            time.sleep(float(fault.variant.removesuffix(" s")))
        released = time.monotonic()
        healed = scene.prober.answered(fault.kind)
    return Wound(server.pid, released, healed, "nothing restarted")


@contextlib.contextmanager
def _nothing_restarted(scene: Scene, fault: Fault) -> Iterator[tuple[Process, Process]]:
    """Gives supervisor and server, and sees that they are still the same at the end."""
    before = (scene.world.supervisor(), scene.world.server())
    supervisor, server = before
    if supervisor is None or server is None:
        message = f"supervisor {supervisor} and server {server} should be there"
        raise Broken(message)
    yield supervisor, server
    time.sleep(LATE)
    if (scene.world.supervisor(), scene.world.server()) != before:
        message = f"`{fault.kind}`, {fault.variant}, led to a restart"
        raise Broken(message)


@contextlib.contextmanager
def _hogs(world: World) -> Iterator[None]:
    words = ["sh", "-c", "while :; do :; done"]
    count = HOGS * (os.cpu_count() or 1)
    hogs = [subprocess.Popen(words, env=world.environment()) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
        for hog in hogs:
            hog.wait()
