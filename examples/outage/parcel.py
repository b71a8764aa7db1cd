"""A workflow that takes its time: what happens to it when the server goes away?"""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def pack(what: str) -> str:
    """Packs."""
    return f"{what} packed"


@activity.defn
async def send(what: str) -> str:
    """Sends."""
    return f"{what}, sent"


@workflow.defn
class Parcel:
    """Packs, waits, sends."""

    @workflow.run
    async def run(self, what: str) -> str:
        """Returns what became of it."""
        limit = timedelta(seconds=5)
        packed = await workflow.execute_activity(pack, what, start_to_close_timeout=limit)
        await asyncio.sleep(1)  # a timer of the server: it goes on while the worker is away
        return await workflow.execute_activity(send, packed, start_to_close_timeout=limit)
