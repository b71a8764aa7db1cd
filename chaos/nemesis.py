"""The rounds: faults at once, then healing, and in the end the reckoning."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from . import workflows
from .faults import FAULTS
from .plan import VARIANTS
from .prober import Broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .book import Book, Entry
    from .plan import Fault, Round
    from .scene import Scene
    from .watcher import Watcher

LEFT = 15.0
"""Seconds after the end of the last client within which everything has to be gone."""


class Nemesis:
    """Inflicts rounds of faults on a scene, and writes down what came of them."""

    def __init__(self, scene: Scene, book: Book, watcher: Watcher) -> None:
        self.problems: list[str] = []
        self.acknowledged = 0
        self._scene, self._book, self._watcher = scene, book, watcher

    def run(self, rounds: Iterable[Round], seconds: float, *, at_least: int) -> None:
        """Goes through the rounds until the time is up and so many faults were there.

        Without a time (a replay) to the end of the rounds.
        """
        until = time.monotonic() + seconds
        for number, each in enumerate(rounds, 1):
            is_over = seconds and time.monotonic() > until
            if is_over and len(self._book.entries) >= at_least:
                return
            time.sleep(each.pause)
            self._round(number, each)
            self.problems += self._watcher.violations
            if self.problems:
                return

    def reckon(self) -> None:
        """Has the workflows end, then the clients, and looks for what is left."""
        scene = self._scene
        if not self.problems:
            scene.crew.members["worker"].ask("rest")
            self.acknowledged, lost = workflows.lost(scene.world, scene.prober)
            self.problems += lost
        self._watcher.end()
        self.problems += [v for v in self._watcher.violations if v not in self.problems]
        self.problems += scene.crew.end()
        until = time.monotonic() + LEFT
        while (left := self._left()) and time.monotonic() < until:
            time.sleep(0.05)
        self.problems += left

    def missing(self) -> list[str]:
        """Returns the kinds of faults that never came."""
        return [kind for kind in VARIANTS if kind not in {e.fault for e in self._book.entries}]

    def _round(self, number: int, each: Round) -> None:
        entries = [self._book.enter(number, each.pause, fault) for fault in each.faults]
        with ThreadPoolExecutor(len(entries)) as pool:
            [*pool.map(self._inflict, each.faults, entries)]
        try:
            self._scene.prober.whole(self._scene.crew.pids())
        except Broken as error:
            self.problems.append(f"round {number}: {error}")
        for entry in entries:
            self._book.add(entry)
            after = "" if entry.healed_after is None else f"{entry.healed_after:.2f} s"
            what = f"{entry.fault}{entry.variant and f' ({entry.variant})'}"
            print(f"{number:>4}  {what:<42}{after:>9}  {entry.outcome}", flush=True)

    def _inflict(self, fault: Fault, entry: Entry) -> None:
        time.sleep(fault.delay)
        entry.time = time.time()
        try:
            wound = FAULTS[fault.kind](self._scene, fault)
            healed = self._scene.prober.answered(fault.kind)
        except Exception as error:  # written down, whatever it is
            entry.outcome = f"{type(error).__name__}: {error}"
            self.problems.append(f"round {entry.round}, {fault.kind}: {entry.outcome}")
            return
        entry.pid, entry.outcome = wound.pid, wound.outcome
        entry.healed_after = round((wound.healed or healed) - wound.released, 3)

    def _left(self) -> list[str]:
        world = self._scene.world
        processes = [f"left: process {p.pid} {' '.join(p.words)[:100]}" for p in world.processes()]
        files = [*world.state.rglob("control.sock"), *world.tmp.glob("temporal-devserver-*")]
        return processes + [f"left: {path}" for path in files]
