"""The workflows that are in a database while versions change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio import activity, workflow
from temporalio.worker import Worker

if TYPE_CHECKING:
    from temporalio.client import Client

QUEUE = "compat"


@activity.defn
async def double(number: int) -> int:
    """Doubles."""
    return 2 * number


@workflow.defn(sandboxed=False)
class Waits:
    """Doubles, waits for a signal, doubles."""

    def __init__(self) -> None:
        self.is_told = False

    @workflow.run
    async def run(self, number: int) -> int:
        """Runs."""
        limit = timedelta(seconds=20)
        half = await workflow.execute_activity(double, number, start_to_close_timeout=limit)
        await workflow.wait_condition(lambda: self.is_told)
        return await workflow.execute_activity(double, half, start_to_close_timeout=limit)

    @workflow.signal
    def go_on(self) -> None:
        """Ends the waiting."""
        self.is_told = True


@workflow.defn(sandboxed=False)
class Sleeps:
    """Sleeps."""

    @workflow.run
    async def run(self, seconds: float) -> str:
        """Runs."""
        await workflow.sleep(seconds)
        return "slept"


def worker(client: Client) -> Worker:
    """Returns a worker for them."""
    return Worker(client, task_queue=QUEUE, workflows=[Waits, Sleeps], activities=[double])
