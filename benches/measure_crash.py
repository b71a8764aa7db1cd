"""Crashes: how soon they are told, how soon all is well again; and the end of a server."""

from __future__ import annotations

import asyncio
import math
import os
import random
import select
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from temporalio.runtime import Runtime, TelemetryConfig

from demo_support import Owner, gone
from figures import Figure, milliseconds, ratio, timed
from measure_work import Steps, worker
from raw_server import copy_database, raw_boot
from setting import cold_start, running
from temporal_devserver import AsyncDevServer, DevServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from temporalio.client import Client

    from setting import Setting
    from temporal_devserver import Event

KILLS = 3
MANY = 30
"""Activities of a workflow, one after the other: a second or two."""


def server(setting: Setting) -> list[Figure]:
    """`kill -9` of the server: the event, `ready` again, and a raw boot on the same database."""
    rows = [_crashes(setting, KILLS) for _ in range(setting.times(12))]
    firsts = [row[0] for row in rows]
    again = [_ready_again([row[number] for row in rows], number) for number in range(KILLS)]
    return [
        milliseconds("kill -9 -> Python event", [crash.told for crash in firsts], 2),
        # It frees the memory first; the event waits for that only where it cannot be told sooner.
        milliseconds("kill -9 -> the kernel calls it dead", [crash.dead for crash in firsts]),
        *again,
    ]


def ready_again(setting: Setting, count: int) -> Figure:
    """That of the first crash alone."""
    return _ready_again([_crashes(setting, 1)[0] for _ in range(count)])


def _ready_again(crashes: list[Crash], number: int = 0) -> Figure:
    ready, raw = [crash.ready for crash in crashes], [crash.raw for crash in crashes]
    which = ("", ", second crash", ", third crash")[number]
    return ratio(f"kill -9 -> ready again / raw boot, same database{which}", ready, raw, 1.10)


class Crash(NamedTuple):
    """What follows a `kill -9`, in seconds after it; and a raw boot on a copy of the database."""

    dead: float
    told: float
    ready: float
    raw: float


def _crashes(setting: Setting, count: int) -> list[Crash]:
    """Kills a server so often, each time as soon as it was ready again and a raw boot was done."""
    with DevServer() as handle:
        events = handle.events()
        return [_crash(setting, handle, events) for _ in range(count)]


def _crash(setting: Setting, handle: DevServer, events: Iterator[Event]) -> Crash:
    status = handle.status()
    pid = running(status)
    at: dict[str, float] = {}
    with ThreadPoolExecutor(1) as executor:
        # Opened before the kill; the thread waits for it while this one waits for the event.
        dead = executor.submit(_death, os.pidfd_open(pid))
        since = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        while "ready" not in at:
            at.setdefault(next(events).kind, time.perf_counter() - since)
    folder = setting.fresh("crashed")
    copy_database(_path(status.db_path), folder / "crashed.db")
    raw = raw_boot(setting.command, folder / "crashed.db")
    return Crash(dead.result() - since, at["exited"], at["ready"], raw)


def supervisor(setting: Setting) -> list[Figure]:
    """`kill -9` of the supervisor: healed, compared with a cold start."""
    excess = []
    for _ in range(setting.times(8)):
        cold = cold_start()
        with DevServer() as handle:
            pid = handle.status().supervisor_pid
            assert pid is not None
            events = handle.events()
            began = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            for event in events:
                if event.kind == "ready":
                    excess.append(time.perf_counter() - began - cold)
                    break
    return [milliseconds("kill -9 of the supervisor: healed minus cold start", excess, 50)]


def workflow(setting: Setting) -> list[Figure]:
    """A workflow that is asked for in the instant of a `kill -9` of the server, and one before."""
    pairs = [asyncio.run(_workflows()) for _ in range(setting.times(8))]
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    extra = [b - a for a, b in zip(before, after, strict=True)]
    return [
        milliseconds("kill -9 -> first workflow done", after),
        milliseconds("  of it, more than the same workflow before", extra),
    ]


@asynccontextmanager
async def _at_work() -> AsyncIterator[tuple[AsyncDevServer, Client]]:
    """A server with a client and a worker, whose own log of lost connections is off."""
    quiet = Runtime(telemetry=TelemetryConfig(logging=None))
    async with AsyncDevServer() as server:
        client = await server.connect(runtime=quiet)
        async with worker(client, "q"):
            yield server, client


async def _workflows() -> tuple[float, float]:
    async with _at_work() as (server, client):

        async def run(identity: str) -> float:
            began = time.perf_counter()
            await client.execute_workflow(Steps.run, 1, id=identity, task_queue="q")
            return time.perf_counter() - began

        await run("warm")
        before = await run("before")
        os.kill(running(await server.status()), signal.SIGKILL)
        return before, await run("after")


def under_way(setting: Setting) -> list[Figure]:
    """A workflow of many activities whose server is killed three times, and one left alone."""
    left_alone = asyncio.run(_under_fire(0, 0))
    seconds = [asyncio.run(_under_fire(KILLS, seed)) for seed in range(setting.times(8))]
    extra = [(each - left_alone) / KILLS for each in seconds]
    name = "kill -9 under a workflow: what each costs it"
    return [milliseconds(name, extra, None, f"{KILLS} kills, {MANY} activities")]


async def _under_fire(kills: int, seed: int) -> float:
    dice = random.Random(seed)  # noqa: S311  # where the kills fall
    async with _at_work() as (server, client):
        began = time.perf_counter()
        handle = await client.start_workflow(Steps.run, MANY, id="long", task_queue="q")
        for _ in range(kills):
            await asyncio.sleep(dice.uniform(0.1, 0.4))  # anywhere in its life
            await server.kill()
            await server.wait_ready()
        await handle.result()
        return time.perf_counter() - began


def program(setting: Setting) -> list[Figure]:
    """`kill -9` of a program that has a server: nothing is left."""
    last: list[float] = []
    for _ in range(setting.times(10)):
        owner = Owner()
        traces = owner.traces()
        began = time.perf_counter()
        owner.kill()
        after = gone(traces, began, 10.0)
        last.append(max(seconds or math.inf for seconds in after.values()))
    return [milliseconds("kill -9 of the program -> nothing is left", last)]


def stop(setting: Setting) -> list[Figure]:
    """The end of a throw-away server: `close()` of the only handle returns when all is gone."""
    seconds = []
    for _ in range(setting.times(15)):
        handle = DevServer()
        handle.start()
        seconds.append(timed(handle.close))
    return [milliseconds("stop, throw-away", seconds, 25)]


def _death(descriptor: int) -> float:
    """Waits until the kernel calls the process of a pidfd dead; returns when that was."""
    try:
        select.select([descriptor], [], [], 10)
        return time.perf_counter()
    finally:
        os.close(descriptor)


def _path(path: str | None) -> Path:
    assert path is not None
    return Path(path)
