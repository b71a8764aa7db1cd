"""`connect()` on both faces with a worker; what is added at attach can be used at once."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from flows import Steps, double
from temporal_devserver import AsyncDevServer, DevServer

CUSTOMER = SearchAttributeKey.for_keyword("customer")
NUMBER = SearchAttributeKey.for_int("number")


async def work(client: Client) -> None:
    async with Worker(client, task_queue="q", workflows=[Steps], activities=[double]):
        result = await client.execute_workflow(
            Steps.run, args=[4, 0.01], id=str(uuid.uuid4()), task_queue="q"
        )
        assert result == 16


@pytest.mark.real_server
def test_blocking_face(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal, namespaces=["mine"]) as server:
        client = server.connect()
        assert client.namespace == "mine"
        asyncio.run(work(client))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, work(client)).result(30)

        async def within_a_loop() -> None:
            await work(server.connect(namespace="default", identity="me"))

        asyncio.run(within_a_loop())


@pytest.mark.real_server
def test_async_face(real_temporal: Path) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=real_temporal) as server:
            await work(await server.connect())
            await server.create_namespace("fresh")
            await work(await server.connect(namespace="fresh"))

    asyncio.run(main())


@pytest.mark.real_server
def test_attribute_added_at_attach(real_temporal: Path) -> None:
    async def main() -> None:
        first = AsyncDevServer("attributes", executable=real_temporal)
        await first.start()
        second = AsyncDevServer(
            "attributes", search_attributes=[CUSTOMER, NUMBER], namespaces=["new"]
        )
        await second.start()
        client = await second.connect()
        assert client.namespace == "new"
        wanted = TypedSearchAttributes(
            [SearchAttributePair(CUSTOMER, "me"), SearchAttributePair(NUMBER, 7)]
        )
        # At once, without a try again.
        found = [each.id async for each in client.list_workflows("customer = 'me' AND number = 7")]
        assert found == []
        await client.start_workflow("W", id="w", task_queue="none", search_attributes=wanted)
        for _ in range(100):
            query = "customer = 'me' AND number = 7"
            found = [each.id async for each in client.list_workflows(query)]
            if found:
                break
            await asyncio.sleep(0.02)
        assert found == ["w"]
        await second.create_namespace("later")
        client = await second.connect(namespace="later")
        await client.start_workflow("W", id="w", task_queue="none", search_attributes=wanted)
        await second.close()
        await first.close()

    asyncio.run(main())


@pytest.mark.real_server
def test_attributes_survive_a_crash_of_all(real_temporal: Path) -> None:
    with DevServer(
        executable=real_temporal, namespaces=["a"], search_attributes={"customer": "Keyword"}
    ) as server:
        server.kill()
        server.wait_ready(20)
        client = server.connect()

        async def search() -> list[str]:
            return [each.id async for each in client.list_workflows("customer = 'me'")]

        assert asyncio.run(search()) == []
