"""Measures how cost grows: with servers, leases, namespaces, the database, restarts.

    python benches/growth.py [--quick] [--only NAME]

Each thing grows until its last step, or until something gives way: that is told. The results go to
`benches/results/growth.json`, and from there into `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import os
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import page
from figures import timed
from growth_results import Curve, write
from measure_data import grow
from measure_work import SCHEDULES, WORKERS_A_SECOND, use
from setting import MIB, field, percent_of_a_core, prepared, remove, resident, running
from temporal_devserver import DevServer, DevServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from setting import Setting

ROOT = Path(__file__).parents[1]

TOUCHED = 64
"""MiB that are touched at each step of the row of servers."""


def servers(setting: Setting) -> Curve:
    """Servers side by side: how long the next one takes to start, and what all of them take."""
    steps = _steps(setting, [1, 2, 5, 10, 20, 30, 40, 50])
    starts, touches, memory, processor = [], [], [], []
    reached, told = [], ""
    before = _free()
    seconds = 0.0
    with ExitStack() as stack:
        count = 0
        for step in steps:
            try:
                for number in range(count, step):
                    if number == step - 1:
                        time.sleep(3.0)  # what those before still do after they are ready
                    seconds = timed(lambda: stack.enter_context(DevServer()))
                    count += 1
            except DevServerError as error:
                told = f"The {count + 1}th did not start: {error}."
                break
            reached.append(float(step))
            starts.append(seconds)
            touches.append(_touch(stack))
            memory.append(before - _free() - len(touches) * TOUCHED)
            processor.append(_busy(3.0))
    told = told or (
        f"All {count} ran; the last one took {starts[-1]:.2f} s to start. Where a start takes "
        "longer, so does touching new memory: a virtual machine asks its host for what it has not "
        "used lately."
    )
    touched = f"touching {TOUCHED} MiB, s"
    series = {
        "start of the next, s": starts,
        touched: touches,
        "memory, MiB": memory,
        "processors busy": processor,
    }
    return Curve(reached, series, told)


def leases(setting: Setting) -> Curve:
    """Handles of one server: how long the next one takes, a status with all of them, the memory."""
    steps = _steps(setting, [1, 10, 50, 100, 200, 300, 400, 500])
    attach, status, memory = [], [], []
    with ExitStack() as stack:
        first = stack.enter_context(DevServer("grows"))
        count = 1
        for step in steps:
            seconds = [0.0]
            while count < step:
                seconds.append(timed(lambda: stack.enter_context(DevServer("grows"))))
                count += 1
            attach.append(statistics.median(seconds[1:] or seconds) * 1000)
            began = time.perf_counter()
            known = first.status()
            status.append((time.perf_counter() - began) * 1000)
            assert len(known.leases) == count
            assert known.supervisor_pid
            memory.append(resident(known.supervisor_pid))
    told = (
        f"All {count} were granted; {count - 1} handles lie in one process. What grows is the "
        "answer: each grant is a status, which names every lease."
    )
    series = {"attach, ms": attach, "status, ms": status, "supervisor, MiB": memory}
    return Curve(list(map(float, steps)), series, told)


def namespaces(setting: Setting) -> Curve:
    """Namespaces of one server: how long the next one takes, its memory, and a restart with all."""
    steps = _steps(setting, [1, 100, 250, 500, 750, 1000])
    create, memory, again = [], [], []
    with DevServer() as server:
        count = 0
        for step in steps:
            seconds = []
            while count < step:
                seconds.append(timed(server.create_namespace, f"n{count}"))
                count += 1
            create.append(statistics.median(seconds) * 1000)
            memory.append(resident(running(server.status())))
            again.append(timed(_crash, server))
    told = (
        f"All {count} were made; with them a killed server was ready again after {again[-1]:.2f} s."
    )
    series = {"the next, ms": create, "server, MiB": memory, "ready again, s": again}
    return Curve(list(map(float, steps)), series, told)


def used(setting: Setting) -> Curve:
    """Namespaces in which a test ran: memory of the server, and its processor while it is idle."""
    steps = _steps(setting, [1, 10, 50, 100, 200])
    series: dict[str, list[float]] = {}
    costs = []
    for kind, config in SCHEDULES.items():
        memory = series[f"server{kind}, MiB"] = []
        idle = series[f"idle{kind}, % of a core"] = []
        with DevServer(dynamic_config=config) as server:
            count = 0
            for step in steps:
                _use(server, range(count, step))
                count = step
                memory.append(resident(running(server.status())))
                idle.append(
                    percent_of_a_core(running(server.status()), 1.0 if setting.quick else 10.0)
                )
        costs.append((memory[-1] - memory[0]) / (count - 1))
    told = (
        f"In each a worker ran a workflow with an activity. It costs {costs[0]:.1f} MiB, "
        f"{costs[1]:.1f} MiB without schedules."
    )
    return Curve(list(map(float, steps)), series, told)


def _use(server: DevServer, numbers: range) -> None:
    """Creates namespaces, runs a workflow in each, and waits until their own workers run, too."""
    began = time.monotonic()
    for number in numbers:
        server.create_namespace(f"n{number}")
        asyncio.run(use(server.address, f"n{number}"))
    # No sign tells when all of them have started.
    time.sleep(max(0.0, len(numbers) / WORKERS_A_SECOND + began - time.monotonic()) + 3.0)


def database(setting: Setting) -> Curve:
    """A kept database that grows: a start on it, a snapshot, a way back."""
    steps = _steps(setting, [1, 10, 100, 300, 1000])
    start, snapshot, restore = [], [], []
    for step in steps:
        folder = setting.fresh("grows")
        kept = folder / "kept.db"
        with DevServer(db=kept):
            pass
        grow(kept, step)
        began = time.perf_counter()
        with DevServer(db=kept) as server:
            start.append(time.perf_counter() - began)
            snapshot.append(timed(server.snapshot, folder / "snapshot"))
            restore.append(timed(server.restore, folder / "snapshot"))
        remove(folder)
    told = (
        "What is large is a table that the server does not look at: what costs is the file, not "
        f"what is in it. A start takes {start[-1]:.2f} s at {steps[-1]} MiB."
    )
    series = {"start, s": start, "snapshot, s": snapshot, "restore, s": restore}
    return Curve(list(map(float, steps)), series, told)


def restarts(setting: Setting) -> Curve:
    """Restarts of a stand-in that boots at once: what the supervisor takes, and how it grows."""
    steps = _steps(setting, [100, 1000, 2500, 5000, 7500, 10_000])
    fake = ROOT / "target/debug/examples/fake_temporal"
    heal, memory, files = [], [], []
    with DevServer(executable=fake) as server:
        pid = server.status().supervisor_pid
        assert pid
        count = 0
        for step in steps:
            seconds = []
            while count < step:
                seconds.append(timed(_crash, server))
                count += 1
            heal.append(statistics.median(seconds) * 1000)
            memory.append(resident(pid))
            files.append(float(len(os.listdir(f"/proc/{pid}/fd"))))
        assert server.status().restarts == count
    told = (
        f"After {count} restarts the supervisor has {memory[-1]:.1f} MiB and {files[-1]:.0f} files."
    )
    series = {"kill() to ready, ms": heal, "supervisor, MiB": memory, "open files": files}
    return Curve(list(map(float, steps)), series, told)


GROWTHS: dict[str, Callable[[Setting], Curve]] = {
    each.__name__: each for each in (servers, leases, namespaces, used, database, restarts)
}


def _steps(setting: Setting, steps: list[int]) -> list[int]:
    return steps[:2] if setting.quick else steps


def _crash(server: DevServer) -> None:
    server.kill()
    server.wait_ready()


def _touch(stack: ExitStack) -> float:
    """Touches memory that nobody has used, and keeps it; returns the seconds that it takes."""
    memory = stack.enter_context(mmap.mmap(-1, TOUCHED * MIB))
    began = time.perf_counter()
    for at in range(0, len(memory), mmap.PAGESIZE):
        memory[at] = 1
    return time.perf_counter() - began


def _free() -> float:
    """Returns the memory that is free for programs, in MiB."""
    return field(Path("/proc/meminfo").read_text(), "MemAvailable") / 1024


def _busy(seconds: float) -> float:
    """Returns how many processors were busy on the whole machine."""
    before = _idle()
    time.sleep(seconds)  # what is measured is this time
    return max(0.0, (os.cpu_count() or 1) - (_idle() - before) / seconds)


def _idle() -> float:
    words = Path("/proc/stat").read_text().split()
    return (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measures, tells, and writes."""
    parser = argparse.ArgumentParser(description="Measures how cost grows.")
    parser.add_argument("--quick", action="store_true", help="the first steps, to see that it runs")
    parser.add_argument("--only", default="", choices=["", *GROWTHS], help="one of them")
    arguments = parser.parse_args()
    with prepared(quick=arguments.quick) as setting:
        for name, measure in GROWTHS.items():
            if arguments.only in ("", name):
                curve = measure(setting)
                _tell(name, curve)
                if not arguments.quick:
                    write({name: curve})
    if not arguments.quick:
        page.publish()


def _tell(name: str, curve: Curve) -> None:
    print(f"{name}: {curve.told}")
    for number, at in enumerate(curve.at):
        values = ", ".join(f"{what} {ys[number]:.4g}" for what, ys in curve.series.items())
        print(f"  {at:>6g}: {values}", flush=True)


if __name__ == "__main__":
    main()
