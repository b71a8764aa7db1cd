"""Fails where a ratio has become clearly worse than accepted: `make bench-guard`, also in CI.

    python benches/guard.py [--accept]

Times differ from machine to machine, ratios of pairs hardly do, but for noise. How much that is was
measured: `--accept` takes some rounds on the machine as it is and some with every processor kept
busy by something else, and writes down the largest median of all of them. Two acceptances, some
minutes apart, differed in that by up to 17 %. So a loss is a median that is more than three tenths
above it, in three rounds one after the other: one round may be bad luck.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import measure_attach
import measure_crash
import measure_start
from figures import Figure, pairs, ratio
from setting import cold_start, prepared
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from setting import Setting

FILE = Path(__file__).with_name("accepted.json")

MARGIN = 1.3
"""How far above the largest accepted median a loss begins."""

ROUNDS = 3
"""Rounds that have to agree."""


def boot(setting: Setting) -> Figure:
    """A cold start and the server alone."""
    return ratio("cold start / raw boot", *pairs(8, cold_start, setting.raw_boot))


def sdk(setting: Setting) -> Figure:
    """A cold start and the SDK's own server."""
    ours, theirs = pairs(6, cold_start, lambda: measure_start.start_local(setting))
    return ratio("cold start / start_local", ours, theirs)


def again(setting: Setting) -> Figure:
    """Ready again after a crash, and the server alone."""
    return measure_crash.ready_again(setting, 6)


def command(_: Setting) -> Figure:
    """A whole command, and an interpreter that does nothing."""
    with DevServer("guard"):
        program = [str(Path(sys.executable).with_name("temporal-devserver")), "status", "guard"]
        return _against_bare("command `status` / python -c pass", program)


def importing(_: Setting) -> Figure:
    """An interpreter that imports the package, and one that does nothing."""
    program = [sys.executable, "-I", "-c", "from temporal_devserver import DevServer"]
    return _against_bare("import of `DevServer` / python -c pass", program)


RATIOS: list[Callable[[Setting], Figure]] = [boot, sdk, again, command, importing]


def _against_bare(name: str, program: list[str]) -> Figure:
    run = measure_attach.run
    return ratio(name, *pairs(20, lambda: run(program), lambda: run(measure_attach.BARE)))


@contextmanager
def _busy_machine() -> Iterator[None]:
    """Keeps every processor busy."""
    words = [sys.executable, "-I", "-c", "while True: pass"]
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.callback(stack.enter_context(subprocess.Popen(words)).kill)
        yield


def accept(setting: Setting) -> None:
    """Measures, quiet and busy, and writes down the largest medians."""
    accepted = {}
    for measure in RATIOS:
        quiet = [measure(setting) for _ in range(ROUNDS)]
        with _busy_machine():
            busy = [measure(setting) for _ in range(ROUNDS)]
        medians = [figure.median for figure in quiet + busy]
        name = quiet[0].name
        accepted[name] = {"largest": round(max(medians), 3), "medians": [*map(_short, medians)]}
        print(name, accepted[name], flush=True)
    FILE.write_text(json.dumps(accepted, indent=1) + "\n")


def check(setting: Setting) -> bool:
    """Tells whether every ratio is as good as it was accepted."""
    accepted = json.loads(FILE.read_text())
    verdicts = [_is_as_good(measure, setting, accepted) for measure in RATIOS]
    return all(verdicts)


def _is_as_good(
    measure: Callable[[Setting], Figure], setting: Setting, accepted: dict[str, dict[str, float]]
) -> bool:
    seen = []
    for _ in range(ROUNDS):
        figure = measure(setting)
        limit = accepted[figure.name]["largest"] * MARGIN
        seen.append(_short(figure.median))
        is_good = figure.median <= limit
        print(
            f"{figure.name}: {seen}, limit {limit:.2f}{'' if is_good else ' EXCEEDED'}", flush=True
        )
        if is_good:
            return True
    return False


def _short(value: float) -> float:
    return round(value, 3)


def main() -> int:
    """Checks, or accepts."""
    parser = argparse.ArgumentParser(description="Compares ratios with the accepted ones.")
    parser.add_argument("--accept", action="store_true", help="accept what is measured now")
    arguments = parser.parse_args()
    with prepared(quick=False) as setting:
        if arguments.accept:
            accept(setting)
            return 0
        return 0 if check(setting) else 1


if __name__ == "__main__":
    sys.exit(main())
