"""`pytest` in this folder runs it, with pytest-asyncio."""

from greeting import Greeting, compose
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker


async def test_it_greets(temporal_client: Client, temporal_task_queue: str) -> None:
    async with Worker(
        temporal_client, task_queue=temporal_task_queue, workflows=[Greeting], activities=[compose]
    ):
        greeting = await temporal_client.execute_workflow(
            Greeting.run, "World", id="greeting", task_queue=temporal_task_queue
        )
    assert greeting == "Hello, World!"


async def test_it_greets_by_a_mock(temporal_client: Client, temporal_task_queue: str) -> None:
    @activity.defn(name="compose")
    async def mocked(name: str) -> str:
        return f"mocked {name}"

    async with Worker(
        temporal_client, task_queue=temporal_task_queue, workflows=[Greeting], activities=[mocked]
    ):
        # The same id as above: every test has a namespace of its own.
        greeting = await temporal_client.execute_workflow(
            Greeting.run, "World", id="greeting", task_queue=temporal_task_queue
        )
    assert greeting == "mocked World"
