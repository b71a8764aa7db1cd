"""What is put into a database, and what must still be possible when another version has opened it.

Everything is asked with a deadline of its own: where a table is missing, a server answers that it
is unavailable, and the SDK would ask again for a minute.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from compat.flows import QUEUE, Sleeps, Waits, double, worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CUSTOMER = SearchAttributePair(SearchAttributeKey.for_keyword("Customer"), "c1")
BRIEF = timedelta(seconds=10)
PATIENCE = 30.0

SYSTEM = (
    "TemporalUsedWorkerDeploymentVersions",
    "TemporalReportedProblems",
    "TemporalExternalPayloadCount",
)
"""Columns that came with some version, which the server searches by itself and people may."""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until something is so; whoever calls has a deadline."""
    while not await condition():  # noqa: ASYNC110  # nobody here could set an event
        await asyncio.sleep(0.05)


async def make(client: Client) -> bool:
    """Fills the new database of a running server; tells whether it can have an activity alone."""
    await _attribute(client, "Customer")
    await _namespace(client, "made")

    async def can_start() -> bool:
        try:
            await _waiting(client, "done")
        except RPCError:  # the attribute is known a moment later
            return False
        return True

    async with worker(client):
        await until(can_start)
        await _told(client, "done")
        for name in ("there", "back"):
            await _waiting(client, name)
        await _schedule(client, "every-second")
        await client.start_workflow(Sleeps.run, 3.0, id="sleeps", task_queue=QUEUE)
        try:
            await _activity(client, "made")
        except RPCError:
            return False
    return True


async def check(client: Client, way: str, *, has_activity: bool) -> dict[str, str]:
    """Tries all that must be possible `there`, or `back` again; returns what is not, and why."""
    wrong: dict[str, str] = {}

    async def attempt(what: str, work: Awaitable[object]) -> None:
        try:
            await asyncio.wait_for(work, PATIENCE)
        except asyncio.TimeoutError:
            wrong[f"{what} (not in {PATIENCE:g} s)"] = ""
        except Exception as error:  # whatever it is, it is what is looked for
            wrong[what] = f"{type(error).__name__}: {error}"

    async with worker(client):
        await attempt("workflows listed", _counted(client, "Customer = 'c1'", 3))
        await attempt("results of before", client.get_workflow_handle("done").result())
        await attempt("workflows of before", _told(client, way))
        await attempt("timers of before", client.get_workflow_handle("sleeps").result())
        await attempt("schedules of before", _fires(client, "every-second"))
        if has_activity:
            await attempt("activities of before", _listed(client, "made"))
        if way == "back":
            await attempt("workflows in between", _told(client, "new-there"))
            await attempt("schedules in between", _fires(client, "schedule-there"))
        await attempt("new workflows", _waiting(client, f"new-{way}"))
        await attempt("new schedules", _schedule(client, f"schedule-{way}"))
        await attempt("new schedules", _fires(client, f"schedule-{way}"))
        await attempt("new namespaces", _namespace(client, way))
        await attempt("new search attributes", _attribute(client, f"Made{way}"))
        for column in SYSTEM:
            query = f"{column} is null"
            await attempt(f"`{column}`", client.count_workflows(query, rpc_timeout=BRIEF))
        await attempt("new activities", _activity(client, f"activity-{way}"))
        await attempt("new activities", _listed(client, f"activity-{way}"))
    return wrong


async def _waiting(client: Client, name: str) -> None:
    """Starts a workflow, and waits until it waits."""
    handle = await client.start_workflow(
        Waits.run,
        3,
        id=name,
        task_queue=QUEUE,
        search_attributes=TypedSearchAttributes([CUSTOMER]),
        rpc_timeout=BRIEF,
    )

    async def has_begun() -> bool:
        history = await handle.fetch_history()
        return any(e.HasField("activity_task_completed_event_attributes") for e in history.events)

    await until(has_begun)


async def _told(client: Client, name: str) -> None:
    """Lets a workflow go on to its end."""
    handle = client.get_workflow_handle(name)
    await handle.signal(Waits.go_on, rpc_timeout=BRIEF)
    assert await handle.result() == 12


async def _counted(client: Client, query: str, least: int) -> None:
    async def are() -> bool:
        return (await client.count_workflows(query, rpc_timeout=BRIEF)).count >= least

    await until(are)


async def _schedule(client: Client, name: str) -> None:
    action = ScheduleActionStartWorkflow(Sleeps.run, 0.0, id=name, task_queue=QUEUE)
    every = ScheduleIntervalSpec(every=timedelta(seconds=1))
    schedule = Schedule(action, ScheduleSpec(intervals=[every]))
    await client.create_schedule(name, schedule, rpc_timeout=BRIEF)


async def _fires(client: Client, name: str) -> None:
    """Waits until a schedule has started one more workflow."""
    handle = client.get_schedule_handle(name)
    before = (await handle.describe(rpc_timeout=BRIEF)).info.num_actions

    async def once_more() -> bool:
        return (await handle.describe(rpc_timeout=BRIEF)).info.num_actions > before

    await until(once_more)


async def _activity(client: Client, name: str) -> None:
    """Runs an activity without a workflow."""
    limit = timedelta(seconds=5)
    result = await client.execute_activity(
        double, 4, id=name, task_queue=QUEUE, start_to_close_timeout=limit, rpc_timeout=BRIEF
    )
    assert result == 8


async def _listed(client: Client, name: str) -> None:
    async def is_listed() -> bool:
        counted = await client.count_activities(f"ActivityId = '{name}'", rpc_timeout=BRIEF)
        return counted.count == 1

    await until(is_listed)


async def _namespace(client: Client, name: str) -> None:
    request = RegisterNamespaceRequest(
        namespace=name, workflow_execution_retention_period=Duration(seconds=86400)
    )
    await client.workflow_service.register_namespace(request, timeout=BRIEF)


async def _attribute(client: Client, name: str) -> None:
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: keyword}
    )
    await client.operator_service.add_search_attributes(request, timeout=BRIEF)
