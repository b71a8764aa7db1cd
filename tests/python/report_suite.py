"""Workflows and tests for `test_a_report_draws_a_real_run.py`, which runs them as a suite."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from temporalio.client import Client

SOON = RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=3)
TIMEOUT = timedelta(seconds=30)


@activity.defn
async def charge(order: str) -> str:
    """Charges; the first two times nobody answers."""
    if activity.info().attempt < 3 or order == "refused":
        message = "the bank <b>does not answer</b>"
        raise ConnectionError(message)
    return "receipt"


@activity.defn
async def courier(_order: str) -> str:
    """Is completed by somebody else, in another life."""
    activity.raise_complete_async()


@workflow.defn(sandboxed=False)
class Ship:
    """Ships, some time."""

    @workflow.run
    async def run(self, _order: str) -> str:
        """Runs."""
        await workflow.sleep(0.05)
        return "shipped"


@workflow.defn(sandboxed=False)
class Order:
    """Charges, is approved, has a child."""

    def __init__(self) -> None:
        self._approved = False

    @workflow.signal
    def approve(self) -> None:
        """Goes on."""
        self._approved = True

    @workflow.run
    async def run(self, order: str) -> str:
        """Runs."""
        await workflow.execute_activity(
            charge, order, start_to_close_timeout=TIMEOUT, retry_policy=SOON
        )
        await workflow.wait_condition(lambda: self._approved)
        result: str = await workflow.execute_child_workflow(
            Ship.run, order, id=f"ship-{order}", task_queue=workflow.info().task_queue
        )
        return result


@workflow.defn(sandboxed=False)
class Waiting:
    """Waits for a courier, an hour at most."""

    @workflow.run
    async def run(self, order: str) -> str:
        """Runs."""
        hour = asyncio.ensure_future(workflow.sleep(3600))
        result: str = await workflow.execute_activity(
            courier, order, start_to_close_timeout=TIMEOUT
        )
        hour.cancel()
        return result


def with_worker(client: Client, queue: str, work: Awaitable[Any]) -> None:
    """Does something while a worker runs."""

    async def main() -> None:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[Order, Ship, Waiting],
            activities=[charge, courier],
        ):
            await work

    asyncio.run(main())


def test_delivered(temporal_client: Client, temporal_task_queue: str) -> None:
    async def order() -> None:
        handle = await temporal_client.start_workflow(
            Order.run, "1", id="<b>Ö & co</b>", task_queue=temporal_task_queue
        )
        await handle.signal(Order.approve)
        assert await handle.result() == "shipped"

    with_worker(temporal_client, temporal_task_queue, order())


def test_refused(temporal_client: Client, temporal_task_queue: str) -> None:
    order = temporal_client.execute_workflow(
        Order.run, "refused", id="refused", task_queue=temporal_task_queue
    )
    with_worker(temporal_client, temporal_task_queue, order)


def test_waiting(temporal_client: Client, temporal_task_queue: str) -> None:
    async def wait() -> None:
        handle = await temporal_client.start_workflow(
            Waiting.run, "3", id="waiting", task_queue=temporal_task_queue
        )
        while not (await handle.describe()).raw_description.pending_activities:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    with_worker(temporal_client, temporal_task_queue, wait())


def test_lonely(temporal_client: Client, temporal_task_queue: str) -> None:
    started = temporal_client.start_workflow("Any", id="lonely", task_queue=temporal_task_queue)
    asyncio.run(started)


def test_without_temporal() -> None:
    assert {1}


@pytest.mark.skip(reason="later")
def test_skipped() -> None:
    raise NotImplementedError
