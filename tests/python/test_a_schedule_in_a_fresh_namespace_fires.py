"""A namespace that was just created runs schedules; with `worker.perNamespaceWorkerCount=0` none.

The server gives each namespace a worker for that, which costs more than a megabyte.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)

from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from temporalio.client import Client

SECONDLY = Schedule(
    action=ScheduleActionStartWorkflow("Any", id="scheduled", task_queue="nobody"),
    spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=1))]),
)


async def fires(client: Client) -> None:
    schedule = await client.create_schedule("secondly", SECONDLY)
    while not (await schedule.describe()).info.num_actions:  # noqa: ASYNC110  # only it knows
        await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.real_server
def test_a_schedule_fires(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal) as server:
        server.create_namespace("fresh")
        asyncio.run(asyncio.wait_for(fires(server.connect(namespace="fresh")), 30))
