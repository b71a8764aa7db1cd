"""What `--temporal-fail-fast` costs tests that pass, and when a wait ends that would last for ever.

`python benches/measure_fail_fast.py` runs one suite. In it each pair of tests does the same, one
with the watch and one without, in turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

PAIRS = 100

INI = """\
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""

TESTS = """\
import asyncio, json, pathlib, time
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.worker import Worker

from temporal_devserver import WorkflowTaskFailedError


@workflow.defn(sandboxed=False)
class Order:
    @workflow.run
    async def run(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)


@workflow.defn(sandboxed=False)
class Buggy:
    @workflow.run
    async def run(self, _: float) -> None:
        raise KeyError("no such key")


def marked(value):
    return pytest.param(value, marks=pytest.mark.temporal_fail_fast(value))


async def timed(client, flow, seconds, *note):
    async with Worker(client, task_queue="q", workflows=[Order, Buggy]):
        began = time.perf_counter()
        try:
            await client.execute_workflow(
                flow.run, seconds, id="w", task_queue="q", task_timeout=timedelta(seconds=10)
            )
        except WorkflowTaskFailedError:
            pass
        took = time.perf_counter() - began
    with pathlib.Path(__file__).with_name("told").open("a") as told:
        told.write(json.dumps([" ".join(note), took]) + "\\n")


@pytest.mark.parametrize("fast", [marked(True), marked(False)])
@pytest.mark.parametrize("number", range(PAIRS))
async def test_short(temporal_client, number, fast):
    await timed(temporal_client, Order, 0, "a workflow of no timer,", str(fast))


@pytest.mark.parametrize("fast", [marked(True), marked(False)])
@pytest.mark.parametrize("number", range(PAIRS // 5))
async def test_long(temporal_client, number, fast):
    await timed(temporal_client, Order, 2, "a timer of 2 s,", str(fast))


@pytest.mark.parametrize("failures", [marked(1), marked(2), marked(3)])
async def test_failing(temporal_client, failures):
    await timed(temporal_client, Buggy, 0, "fails,", str(failures))
"""


def main() -> None:
    """Runs the suite, and prints medians and ratios."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "pytest.ini").write_text(INI)
        (home / "test_suite.py").write_text(TESTS.replace("PAIRS", str(PAIRS)))
        words = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--timeout=100",  # a first attempt that timed out is never reported
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
        ]
        subprocess.run(words, cwd=home, check=True, stdout=subprocess.DEVNULL)
        for line in (home / "told").read_text().splitlines():
            name, took = json.loads(line)
            seconds[name].append(took)
    for name, took in seconds.items():
        print(f"{name:<32} median {statistics.median(took):7.3f} s of {len(took)}")
    for kind in ("a workflow of no timer,", "a timer of 2 s,"):
        each = zip(seconds[f"{kind} True"], seconds[f"{kind} False"], strict=True)
        ratios = sorted(on / off for on, off in each)
        low, middle, high = statistics.quantiles(ratios)
        print(
            f"{kind} with the watch: {middle:.3f} times as long (quartiles {low:.3f}, {high:.3f})"
        )


if __name__ == "__main__":
    main()
