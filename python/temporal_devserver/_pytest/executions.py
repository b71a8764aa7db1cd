"""The workflows of a namespace that can matter to a test: those that ran while it did.

A server lists a workflow some time after its start: so the list is asked for again, until nothing
new is in it. The test server that skips time has only the older calls for it, one for the open
workflows and one for the closed ones.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from temporalio.api.workflowservice.v1 import (
    ListClosedWorkflowExecutionsRequest,
    ListOpenWorkflowExecutionsRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.service import RPCError, RPCStatusCode

from .. import _timer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from temporalio.api.workflow.v1 import WorkflowExecutionInfo
    from temporalio.client import Client

    from .explain import Subject

PAGE = 100
"""Workflows in one answer of the server."""

PAUSE = 0.05
"""Seconds until a server that lists nothing is asked again."""


async def listed(subject: Subject) -> AsyncIterator[WorkflowExecutionInfo]:
    """Returns the workflows in a namespace, until nothing more is listed.

    Where `since` is given, those that closed before are left out.
    """
    seen: set[str] = set()
    waits = int(subject.lag / PAUSE)
    while True:
        is_news = False
        async for execution in _pass(subject.client, _query(subject.since)):
            if execution.execution.run_id not in seen:
                seen.add(execution.execution.run_id)
                is_news = True
                yield execution
        if not is_news:
            if seen or not waits:
                return
            waits -= 1
            await _timer.sleep(PAUSE)


async def _pass(client: Client, query: str) -> AsyncIterator[WorkflowExecutionInfo]:
    """Returns what is listed now, the newest first."""
    request = ListWorkflowExecutionsRequest(namespace=client.namespace, page_size=PAGE, query=query)
    try:
        while True:
            answer = await client.workflow_service.list_workflow_executions(request)
            for execution in answer.executions:
                yield execution
            request.next_page_token = answer.next_page_token
            if not request.next_page_token:
                return
    except RPCError as error:
        if error.status != RPCStatusCode.UNIMPLEMENTED:
            raise
    for execution in await _all(client):
        yield execution


async def _all(client: Client) -> list[WorkflowExecutionInfo]:
    """Asks as one had to before there was one list."""
    service, namespace = client.workflow_service, client.namespace
    still = ListOpenWorkflowExecutionsRequest(namespace=namespace)
    done = ListClosedWorkflowExecutionsRequest(namespace=namespace)
    found = [
        *(await service.list_open_workflow_executions(still)).executions,
        *(await service.list_closed_workflow_executions(done)).executions,
    ]
    return sorted(found, key=lambda each: -each.start_time.ToMicroseconds())


def _query(since: float | None) -> str:
    if since is None:
        return ""
    then = datetime.fromtimestamp(since, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"ExecutionStatus = 'Running' OR CloseTime >= '{then}'"
