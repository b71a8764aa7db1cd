"""The workflow that is interrupted: a timer between two activities."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def double(number: int) -> int:
    """Doubles."""
    return 2 * number


@workflow.defn(sandboxed=False)
class Steps:
    """Doubles, sleeps, doubles."""

    @workflow.run
    async def run(self, number: int, seconds: float) -> int:
        """Runs."""
        first = await self.double(number)
        await workflow.sleep(seconds)
        return await self.double(first)

    async def double(self, number: int) -> int:
        """Has it doubled by an activity."""
        result: int = await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=5)
        )
        return result
