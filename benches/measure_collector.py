"""The garbage collector of the server: what each `GOGC` costs a boot, and memory under load.

Go collects when the memory has grown by so many percent since the last time. The settings take
turns, so that other work on the machine meets all of them alike.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from figures import Figure, ratio
from setting import field, processor, running
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from setting import Setting

SETTINGS: dict[str, dict[str, str]] = {
    "GOGC=100": {"GOGC": "100"},
    "GOGC=200": {"GOGC": "200"},
    "GOGC=400": {"GOGC": "400"},
    "GOGC=400 GOMEMLIMIT=256MiB": {"GOGC": "400", "GOMEMLIMIT": "256MiB"},
}
"""What is compared, by its name; the first is what Go does where nothing is set."""

WORKFLOWS, PAYLOAD, AT_ONCE = 300, 100_000, 10


@workflow.defn
class Large:
    """Takes a large payload."""

    @workflow.run
    async def run(self, payload: str) -> int:
        """Returns its length."""
        return len(payload)


def boots(setting: Setting) -> list[Figure]:
    """Raw boots: the time, and the processor, which other work on the machine lengthens less."""
    seconds: dict[str, list[float]] = {name: [] for name in SETTINGS}
    used: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(setting.times(15)):
        for name, variables in SETTINGS.items():
            before = _processor_of_children()
            with patch.dict(os.environ, variables):
                seconds[name].append(setting.raw_boot())
            used[name].append(_processor_of_children() - before)
    plain, *others = SETTINGS
    return [
        ratio(f"{what}, {name} / {plain}", values[name], values[plain])
        for what, values in {"boot": seconds, "processor of a boot": used}.items()
        for name in others
    ]


def _processor_of_children() -> float:
    """Returns the seconds of processor of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(setting: Setting) -> list[Figure]:
    """The memory of a server when it was largest, while workflows with large payloads ran."""
    largest: dict[str, list[float]] = {name: [] for name in SETTINGS}
    used: dict[str, list[float]] = {name: [] for name in SETTINGS}
    for _ in range(setting.times(3)):
        for name, variables in SETTINGS.items():
            with patch.dict(os.environ, variables), DevServer() as server:
                pid = running(server.status())
                asyncio.run(_load(server.address, 1 if setting.quick else WORKFLOWS))
                status = Path(f"/proc/{pid}/status").read_text()
                largest[name].append(field(status, "VmHWM") / 1024)
                used[name].append(processor(pid))
    load = f"{WORKFLOWS} workflows of {PAYLOAD // 1000} kB"
    figures = []
    for name, sizes in largest.items():
        note = f"{statistics.median(used[name]):.1f} s of processor"
        figures.append(Figure(f"memory, {load}, {name}", "MiB", sizes, None, note))
    return figures


async def _load(address: str, count: int) -> None:
    client = await Client.connect(address)
    payload = "x" * PAYLOAD
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="q", workflows=[Large], workflow_runner=runner):
        numbers = iter(range(count))

        async def some() -> None:
            for number in numbers:
                identity = f"w{number}"
                await client.execute_workflow(Large.run, payload, id=identity, task_queue="q")

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
