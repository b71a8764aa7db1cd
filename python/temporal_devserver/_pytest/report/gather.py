"""Asks for the histories of the namespaces that a test used, and hangs them on its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ... import _timer
from .. import run
from ..explain import told

if TYPE_CHECKING:
    from collections.abc import Generator

    from temporalio.client import Client, WorkflowExecution

    from ..run import Run, Server
    from .data import Workflow

ATTRIBUTE = "temporal_devserver"
"""Where a report carries it."""

MOST = 50
"""Workflows of one namespace that are drawn, the newest."""

MOST_EVENTS = 5_000
"""Events of one history that are read."""

PAUSE = 0.05
"""Seconds until a server that lists nothing is asked again: what has just started may lag."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Asks at the end of a test's call, or where its setup failed: its servers are still there."""
    report = yield
    is_last = report.when == "call" or (report.when == "setup" and not report.passed)
    if is_last and run.used(item):
        attach(run.of(item.config), item, report)
    return report


def attach(ours: Run, item: pytest.Item, report: pytest.TestReport) -> None:
    """Hangs on a report what the workflows of its test did, as JSON."""
    found: list[Workflow] = []
    problems: list[str] = []
    for server, namespace in run.used(item):
        problems += told(_gather(ours, server, namespace, found, problems))
    found.sort(key=lambda workflow: workflow["begin"])
    setattr(report, ATTRIBUTE, {"workflows": found, "problems": problems})


async def _gather(
    ours: Run, server: Server, namespace: str, found: list[Workflow], problems: list[str]
) -> None:
    """Reads what is listed, until nothing more is: what has just started is listed late."""
    from .. import server_time

    client = ours.client(server, namespace, {})
    now = await server_time.of_server(client)
    seen: set[str] = set()
    waited = False
    while len(seen) < MOST:
        listed = [each async for each in client.list_workflows(limit=MOST)]
        fresh = [each for each in listed if each.run_id not in seen][: MOST - len(seen)]
        for execution in fresh:
            seen.add(execution.run_id)
            found.append(await _read(client, execution, now))
        if not fresh and (seen or waited):
            return
        if not seen:
            waited = True
            await _timer.sleep(PAUSE)
    problems.append(f"at most {MOST} workflows of {namespace} are shown")


async def _read(client: Client, execution: WorkflowExecution, server: float) -> Workflow:
    from .. import server_time
    from . import timeline

    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    history = []
    async for event in handle.fetch_history_events():
        history.append(event)
        if len(history) >= MOST_EVENTS:
            break
    described = await handle.describe()
    raw = described.raw_description
    now = server_time.of_workflow(raw, server)
    workflow = timeline.of(execution.id, execution.run_id, history, raw, now)
    if len(history) >= MOST_EVENTS and described.status is not None:
        workflow["status"] = described.status.name.lower().replace("_", " ")
        workflow["note"] = f"only the first {MOST_EVENTS} events of its history are drawn"
    return workflow
