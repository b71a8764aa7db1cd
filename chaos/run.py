"""One run from its beginning to its verdict."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from .book import Book
from .crew import Crew
from .disk import mount
from .nemesis import Nemesis
from .prober import Broken, Prober
from .scene import Scene
from .watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .plan import Round
    from .world import World

DISK = 256
"""Megabytes of the small disk, and as many more for each ten minutes."""


class Run:
    """One run: where it writes, and how long it goes on."""

    def __init__(self, world: World, out: Path, seed: int, minutes: float, stem: str) -> None:
        self._world, self._out, self._seed, self._minutes = world, out, seed, minutes
        self._stem = stem
        """Beginning of the names of its files."""

    def __call__(self, rounds: Iterable[Round], at_least: int) -> list[str]:
        """Does it; returns the problems."""
        mounted = mount(self._world, int(DISK * (1 + self._minutes / 10)))
        print("disk " + ("of its own" if mounted else "imitated"), flush=True)
        self._world.make()
        book = Book(self._out / f"{self._stem}.jsonl", self._seed, self._minutes)
        with (self._out / f"{self._stem}.log").open("w") as log:
            crew = Crew(self._world, log)
            prober = Prober(self._world, crew.address)
            watcher = Watcher(self._world, crew.address)
            nemesis = Nemesis(Scene(self._world, crew, prober), book, watcher)
            try:
                nemesis.run(rounds, self._minutes * 60, at_least=at_least)
                nemesis.reckon()
            except Broken as error:
                nemesis.problems.append(str(error))
        if at_least:
            nemesis.problems += [f"there was no `{kind}`" for kind in nemesis.missing()]
        book.close()
        self._tell(book, nemesis, watcher)
        return nemesis.problems

    def _tell(self, book: Book, nemesis: Nemesis, watcher: Watcher) -> None:
        """Prints the table, and writes everything down."""
        print(f"\n{book.table()}")
        print(
            f"{nemesis.acknowledged} workflows acknowledged; {watcher.looks} looks of the watcher; "
            f"the address refused for {watcher.longest_refusal:.1f} s at the longest"
        )
        result = {
            "seed": self._seed,
            "minutes": self._minutes,
            "faults": book.figures(),
            "workflows": nemesis.acknowledged,
            "looks": watcher.looks,
            "longest_refusal": round(watcher.longest_refusal, 3),
            "processors": os.cpu_count(),
            "problems": nemesis.problems,
        }
        (self._out / f"{self._stem}.json").write_text(json.dumps(result, indent=1) + "\n")
        if nemesis.problems:
            kept = self._out / f"{self._stem}-logs"
            kept.mkdir(exist_ok=True)
            for path in self._world.state.glob("servers/*/*.*"):
                if path.is_file():
                    shutil.copy(path, kept / f"{path.parent.name}-{path.name}")
            print(f"the logs are in {kept}")
