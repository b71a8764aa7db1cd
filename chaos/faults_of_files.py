"""Files of the state directory are spoilt or removed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .scene import Scene, Wound

if TYPE_CHECKING:
    from .plan import Fault


def corrupt_state(scene: Scene, fault: Fault) -> Wound:
    """Spoils `state.json` in place, and kills: who is started next writes the file anew.

    What it held are hints for a newcomer that is faster than all clients; so none comes before they
    have healed it.
    """
    path = scene.world.directory / "state.json"
    text = path.read_bytes()
    how, _, whom = fault.variant.partition(", kill ")
    path.write_bytes({"garbage": b"\xff{]" * 50, "half": text[: len(text) // 2], "empty": b""}[how])
    wound = scene.kill_server() if whom == "server" else scene.kill_supervisor()
    healed = scene.prober.answered(fault.kind)
    scene.visited()
    return replace(wound, healed=healed)


def delete_a_file(scene: Scene, fault: Fault) -> Wound:
    """Removes one file under the eyes of those who have it open; then a newcomer comes."""
    path = scene.world.directory / fault.variant
    was_there = path.exists()
    path.unlink(missing_ok=True)
    wound = Wound(None, time.monotonic())
    if fault.variant == "state.json":  # as above
        wound = scene.kill_server()
    outcome = "healed" if was_there else "was not there"
    return replace(wound, healed=scene.visited(), outcome=outcome)
