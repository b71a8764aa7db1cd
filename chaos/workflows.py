"""In the end: every workflow whose start was acknowledged has ended, rightly, and exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import EventType

from .flow import ACTIVITIES, right_result

if TYPE_CHECKING:
    from temporalio.client import Client

    from .prober import Prober
    from .world import World

PATIENCE = 60.0
"""Seconds within which the last workflow has to end."""

AT_ONCE = 20
"""Workflows that are looked at at once."""


def lost(world: World, prober: Prober) -> tuple[int, list[str]]:
    """Returns how many workflows were acknowledged, and what is wrong with any of them."""
    numbers = [int(line) for line in world.acknowledged.read_text().splitlines()]
    return len(numbers), asyncio.run(_check_all(prober, numbers))


async def _check_all(prober: Prober, numbers: list[int]) -> list[str]:
    client = await prober.connect()
    turns = asyncio.Semaphore(AT_ONCE)
    until = asyncio.get_running_loop().time() + PATIENCE

    async def check(number: int) -> str:
        async with turns:
            left = max(1.0, until - asyncio.get_running_loop().time())
            try:
                return await asyncio.wait_for(_check(client, number), left)
            except asyncio.TimeoutError:
                return f"workflow chaos-{number} did not end within {PATIENCE:g} s"
            except Exception as error:  # whatever it is, the workflow is lost
                return f"workflow chaos-{number}: {type(error).__name__}: {error}"

    return [wrong for wrong in await asyncio.gather(*map(check, numbers)) if wrong]


async def _check(client: Client, number: int) -> str:
    """Returns what is wrong with one workflow, or nothing."""
    handle = client.get_workflow_handle(f"chaos-{number}")
    result = await handle.result(rpc_timeout=timedelta(seconds=PATIENCE))
    if result != right_result(number):
        return f"workflow chaos-{number} returned {result}, and not {right_result(number)}"
    ended, completions = 0, Counter[int]()
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            ended += 1
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            completions[event.activity_task_completed_event_attributes.scheduled_event_id] += 1
    if ended != 1 or [*completions.values()] != [1] * ACTIVITIES:
        return f"the history of chaos-{number} has {ended} ends, and completions {completions}"
    return ""
