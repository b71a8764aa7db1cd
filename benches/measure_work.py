"""Work: workflows against the CLI's memory mode, namespaces, and what an idle supervisor costs."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from figures import Figure, milliseconds, pairs, ratio
from raw_server import in_memory, raw_server
from setting import field
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from setting import Setting

PARALLEL = 20
STEPS = 5
WORKERS_A_SECOND = 10
"""How many namespaces get their system worker in a second."""


@activity.defn
async def step() -> int:
    """Does nothing."""
    return 1


@workflow.defn
class Steps:
    """Some activities, one after the other."""

    @workflow.run
    async def run(self) -> int:
        """Counts them."""
        limit = timedelta(seconds=30)
        done = [
            await workflow.execute_activity(step, start_to_close_timeout=limit)
            for _ in range(STEPS)
        ]
        return sum(done)


async def _work(address: str) -> float:
    """Seconds for the workflows, all at once; one before them warms up."""
    client = await Client.connect(address)
    queue = uuid4().hex

    def run() -> asyncio.Task[int]:
        return asyncio.ensure_future(
            client.execute_workflow(Steps.run, id=uuid4().hex, task_queue=queue)
        )

    async with Worker(
        client,
        task_queue=queue,
        workflows=[Steps],
        activities=[step],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await run()
        began = time.perf_counter()
        results = await asyncio.gather(*(run() for _ in range(PARALLEL)))
        assert results == [STEPS] * PARALLEL
        return time.perf_counter() - began


def workflows(setting: Setting) -> list[Figure]:
    """Parallel workflows on our default, and in the memory mode, each on a fresh server."""
    memory = in_memory(setting.command)

    def on_ours() -> float:
        with DevServer() as server:
            return asyncio.run(_work(server.address))

    def on_memory() -> float:
        with raw_server(memory, None) as (address, _):
            return asyncio.run(_work(address))

    ours, theirs = pairs(setting.times(15), on_ours, on_memory)
    return [ratio(f"{PARALLEL} parallel workflows / memory mode", ours, theirs, 1.10)]


def namespaces(setting: Setting) -> list[Figure]:
    """`create_namespace()`, which returns when the namespace takes workflows."""
    seconds = []
    with DevServer() as server:
        for number in range(setting.times(50)):
            began = time.perf_counter()
            server.create_namespace(f"bench-{number}")
            seconds.append(time.perf_counter() - began)
    return [milliseconds("a fresh namespace", seconds, 10)]


def memory_of_namespaces(setting: Setting) -> list[Figure]:
    """What a namespace costs the server, with and without the worker that runs its schedules."""
    count = setting.times(100)
    figures = []
    for note, config in (("", {}), ("no schedules", {"worker.perNamespaceWorkerCount": 0})):
        with DevServer(dynamic_config=config) as server:
            before = _resident(server.status().pid)
            for number in range(count):
                server.create_namespace(f"bench-{number}")
            time.sleep(count / WORKERS_A_SECOND + 2)  # no sign tells when all of them have started
            grown = (_resident(server.status().pid) - before) / count
        figures.append(Figure("memory of a namespace in the server", "MB", [grown], None, note))
    return figures


def _resident(pid: int | None) -> float:
    return field(Path(f"/proc/{pid}/status").read_text(), "VmRSS") / 1024


def idle(setting: Setting) -> list[Figure]:
    """The supervisor of a server that nobody asks for anything."""
    seconds = 1.0 if setting.quick else 10.0
    with DevServer() as server:
        pid = server.status().supervisor_pid
        time.sleep(0.5)
        began = _cpu(pid)
        time.sleep(seconds)  # what is measured is this time, not something to wait for
        cpu = (_cpu(pid) - began) / seconds
        status = Path(f"/proc/{pid}/status").read_text()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    private = field(rollup, "Private_Clean") + field(rollup, "Private_Dirty")
    return [
        Figure("supervisor, idle: resident", "MB", [field(status, "VmRSS") / 1024], 12),
        Figure("supervisor, idle: private", "MB", [private / 1024], 6),
        Figure("supervisor, idle: threads", "", [field(status, "Threads")], 1),
        Figure("supervisor, idle: processor", "%", [cpu * 100], 0.1, f"over {seconds:g} s"),
    ]


def _cpu(pid: int | None) -> float:
    """Seconds of processor that the process has used: in nanoseconds, as the scheduler counts."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
