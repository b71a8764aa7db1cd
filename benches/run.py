"""Measures what the documentation claims, against the raw server and the peers, in one run.

    python benches/run.py [--quick] [--only WORD] [--json PATH | --keep]

Ratios are of pairs, measured in turn. Figures are of the release build: `make bench` sees to that.
With `--keep` the samples go to `benches/results/`, and from there into `docs/benchmarks.md`; with
`--only` those measured again take the place of the same day's.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1] / "examples"))  # raw_server, which the demo has too

import measure_attach
import measure_collector
import measure_cost
import measure_crash
import measure_data
import measure_load
import measure_package
import measure_peers
import measure_start
import measure_suite
import measure_work
import page
from figures import HEADER, Fact, Figure
from results import Results
from setting import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from setting import Setting

    Measure = Callable[[Setting], Sequence[Figure | Fact]]

MEASUREMENTS: dict[str, list[Measure]] = {
    "Starting": [
        measure_start.against_raw,
        measure_start.against_start_local,
        measure_start.first_use,
        measure_start.starters,
        measure_attach.attach,
        measure_attach.command,
        measure_attach.importing,
    ],
    "When something is killed": [
        measure_crash.server,
        measure_crash.workflow,
        measure_crash.under_way,
        measure_crash.supervisor,
        measure_crash.program,
        measure_crash.stop,
    ],
    "Work": [
        measure_work.workflows,
        measure_load.slowest,
        measure_work.namespaces,
        measure_work.memory_of_namespaces,
        measure_work.schedules,
        measure_suite.suite,
        measure_suite.existing,
        measure_data.snapshots,
    ],
    "What supervision costs": [
        measure_cost.idle,
        measure_cost.busy,
        measure_cost.probes,
        measure_cost.served,
        measure_package.wheel,
        measure_collector.boots,
        measure_collector.memory,
    ],
    "Peers": [measure_peers.start_and_stop, measure_peers.killed],
}
"""What is measured, by the sections of the page."""


def main() -> None:
    """Runs the measurements, tells them, and keeps them if asked."""
    parser = argparse.ArgumentParser(description="Measures what the documentation claims.")
    parser.add_argument("--quick", action="store_true", help="everything once, to see that it runs")
    parser.add_argument("--only", default="", help="measurements whose name has this word")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    parser.add_argument("--keep", action="store_true", help="write results, plots and the page")
    arguments = parser.parse_args()

    began = time.monotonic()
    with prepared(quick=arguments.quick) as setting:
        results = Results.begin(setting)
        print(HEADER, flush=True)
        for section, measures in MEASUREMENTS.items():
            for measure in measures:
                if arguments.only in f"{measure.__module__}.{measure.__name__}":
                    for found in measure(setting):
                        print(found.row(), flush=True)
                        results.add(section, found)
    print(f"{time.monotonic() - began:.0f} s")
    if arguments.json:
        results.write(arguments.json)
    if arguments.keep:
        if arguments.only:
            results = results.over(Results.read(results.path))
        results.write(results.path)
        page.publish()


if __name__ == "__main__":
    main()
