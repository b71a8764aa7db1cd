"""The workflow of the demo: an order of six steps and a timer. Nothing in it knows of crashes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from temporalio import activity, workflow

BEFORE_TIMER = ("reserve stock", "charge card", "pack parcel")
AFTER_TIMER = ("call courier", "send invoice", "close order")
TIMER = timedelta(seconds=1.5)
RECEIPTS = [f"{step}: done" for step in BEFORE_TIMER + AFTER_TIMER]
"""The right result."""


@workflow.defn
class Order:
    """Does all steps in their order, and rests in the middle."""

    @workflow.run
    async def run(self) -> list[str]:
        """Returns the receipts."""
        receipts = [await self._do(step) for step in BEFORE_TIMER]
        await workflow.sleep(TIMER)
        return receipts + [await self._do(step) for step in AFTER_TIMER]

    async def _do(self, step: str) -> str:
        receipt: str = await workflow.execute_activity(
            "do", step, start_to_close_timeout=timedelta(seconds=3)
        )
        return receipt


class Desk:
    """Where the steps are done; it tells which one is done, and how long after it was asked for."""

    def __init__(self) -> None:
        self.done: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    @activity.defn
    async def do(self, step: str) -> str:
        """Does one step; returns its receipt."""
        await asyncio.sleep(0.2)
        asked = activity.info().current_attempt_scheduled_time
        self.done.put_nowait((step, (datetime.now(timezone.utc) - asked).total_seconds()))
        return f"{step}: done"
