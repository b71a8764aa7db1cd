"""What time it is where a workflow runs: by its server, for a test may have frozen the clock here.

A dev server is on this machine, so its clock is the kernel's. A server that skips time tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from temporalio.service import RPCError

from .. import _clock
from . import older

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
    from temporalio.client import Client

SKIPPING: Final = ("workflow_extended_info", "time_skipping_info")
"""The field of a description that tells of skipped time, by its path."""


async def of_server(client: Client) -> float:
    """Returns the time of a server, in seconds since 1970."""
    from google.protobuf.empty_pb2 import Empty

    try:
        told = await client.service_client.test_service.get_current_time(Empty())
    except RPCError:  # it does not skip time
        return _clock.unix_now()
    return told.time.ToMicroseconds() / 1e6


def of_workflow(description: DescribeWorkflowExecutionResponse, server: float) -> float:
    """Returns the time of a workflow, which may be ahead of its server's."""
    skipping = older.inner(description, *SKIPPING)
    if skipping is None:
        return server
    own: Timestamp = skipping.current_time
    return max(server, own.ToMicroseconds() / 1e6)


def age(since: Timestamp, now: float) -> str:
    """Returns how long something has lasted, in words; never less than nothing."""
    return f"{max(0.0, now - since.ToMicroseconds() / 1e6):.1f} s"
