"""`python -m chaos [--seed N] [--minutes N] [--trace FILE] [--out DIRECTORY]`; see `make chaos`.

The exit code is 1 where anything did not heal, was lost, or is left; and where a kind of fault
never came, unless the run is shorter than a minute.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import enter_own_mounts, unmount
from .plan import VARIANTS, replayed, rounds
from .run import Run
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .plan import Round

GRACE = 300.0
"""Seconds beyond the time asked for, after which the run is ended from within."""


def arguments() -> argparse.Namespace:
    """Returns what was asked for; an empty word counts as not given."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", default="", help="decides everything; default: at random")
    parser.add_argument("--minutes", default="", help="default: 5")
    parser.add_argument("--trace", default="", help="a trace to replay")
    parser.add_argument("--out", default="", help="where to write; default: target/chaos")
    return parser.parse_args()


def main() -> int:
    """Runs; returns the exit code."""
    asked = arguments()
    enter_own_mounts(sys.argv[1:])
    seed = int(asked.seed or random.SystemRandom().randrange(1_000_000))
    minutes = float(asked.minutes or 5)
    plan: Iterable[Round] = rounds(seed, minutes)
    at_least = len(VARIANTS) if minutes >= 1 else 0
    if asked.trace:
        seed, plan = replayed(Path(asked.trace))
        minutes, at_least = 0.0, 0
    print(f"seed {seed}", flush=True)
    stem = f"chaos-{seed}" + ("-replay" if asked.trace else "")  # never over the trace itself
    out = Path(asked.out or "target/chaos")
    out.mkdir(parents=True, exist_ok=True)
    world = World(Path(tempfile.mkdtemp(prefix="chaos-")).resolve())
    timer = threading.Timer(minutes * 60 + GRACE, give_up, [world, seed])
    timer.daemon = True
    timer.start()
    try:
        problems = Run(world, out, seed, minutes, stem)(plan, at_least)
    finally:
        world.kill_all()
        unmount(world)
        shutil.rmtree(world.root, ignore_errors=True)
    for problem in problems:
        print(f"FAILED (seed {seed}): {problem}", file=sys.stderr)
    return 1 if problems else 0


def give_up(world: World, seed: int) -> None:
    """Ends a run that does not end by itself."""
    print(f"FAILED (seed {seed}): the run does not end", file=sys.stderr, flush=True)
    world.kill_all()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
