"""What supervision costs: processor, memory, wake-ups, system calls, probes."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from temporalio.client import Client

from figures import Fact, Figure, milliseconds
from measure_work import STEPS, Steps, worker
from setting import field, percent_of_a_core, resident, running
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from setting import Setting

AT_ONCE = 8
"""Workflows that run at once while the cost under load is measured."""


class Cost(NamedTuple):
    """What a process has used so far."""

    cpu: float
    wakeups: float


def cost(pid: int) -> Cost:
    """Returns the seconds of processor, as the scheduler counts, and how often it went to sleep."""
    cpu = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return Cost(cpu, field(Path(f"/proc/{pid}/status").read_text(), "voluntary_ctxt_switches"))


def idle(setting: Setting) -> list[Figure | Fact]:
    """The supervisor of a server that nobody asks for anything."""
    with DevServer() as server:
        pid = server.status().supervisor_pid
        assert pid
        time.sleep(0.5)
        figures = _over(pid, "idle", 1.0 if setting.quick else 20.0)
        memory = resident(pid)
        threads = field(Path(f"/proc/{pid}/status").read_text(), "Threads")
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    private = field(rollup, "Private_Clean") + field(rollup, "Private_Dirty")
    return [
        Figure("supervisor: resident", "MiB", [memory], 12),
        Figure("supervisor: private", "MiB", [private / 1024], 6),
        Figure("supervisor: threads", "", [threads], 1),
        *figures,
    ]


def busy(setting: Setting) -> list[Figure | Fact]:
    """The supervisor of a server that workflows run on."""

    async def main(server: DevServer, pid: int) -> list[Figure | Fact]:
        client = await Client.connect(server.address)

        async def one(number: int) -> None:
            while True:
                identity = f"{number}-{time.perf_counter()}"
                await client.execute_workflow(Steps.run, STEPS, id=identity, task_queue="q")

        async with worker(client, "q"):
            load = [asyncio.create_task(one(number)) for number in range(AT_ONCE)]
            measured = await asyncio.to_thread(
                _over, pid, "under load", 1.0 if setting.quick else 10.0
            )
            for task in load:
                task.cancel()
            await asyncio.wait(load)
            return measured

    with DevServer() as server:
        pid = server.status().supervisor_pid
        assert pid
        return asyncio.run(main(server, pid))


def probes(setting: Setting) -> list[Figure]:
    """What each layer takes: those of each look, and those that are asked until it is ready."""
    latencies: dict[str, list[float]] = {}
    with DevServer(health={"interval": 0.05, "timeout": 1.0, "failures": 3}) as server:
        for _ in range(setting.times(40)):
            time.sleep(0.1)
            for probe in server.status().probes:
                seen = latencies.setdefault(probe.layer, [])
                if probe.latency not in seen[-1:]:  # asked again
                    seen.append(probe.latency)
    return [milliseconds(f"probe, layer {layer}", seconds) for layer, seconds in latencies.items()]


def served(setting: Setting) -> list[Figure]:
    """The processor that an idle server uses, looked at every 5 s, and hardly ever."""
    seconds = 1.0 if setting.quick else 20.0
    used = []
    for interval in (5.0, 3600.0):
        with DevServer(health={"interval": interval}) as server:
            pid = running(server.status())
            time.sleep(2.0)
            used.append(percent_of_a_core(pid, seconds))
    return [
        Figure("server, idle: processor", "%", [used[0]], None, f"over {seconds:g} s"),
        Figure("server, idle, not looked at: processor", "%", [used[1]], None, "the same"),
    ]


def _over(pid: int, when: str, seconds: float) -> list[Figure | Fact]:
    before = cost(pid)
    time.sleep(seconds)  # what is measured is this time, not something to wait for
    after = cost(pid)
    target = 0.1 if when == "idle" else None
    note = f"over {seconds:g} s"
    cpu, wakeups = ((b - a) / seconds for a, b in zip(before, after, strict=True))
    return [
        Figure(f"supervisor, {when}: processor", "%", [cpu * 100], target, note),
        Figure(f"supervisor, {when}: wake-ups", "/s", [wakeups], None, note),
        _calls(pid, when, seconds),
    ]


def _calls(pid: int, when: str, seconds: float) -> Figure | Fact:
    strace = shutil.which("strace")
    name = f"supervisor, {when}: system calls"
    if strace is None:
        return Fact("supervisor", f"{when}: system calls", "not counted: there is no strace here")
    words = ["timeout", "--signal=INT", str(seconds), strace, "-qcf", "-p", str(pid)]
    counted = subprocess.run(words, check=False, capture_output=True, text=True)
    total = re.search(r"^ *100\.00 +\S+ +\d* +(\d+) .*total$", counted.stderr, re.MULTILINE)
    if total is None:
        return Fact("supervisor", f"{when}: system calls", "not counted: strace may not attach")
    return Figure(name, "/s", [int(total[1]) / seconds], None, f"over {seconds:g} s, by strace")
