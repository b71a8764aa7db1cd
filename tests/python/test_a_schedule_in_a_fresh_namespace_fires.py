"""A namespace that was just created runs schedules.

The server gives each namespace a worker for them, for batch operations and worker deployments.
With `worker.perNamespaceWorkerCount=0` there is none; a schedule of CHASM fires all the same.
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


WITHOUT_WORKERS = {
    "worker.perNamespaceWorkerCount": 0,
    "history.enableCHASMSchedulerCreation": True,
    "history.chasmSchedulerCreationRolloutPercent": 100,
}
"""What `docs/pytest.md` says of schedules without the workers of namespaces."""


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.parametrize("config", [{}, WITHOUT_WORKERS], ids=["workers", "chasm, no workers"])
def test_a_schedule_fires(real_temporal: Path, config: dict[str, object]) -> None:
    with DevServer(executable=real_temporal, dynamic_config=config) as server:
        server.create_namespace("fresh")
        asyncio.run(asyncio.wait_for(fires(server.connect(namespace="fresh")), 30))
