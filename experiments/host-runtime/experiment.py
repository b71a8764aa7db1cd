"""Puts the subjects on trial: `experiment.py EXTENSION PYTHON...`; prints a table and a sum.

A trial is a process of its own: a crash is an exit status here and takes nothing else along.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

SUBJECT = Path(__file__).with_name("subject.py")
TRIALS = {"fork": 3, "exit": 30}
HUNG = 3  # the exit status by which a subject says that its child's await hung
DEADLINE = 30.0  # seconds; far more than any trial needs


def outcome(python: str, trial: str, way: str, extension: str) -> str:
    """Run one subject; `ok`, or how it failed."""
    command = [python, "-I", str(SUBJECT), trial, way, extension]
    try:
        code = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=DEADLINE,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return "never ended"
    if code == 0:
        return "ok"
    if code < 0:
        return signal.Signals(-code).name
    return "await in the child never returned" if code == HUNG else f"exit code {code}"


def main(extension: str, pythons: list[str]) -> int:
    """Run all trials; 1 when the control fails, for then the figures mean nothing."""
    failures = Counter[str]()
    for python in pythons:
        version = subprocess.check_output(
            [python, "-c", "import sys; print(sys.version.split()[0])"], text=True
        )
        for way in ("runtime", "reader"):
            for trial, count in TRIALS.items():
                seen = Counter(outcome(python, trial, way, extension) for _ in range(count))
                failed = count - seen.pop("ok", 0)
                failures[way] += failed
                how = ", ".join(f"{number} {name}" for name, number in seen.most_common())
                print(
                    f"{version.strip():8} {way:8} {trial:5} {failed:2} of {count:2}  {how}",
                    flush=True,
                )
    print(f"failures of the control: {failures['reader']}")
    print(f"failures: {failures['runtime']} (0 reopens the decision)")
    return 1 if failures["reader"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
