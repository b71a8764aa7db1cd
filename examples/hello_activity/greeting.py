"""A workflow that lets an activity greet somebody."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def compose(name: str) -> str:
    """Returns a greeting."""
    return f"Hello, {name}!"


@workflow.defn
class Greeting:
    """Greets."""

    @workflow.run
    async def run(self, name: str) -> str:
        """Returns what the activity composed."""
        return await workflow.execute_activity(
            compose, name, start_to_close_timeout=timedelta(seconds=10)
        )
