"""Work: workflows against the CLI's memory and file modes, namespaces, and their price."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
)
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from figures import Figure, milliseconds, pairs, ratio, timed
from raw_server import plain, raw_server
from setting import processor, resident, running
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from setting import Setting

PARALLEL = 20
STEPS = 5
TOGETHER = f"{PARALLEL} parallel workflows"
WORKERS_A_SECOND = 10
"""How many namespaces get their system worker in a second."""

SCHEDULERS: dict[str, dict[str, object]] = {
    "": {},
    ", perNamespaceWorkerStartRate=100": {"worker.perNamespaceWorkerStartRate": 100},
    ", CHASM": {
        "history.enableCHASMSchedulerCreation": True,
        "history.chasmSchedulerCreationRolloutPercent": 100,
    },
}
"""What decides when the schedules of a fresh namespace fire."""

SCHEDULES: dict[str, dict[str, object]] = {
    "": {},
    ", no schedules": {"worker.perNamespaceWorkerCount": 0},
}
"""Configurations with and without the worker of each namespace."""


@activity.defn
async def step() -> int:
    """Does nothing."""
    return 1


@workflow.defn
class Steps:
    """Some activities, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Counts them."""
        limit = timedelta(seconds=30)
        done = [
            await workflow.execute_activity(step, start_to_close_timeout=limit)
            for _ in range(count)
        ]
        return sum(done)


@workflow.defn
class Naps:
    """Some timers, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Counts them."""
        for _ in range(count):
            await workflow.sleep(timedelta(milliseconds=10))
        return count


ALONE: dict[str, tuple[type[Steps | Naps], int, int]] = {
    "one workflow alone": (Steps, 1, 10),
    "one workflow alone, three activities": (Steps, 3, 5),
    "one workflow alone, ten timers of 10 ms": (Naps, 10, 1),
}
"""By name: a workflow, how many steps it takes, and how often it is executed."""


def worker(client: Client, queue: str) -> Worker:
    """Returns a worker for them."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[Steps, Naps],
        activities=[step],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def use(address: str, namespace: str) -> None:
    """Does in a namespace what a small test does: a worker, and one workflow with an activity."""
    client = await Client.connect(address, namespace=namespace)
    async with worker(client, "q"):
        assert await client.execute_workflow(Steps.run, 1, id="w", task_queue="q") == 1


async def _work(address: str) -> dict[str, float]:
    """Returns the seconds for all workflows at once, and for each alone; one before warms up."""
    client = await Client.connect(address)
    queue = uuid4().hex

    async def run(kind: type[Steps | Naps], steps: int) -> float:
        began = time.perf_counter()
        identity = uuid4().hex
        done = await client.execute_workflow(kind.run, steps, id=identity, task_queue=queue)
        assert done == steps
        return time.perf_counter() - began

    async with worker(client, queue):
        await run(Steps, STEPS)
        began = time.perf_counter()
        await asyncio.gather(*(run(Steps, STEPS) for _ in range(PARALLEL)))
        took = {TOGETHER: time.perf_counter() - began}
        for name, (kind, steps, times) in ALONE.items():
            took[name] = statistics.median([await run(kind, steps) for _ in range(times)])
        return took


def workflows(setting: Setting) -> list[Figure]:
    """Workflows on our default, in the CLI's memory mode and in its file mode, on fresh servers."""
    figures = []
    for mode, count, other, target in [
        ("memory mode", 15, _on_memory, 1.10),
        ("the CLI's file mode", 3, _on_file, None),
    ]:
        ours, theirs = pairs(setting.times(count), _on_ours, partial(other, setting))
        for name in (TOGETHER, *ALONE):
            left, right = ([each[name] for each in side] for side in (ours, theirs))
            wanted = target if name == TOGETHER else None
            figures.append(ratio(f"{name} / {mode}", left, right, wanted))
        if count > 3:
            rates = [PARALLEL / each[TOGETHER] for each in ours]
            figures.append(Figure("workflows a second, five activities each", "/s", rates))
    return figures


def _on_ours() -> dict[str, float]:
    with DevServer() as server:
        return asyncio.run(_work(server.address))


def _on_memory(setting: Setting) -> dict[str, float]:
    with raw_server(plain(setting.executable), None) as (address, _):
        return asyncio.run(_work(address))


def _on_file(setting: Setting) -> dict[str, float]:
    command = [*plain(setting.executable), "--db-filename", ""]
    with raw_server(command, setting.fresh("file") / "new.db") as (address, _):
        return asyncio.run(_work(address))


def namespaces(setting: Setting) -> list[Figure]:
    """`create_namespace()`, which returns when the namespace takes workflows."""
    with DevServer() as server:
        names = [f"bench-{number}" for number in range(setting.times(50))]
        seconds = [timed(server.create_namespace, name) for name in names]
    return [milliseconds("a fresh namespace", seconds, 10)]


def memory_of_namespaces(setting: Setting) -> list[Figure]:
    """What a namespace costs the server, with and without the worker that runs its schedules."""
    count = setting.times(100)
    figures = []
    for kind, config in SCHEDULES.items():
        with DevServer(dynamic_config=config) as server:
            before = resident(running(server.status()))
            for number in range(count):
                server.create_namespace(f"bench-{number}")
            time.sleep(count / WORKERS_A_SECOND + 2)  # no sign tells when all of them have started
            grown = (resident(running(server.status())) - before) / count
        figures.append(Figure(f"memory of a namespace in the server, unused{kind}", "MiB", [grown]))
    return figures


def schedules(setting: Setting) -> list[Figure]:
    """How late the first actions of schedules are, in every tenth namespace of a burst."""
    names = [f"n{number}" for number in range(setting.times(100))]
    late: dict[str, list[float]] = {kind: [] for kind in SCHEDULERS}
    used: dict[str, list[float]] = {kind: [] for kind in SCHEDULERS}
    for _ in range(setting.times(3)):
        for kind, config in SCHEDULERS.items():
            with DevServer(dynamic_config=config) as server:
                for name in names:
                    server.create_namespace(name)
                late[kind] += asyncio.run(_first_actions(server.address, names[::10]))
                used[kind].append(processor(running(server.status())))
    figures = []
    for kind, seconds in late.items():
        note = f"{statistics.median(used[kind]):.1f} s of processor until then"
        name = f"a burst of {len(names)} namespaces, then schedules: first actions{kind}"
        figures.append(Figure(name, "s", seconds, None, note))
    return figures


async def _first_actions(address: str, names: list[str]) -> list[float]:
    """Returns, for each namespace, the seconds until a new schedule has started its workflow."""
    return await asyncio.gather(*(_first_action(address, name) for name in names))


async def _first_action(address: str, namespace: str) -> float:
    """Returns the seconds from the creation of a schedule to the workflow that it starts."""
    client = await Client.connect(address, namespace=namespace)
    action = ScheduleActionStartWorkflow("Any", id="scheduled", task_queue="none")
    began = time.perf_counter()
    await client.create_schedule(
        "s", Schedule(action=action, spec=ScheduleSpec()), trigger_immediately=True
    )
    query = "TemporalScheduledById = 's'"
    while not (await client.count_workflows(query)).count:  # noqa: ASYNC110  # only it knows
        await asyncio.sleep(0.01)
    return time.perf_counter() - began
