"""Asks for the histories of a namespace that a test used, and has them drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import executions, server_time
from . import timeline

if TYPE_CHECKING:
    from temporalio.api.workflow.v1 import WorkflowExecutionInfo

    from ..explain import Subject
    from .data import Workflow

MOST = 50
"""Workflows of one namespace that are drawn, the newest."""

MOST_EVENTS = 5_000
"""Events of one history that are read."""


async def gather(subject: Subject, found: list[Workflow], problems: list[str]) -> None:
    """Reads what is listed."""
    now = await server_time.of_server(subject.client)
    async for execution in executions.listed(subject):
        found.append(await _read(subject, execution, now))
        if len(found) >= MOST:
            problems.append(f"at most {MOST} workflows of {subject.client.namespace} are shown")
            break
    problems += subject.decoder.problems()


async def _read(subject: Subject, execution: WorkflowExecutionInfo, server: float) -> Workflow:
    which = execution.execution
    handle = subject.client.get_workflow_handle(which.workflow_id, run_id=which.run_id)
    history = []
    async for event in handle.fetch_history_events():
        await subject.decoder.decode(event, which.workflow_id, execution.type.name)
        history.append(event)
        if len(history) >= MOST_EVENTS:
            break
    described = await handle.describe()
    raw = described.raw_description
    now = server_time.of_workflow(raw, server)
    await subject.decoder.decode(raw, which.workflow_id, execution.type.name)
    workflow = timeline.of(which.workflow_id, which.run_id, history, raw, now)
    if len(history) >= MOST_EVENTS and described.status is not None:
        workflow["status"] = described.status.name.lower().replace("_", " ")
        workflow["note"] = f"only the first {MOST_EVENTS} events of its history are drawn"
    return workflow
