"""The workflow that runs through it all: two activities and a timer between them."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow

ACTIVITIES = 2


@activity.defn
async def double(number: int) -> int:
    """Doubles."""
    return 2 * number


@workflow.defn(sandboxed=False)
class Flow:
    """Doubles, sleeps, doubles."""

    @workflow.run
    async def run(self, number: int) -> int:
        """Returns four times the number."""
        first = await self._double(number)
        await workflow.sleep(1 + number % 3)
        return await self._double(first)

    async def _double(self, number: int) -> int:
        result: int = await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=5)
        )
        return result


def right_result(number: int) -> int:
    """Returns what the workflow has to return."""
    return 4 * number
