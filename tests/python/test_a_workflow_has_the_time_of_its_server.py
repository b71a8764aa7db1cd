"""Ages in a report are by the clock of the server, and by that of a workflow which is ahead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from temporal_devserver._pytest import server_time

if TYPE_CHECKING:
    from pytest_support import Suite


def test_a_workflow_whose_clock_is_ahead_has_the_time_of_that_clock() -> None:
    described = DescribeWorkflowExecutionResponse()
    assert server_time.of_workflow(described, 1000.0) == 1000.0
    described.workflow_extended_info.time_skipping_info.current_time.seconds = 5000
    assert server_time.of_workflow(described, 1000.0) == 5000.0
    described.workflow_extended_info.time_skipping_info.Clear()
    assert server_time.of_workflow(described, 1000.0) == 1000.0


def test_an_age_is_never_negative() -> None:
    assert server_time.age(Timestamp(seconds=1000), 1002.5) == "2.5 s"
    assert server_time.age(Timestamp(seconds=2000), 1002.5) == "0.0 s"


@pytest.mark.real_server
def test_a_server_that_skips_time_tells_its_own(real_suite: Suite) -> None:
    real_suite.tests(
        """
import asyncio
from datetime import timedelta
from temporal_devserver._pytest import server_time

def test_skipping(temporal_time_skipping_env):
    async def main():
        await temporal_time_skipping_env.sleep(timedelta(days=30))
        return await server_time.of_server(temporal_time_skipping_env.client)
    tell(asyncio.run(main()))

def test_real(temporal_client):
    tell(asyncio.run(server_time.of_server(temporal_client)))
"""
    )
    real_suite.run("-p", "no:randomly").assert_outcomes(passed=2)
    (skipped,), (real,) = real_suite.told()
    assert skipped > time.time() + 29 * 86400
    assert abs(real - time.time()) < 600
