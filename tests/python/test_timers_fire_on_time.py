"""A short timer takes its time and not much more: no cluster has to be spared here.

Without `history.timerProcessorMaxTimeShift` each timer, and each new try of an activity, takes at
least a second; without `history.timerProcessorMaxPollRPS` one after the other takes 0.2 s.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

TIMERS = 30
CRITERION = 0.5
"""Seconds for the workflow below; at 0.2 s for each timer it takes six."""


@workflow.defn(sandboxed=False)
class Naps:
    """Sleeps a moment, some times over."""

    @workflow.run
    async def run(self) -> None:
        """Sleeps."""
        for _ in range(TIMERS):
            await workflow.sleep(timedelta(milliseconds=10))


@pytest.mark.real_server
def test_timers_fire_on_time(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal) as server:
        client = server.connect()

        async def took() -> float:
            async with Worker(client, task_queue="q", workflows=[Naps]):
                began = time.monotonic()
                await client.execute_workflow(Naps.run, id="naps", task_queue="q")
                return time.monotonic() - began

        assert asyncio.run(took()) < 10 * CRITERION
