"""`pytest` in this folder runs it, with pytest-asyncio: what your code does when its server dies.

`temporal_private_server` is the test's own, so nobody else is disturbed.
"""

import asyncio
from pathlib import Path

from parcel import Parcel, pack, send
from temporalio.client import Client
from temporalio.worker import Worker

from temporal_devserver import DevServer


async def test_a_worker_survives_an_outage(
    temporal_private_server: DevServer, temporal_private_client: Client, temporal_task_queue: str
) -> None:
    client, queue = temporal_private_client, temporal_task_queue
    async with Worker(client, task_queue=queue, workflows=[Parcel], activities=[pack, send]):
        with temporal_private_server.outage():  # killed, and kept down until the block ends
            await asyncio.sleep(0.5)  # the worker polls in vain
        parcel = await client.execute_workflow(Parcel.run, "book", id="parcel", task_queue=queue)
    assert parcel == "book packed, sent"


async def test_everything_begins_as_it_was_seeded(
    temporal_private_server: DevServer,
    temporal_private_client: Client,
    temporal_task_queue: str,
    tmp_path: Path,
) -> None:
    client, queue = temporal_private_client, temporal_task_queue
    snapshot = tmp_path / "seeded.db"
    async with Worker(client, task_queue=queue, workflows=[Parcel], activities=[pack, send]):
        await client.execute_workflow(Parcel.run, "seed", id="seed", task_queue=queue)
    temporal_private_server.snapshot(snapshot)
    await client.start_workflow(Parcel.run, "later", id="later", task_queue=queue)
    temporal_private_server.restore(snapshot)  # a worker that caches workflows is to be made anew
    assert [workflow.id async for workflow in client.list_workflows()] == ["seed"]
