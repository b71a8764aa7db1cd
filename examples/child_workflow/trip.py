"""A workflow whose children try again."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

ONCE_MORE = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=3)


@activity.defn
async def book(what: str) -> str:
    """Books; the first two times nobody answers the phone."""
    if activity.info().attempt < 3:
        message = "nobody answers"
        raise ConnectionError(message)
    return f"{what} booked"


@workflow.defn
class Booking:
    """Books one thing."""

    @workflow.run
    async def run(self, what: str) -> str:
        """Returns the confirmation."""
        return await workflow.execute_activity(
            book, what, start_to_close_timeout=timedelta(seconds=10), retry_policy=ONCE_MORE
        )


@workflow.defn
class Trip:
    """Books a trip, each part of it in a child workflow."""

    @workflow.run
    async def run(self, parts: list[str]) -> list[str]:
        """Returns the confirmations."""
        return [
            await workflow.execute_child_workflow(Booking.run, part, id=f"booking-{part}")
            for part in parts
        ]
