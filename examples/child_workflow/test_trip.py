"""`pytest` in this folder runs it, with pytest-asyncio."""

from temporalio.client import Client
from temporalio.worker import Worker
from trip import Booking, Trip, book


async def test_every_part_is_booked(temporal_client: Client, temporal_task_queue: str) -> None:
    async with Worker(
        temporal_client,
        task_queue=temporal_task_queue,
        workflows=[Trip, Booking],
        activities=[book],
    ):
        booked = await temporal_client.execute_workflow(
            Trip.run, ["flight", "hotel"], id="trip", task_queue=temporal_task_queue
        )
    assert booked == ["flight booked", "hotel booked"]
