"""`pytest` in this folder runs it, with pytest-asyncio."""

from basket import Basket
from temporalio.client import Client
from temporalio.worker import Worker


async def test_it_collects(temporal_client: Client, temporal_task_queue: str) -> None:
    async with Worker(temporal_client, task_queue=temporal_task_queue, workflows=[Basket]):
        basket = await temporal_client.start_workflow(
            Basket.run, id="basket", task_queue=temporal_task_queue
        )
        await basket.signal(Basket.put, "apple")
        await basket.signal(Basket.put, "pear")
        assert await basket.query(Basket.count) == 2
        await basket.signal(Basket.check_out)
        assert await basket.result() == ["apple", "pear"]
