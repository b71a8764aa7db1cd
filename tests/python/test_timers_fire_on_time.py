"""A short timer fires on time: no cluster has to be spared here.

Without `history.timerProcessorMaxTimeShift` each timer, and each new try of an activity, takes at
least a second; without `history.timerProcessorMaxPollRPS` a timer that follows others fires late.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Worker

from temporal_devserver import AsyncDevServer

if TYPE_CHECKING:
    from pathlib import Path

TIMERS = 40
BURST = 20
"""Timers that do not count: the limit of the server itself lets so many reads pass at once."""

NAP = timedelta(milliseconds=10)


@workflow.defn(sandboxed=False)
class Naps:
    """Sleeps a moment, some times over."""

    @workflow.run
    async def run(self) -> None:
        """Sleeps."""
        for _ in range(TIMERS):
            await workflow.sleep(NAP)


async def lateness(executable: Path) -> list[float]:
    """Returns how late each timer fired by the server's own clock, in seconds."""
    async with AsyncDevServer(executable=executable) as server:
        client = await server.connect()
        async with Worker(client, task_queue="q", workflows=[Naps]):
            handle = await client.start_workflow(Naps.run, id="naps", task_queue="q")
            await handle.result()
        events = (await handle.fetch_history()).events
    kinds = {EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_TIMER_FIRED}
    times = [event.event_time.ToDatetime() for event in events if event.event_type in kinds]
    return [(fired - started - NAP).total_seconds() for started, fired in pairwise(times)][::2]


@pytest.mark.real_server
def test_a_timer_fires_on_time(real_temporal: Path) -> None:
    late = asyncio.run(lateness(real_temporal))
    assert len(late) == TIMERS
    # A busy machine delays some; the two settings delay each of them, by 60 ms and more.
    assert min(late[BURST:]) < 0.04, late
