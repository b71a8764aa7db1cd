"""Measures what the documentation claims, against the raw server and `start_local`, in one run.

    python benches/run.py [--quick] [--json PATH] [--only WORD]

Ratios are of pairs, measured in turn. Figures are of the release build: `make bench` sees to that.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "examples"))  # raw_server, which the demo has too

import measure_attach
import measure_crash
import measure_start
import measure_suite
import measure_work
from figures import HEADER, Figure
from setting import prepare, remove

MEASUREMENTS = [
    measure_start.against_raw,
    measure_start.against_start_local,
    measure_start.first_use,
    measure_start.starters,
    measure_attach.attach,
    measure_attach.command,
    measure_attach.importing,
    measure_crash.server,
    measure_crash.supervisor,
    measure_crash.stop,
    measure_work.workflows,
    measure_work.namespaces,
    measure_work.memory_of_namespaces,
    measure_work.idle,
    measure_suite.suite,
]


def main() -> None:
    """Runs the measurements, and writes the table and the JSON."""
    parser = argparse.ArgumentParser(description="Measures what the documentation claims.")
    parser.add_argument("--quick", action="store_true", help="everything once, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write all samples")
    parser.add_argument("--only", default="", help="measurements whose name has this word")
    arguments = parser.parse_args()
    logging.getLogger("temporal_devserver").addHandler(logging.NullHandler())  # crashes are meant

    figures: list[Figure] = []
    root = Path(tempfile.mkdtemp(prefix="tdb-", dir="/tmp"))
    try:
        setting = prepare(root, quick=arguments.quick)
        print(HEADER, flush=True)
        for measure in MEASUREMENTS:
            if arguments.only not in f"{measure.__module__}.{measure.__name__}":
                continue
            for figure in measure(setting):
                print(figure.row(), flush=True)
                figures.append(figure)
    finally:
        remove(root)
    if arguments.json:
        arguments.json.write_text(json.dumps([figure.json() for figure in figures], indent=1))


if __name__ == "__main__":
    main()
