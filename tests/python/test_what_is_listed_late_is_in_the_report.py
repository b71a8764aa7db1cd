"""A server lists a workflow some time after its start: whoever asks at once asks again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionResponse,
    ListWorkflowExecutionsRequest,
    ListWorkflowExecutionsResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from temporal_devserver._pytest.decoding import Decoder
from temporal_devserver._pytest.explain import Subject
from temporal_devserver._pytest.report import gather

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from temporalio.client import Client as SdkClient

    from temporal_devserver._pytest.report.data import Workflow


class Client:
    """Lists what it is told to, one list after the other."""

    namespace = "orders"

    def __init__(self, *lists: range) -> None:
        self._lists = list(lists)
        self.workflow_service = self
        self.service_client = SimpleNamespace(test_service=self)

    async def get_current_time(self, _request: object) -> None:
        raise RPCError("it does not skip time", RPCStatusCode.UNIMPLEMENTED, b"")

    async def list_workflow_executions(
        self, _request: ListWorkflowExecutionsRequest
    ) -> ListWorkflowExecutionsResponse:
        runs = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
        executions = [
            WorkflowExecutionInfo(execution=WorkflowExecution(workflow_id="w", run_id=str(run)))
            for run in runs
        ]
        return ListWorkflowExecutionsResponse(executions=executions)

    def get_workflow_handle(self, _id: str, *, run_id: str) -> Client:
        assert run_id
        return self

    async def fetch_history_events(self) -> AsyncIterator[None]:
        nothing: tuple[None, ...] = ()
        for event in nothing:
            yield event

    async def describe(self) -> SimpleNamespace:
        raw = DescribeWorkflowExecutionResponse()
        return SimpleNamespace(raw_description=raw, status=None)


@pytest.mark.parametrize(
    ("lists", "count"),
    [
        ([range(0)], 0),
        ([range(0), range(1)], 1),
        ([range(1), range(2)], 2),
        ([range(1), range(2), range(3)], 3),
        ([range(gather.MOST + 5)], gather.MOST),
        ([range(gather.MOST - 1), range(9, gather.MOST + 9)], gather.MOST),
    ],
)
def test_all_are_found_once(lists: list[range], count: int) -> None:
    found: list[Workflow] = []
    problems: list[str] = []
    client = cast("SdkClient", cast("Any", Client(*lists)))
    subject = Subject(client, Decoder([], client.namespace), None, 0.05)
    asyncio.run(gather.gather(subject, found, problems))
    assert sorted(int(workflow["run"]) for workflow in found) == list(range(count))
    assert bool(problems) == (count >= gather.MOST)
