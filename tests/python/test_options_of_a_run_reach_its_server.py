"""What a run asks for, the real server is: data, attributes, configuration, retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_support import Suite

TESTS = """
import asyncio, os
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

async def asked(client):
    name = client.namespace
    request = DescribeNamespaceRequest(namespace=name)
    described = await client.workflow_service.describe_namespace(request)
    request = ListSearchAttributesRequest(namespace=name)
    attributes = await client.operator_service.list_search_attributes(request)
    kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
    return kept.total_seconds(), sorted(attributes.custom_attributes)

def test_one(temporal_server, temporal_client):
    kept, attributes = asyncio.run(asked(temporal_client))
    assert kept == 3 * 24 * 3600
    assert "customer" in attributes
    tell(temporal_server.status().db_path, temporal_server.list_namespaces())
"""


@pytest.mark.real_server
@pytest.mark.long
def test_from_the_ini_file(real_suite: Suite, real_temporal: object) -> None:
    real_suite.tests(TESTS)
    real_suite.ini(
        temporal_executable=real_temporal,
        temporal_db="kept.db",
        temporal_search_attributes="\n    customer=Keyword\n    amount=Int",
        temporal_dynamic_config="\n    frontend.enableUpdateWorkflowExecution=true",
        temporal_retention="3d",
        temporal_schedules="no",
        temporal_log_level="error",
        temporal_start_timeout="40s",
    )
    for _ in range(2):
        real_suite.run().assert_outcomes(passed=1)
    (path, first), (again, then) = real_suite.told()
    assert path == again == str(real_suite.path / "kept.db")
    assert set(first) < set(then), "the data is kept"
