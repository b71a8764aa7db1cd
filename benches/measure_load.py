"""Load: the slowest of many workflows, and those whose client learned of their end late.

    python benches/measure_load.py [--workflows N] [--steps N] [--parallel N] [--raw]
        [--dynamic-config KEY=JSON ...]

Four programs, each with one client and one worker, execute one workflow after another, as suites of
tests do. A client learns the end of a workflow by a long poll. The server's notifier drops a
notification for a poll that has not yet taken the one before; if that was the end of the workflow,
the poll lasts until `history.longPollExpirationInterval`, 20 s: the client stalls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from temporalio.client import Client

from figures import Figure
from measure_work import Steps, worker
from raw_server import plain, raw_server
from setting import prepared
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from setting import Setting

PROGRAMS = 4
WORKFLOWS = 10_000

STALL = 15.0
"""Seconds from the end of a workflow from which on its client has stalled."""


@dataclass(frozen=True)
class Load:
    """What each of the programs does."""

    workflows: int = WORKFLOWS
    steps: int = 1
    """Activities of a workflow, one after the other: none up to so many, in turn."""
    parallel: int = 1
    """Workflows at once in a program."""


@dataclass(frozen=True)
class Loaded:
    """What came of it."""

    seconds: list[float]
    """Of each workflow, from its start to its client's knowledge of its end, in order."""
    stalls: list[float]
    """Of each client that stalled, from the end of the workflow to its knowledge of it."""

    def row(self) -> str:
        """One line."""
        at = [self.seconds[round(part * (len(self.seconds) - 1))] for part in (0.5, 0.99, 1)]
        median, most, slowest = (f"{1000 * seconds:.0f} ms" for seconds in at)
        stalls = [round(seconds, 1) for seconds in self.stalls]
        return f"median {median}, p99 {most}, slowest {slowest}; {len(stalls)} stalls {stalls}"


def slowest(setting: Setting) -> list[Figure]:
    """The slowest of many workflows; a client that stalls makes it 20 s."""
    load = Load(WORKFLOWS // 100 if setting.quick else WORKFLOWS)
    with DevServer() as server:
        loaded = put(server.address, load)
    name = f"{WORKFLOWS:,} workflows of {PROGRAMS} programs"
    return [
        Figure(f"{name}: the slowest", "s", [loaded.seconds[-1]]),
        Figure(f"{name}: clients that stalled", "", [float(len(loaded.stalls))], 0),
    ]


def put(address: str, load: Load) -> Loaded:
    """Puts a server under load from several programs."""
    words = [sys.executable, __file__, "--at", address]
    words += ["--workflows", str(load.workflows // PROGRAMS)]
    words += ["--steps", str(load.steps), "--parallel", str(load.parallel)]
    programs = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(PROGRAMS)]
    told = [json.loads(program.communicate()[0]) for program in programs]
    seconds, stalls = (sorted(chain(*each)) for each in zip(*told, strict=True))
    return Loaded(seconds, stalls)


async def program(address: str, load: Load) -> tuple[list[float], list[float]]:
    """One of the programs: returns the seconds of each workflow, and the stalls."""
    client = await Client.connect(address)
    queue = uuid4().hex
    seconds: list[float] = []
    stalls: list[float] = []
    left = iter(range(load.workflows))

    async def execute() -> None:
        for number in left:
            began = time.perf_counter()
            run, identity, steps = Steps.run, uuid4().hex, number % (load.steps + 1)
            handle = await client.start_workflow(run, steps, id=identity, task_queue=queue)
            await handle.result()
            took = time.perf_counter() - began
            seconds.append(took)
            if took >= STALL:
                told = await handle.describe()
                assert told.close_time is not None
                late = took - (told.close_time - told.start_time).total_seconds()
                stalls.extend([late] if late >= STALL else [])

    async with worker(client, queue):
        await asyncio.gather(*(execute() for _ in range(load.parallel)))
    return seconds, stalls


def main() -> None:
    """Is one of the programs, or puts a server of ours or a raw one under load."""
    parser = argparse.ArgumentParser(description="Measures the slowest of many workflows.")
    parser.add_argument("--workflows", type=int, default=Load.workflows, help="of all programs")
    parser.add_argument("--steps", type=int, default=Load.steps, help="most activities of one")
    parser.add_argument("--parallel", type=int, default=Load.parallel, help="of each program")
    parser.add_argument("--raw", action="store_true", help="the CLI's memory mode, without us")
    parser.add_argument("--dynamic-config", action="append", default=[], metavar="KEY=JSON")
    parser.add_argument("--at", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    load = Load(arguments.workflows, arguments.steps, arguments.parallel)
    if arguments.at:
        told = asyncio.run(program(arguments.at, load))
        print(json.dumps(told), flush=True)  # an SDK that crashes at the exit loses nothing
        return
    with prepared(quick=False) as setting:
        began = time.perf_counter()
        loaded = (
            _on_raw(setting, load, arguments.dynamic_config)
            if arguments.raw
            else _on_ours(load, arguments.dynamic_config)
        )
    print(f"{len(loaded.seconds)} in {time.perf_counter() - began:.0f} s: {loaded.row()}")


def _on_ours(load: Load, values: list[str]) -> Loaded:
    pairs = (value.partition("=") for value in values)
    with DevServer(dynamic_config={key: json.loads(text) for key, _, text in pairs}) as server:
        return put(server.address, load)


def _on_raw(setting: Setting, load: Load, values: list[str]) -> Loaded:
    flags = [word for value in values for word in ("--dynamic-config-value", value)]
    with raw_server([*plain(setting.executable), *flags], None) as (address, _):
        return put(address, load)


if __name__ == "__main__":
    main()
