"""Namespaces of an existing server: created with what was asked for, or refused.

A namespace counts as usable when every part of the server answers for it: a cluster tells its parts
of a new namespace one after the other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from .. import _clock, _timer
from .._errors import NamespaceError
from . import cleanup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from temporalio.api.enums.v1 import IndexedValueType
    from temporalio.client import Client
    from temporalio.service import RPCError

RETENTION = timedelta(days=1)
"""For how long closed workflows are kept, unless said otherwise."""

USABLE_SECONDS = 60.0
"""How long a cluster may take until a namespace that it has created can be used."""

PAUSE = 0.1
"""Seconds between two questions whether it can be used."""


class Wanted(NamedTuple):
    """What a namespace is to be like."""

    retention: timedelta | None
    """How long closed workflows are kept; None: whatever one that exists has."""
    search_attributes: Mapping[str, str]
    """Type by name, as in `{"customer": "Keyword"}`."""


async def create(client: Client, name: str, wanted: Wanted, lease: Mapping[str, str]) -> None:
    """Creates a namespace, and waits until it can be used; one that exists is used as it is.

    Args:
        client: A client of the server, in any namespace.
        name: Name of the namespace.
        wanted: What it is to be like.
        lease: Data by which the run finds the namespace again. One that another run has created
            gets the lease, too; any other that exists gets none.

    Raises:
        RPCError: The server lets this client create no namespace at all.
        NamespaceError: The server refuses this one, it exists with another retention or other
            search attributes, or it cannot be used in time.
    """
    from temporalio.service import RPCError, RPCStatusCode

    try:
        await _register(client, name, wanted, lease)
        is_new = True
    except RPCError as error:
        if _is_permanent(error):
            raise
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise _error(name, str(error)) from error
        is_new = False
    try:
        data = {} if is_new else (await cleanup.describe(client, name)).namespace_info.data
        if is_new or lease.items() <= data.items():  # an answer was lost, and the SDK asked again
            await _add(client, name, wanted.search_attributes)
        elif cleanup.leases(data):
            await cleanup.lend(client, name, lease)
        if not is_new:
            await check(client, name, wanted)
        await _usable(type(client)(client.service_client, namespace=name), wanted.search_attributes)
    except RPCError as error:
        raise _error(name, str(error)) from error


async def _register(client: Client, name: str, wanted: Wanted, lease: Mapping[str, str]) -> None:
    from google.protobuf.duration_pb2 import Duration
    from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

    kept = Duration()
    kept.FromTimedelta(RETENTION if wanted.retention is None else wanted.retention)
    request = RegisterNamespaceRequest(
        namespace=name, workflow_execution_retention_period=kept, data=lease
    )
    await client.workflow_service.register_namespace(request, retry=True)


def _is_permanent(error: RPCError) -> bool:
    """Returns whether the server would answer in the same way if it was asked again."""
    from temporalio.service import RPCStatusCode

    return error.status in {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    }


async def check(client: Client, name: str, wanted: Wanted) -> None:
    """Checks that a namespace that exists is as wanted, and leaves it as it is.

    Raises:
        NamespaceError: It has another retention, or lacks a search attribute, or the server does
            not tell.
    """
    from temporalio.service import RPCError

    try:
        if wanted.retention is not None:
            there = await cleanup.describe(client, name)
            keeps = there.config.workflow_execution_retention_ttl.ToTimedelta()
            if keeps != wanted.retention:
                problem = f"it exists, and keeps closed workflows for {keeps}"
                raise _error(name, f"{problem}, not for {wanted.retention}")
        lacking = await _lacking(client, name, wanted.search_attributes)
    except RPCError as error:
        raise _error(name, str(error)) from error
    if lacking:
        pairs = ", ".join(f"{attribute}={kind}" for attribute, kind in lacking.items())
        raise _error(name, f"it exists, and lacks the search attributes {pairs}")


async def _add(client: Client, name: str, attributes: Mapping[str, str]) -> None:
    from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
    from temporalio.service import RPCError

    lacking = await _lacking(client, name, attributes)
    if not lacking:
        return
    request = AddSearchAttributesRequest(namespace=name)
    for attribute, kind in lacking.items():
        request.search_attributes[attribute] = _number(kind)
    try:
        await client.operator_service.add_search_attributes(request, retry=True)
    except RPCError as error:
        raise _error(name, f"its search attributes cannot be added ({error})") from error


async def _lacking(client: Client, name: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """Returns the search attributes that a namespace has not, or has with another type."""
    from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

    if not attributes:
        return {}
    request = ListSearchAttributesRequest(namespace=name)
    listed = await client.operator_service.list_search_attributes(request, retry=True)
    there = {**listed.custom_attributes, **listed.system_attributes}
    return {each: kind for each, kind in attributes.items() if there.get(each) != _number(kind)}


def _number(kind: str) -> IndexedValueType.ValueType:
    """Returns the server's number of a type: that of `KeywordList` is `..._KEYWORD_LIST`."""
    from temporalio.api.enums.v1 import IndexedValueType

    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in kind)
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE{words.upper()}")


async def _usable(client: Client, attributes: Mapping[str, str]) -> None:
    """Waits until every part of the server knows the namespace and its search attributes."""
    until = _clock.monotonic() + USABLE_SECONDS
    while not await _can_be_used(client, attributes):
        if _clock.monotonic() > until:
            problem = f"it is not usable {USABLE_SECONDS:g} s after its creation"
            raise _error(client.namespace, problem)
        await _timer.sleep(PAUSE)


async def _can_be_used(client: Client, attributes: Mapping[str, str]) -> bool:
    """Asks for a workflow, and by each search attribute for a list.

    Raises:
        NamespaceError: The server refuses, and would refuse again.
    """
    from temporalio.service import RPCError, RPCStatusCode

    try:
        for attribute in attributes:
            await client.count_workflows(f"`{attribute}` IS NOT NULL")
        await client.get_workflow_handle("none").describe()
    except RPCError as error:
        if _is_permanent(error):
            raise _error(client.namespace, str(error)) from error
        details = [detail.type_url for detail in error.grpc_status.details]
        unknown = any(kind.endswith("NamespaceNotFoundFailure") for kind in details)
        return error.status == RPCStatusCode.NOT_FOUND and not unknown
    return True


def _error(name: str, problem: str) -> NamespaceError:
    message = f"namespace `{name}` cannot be had: {problem}; use another one"
    return NamespaceError(message, namespace=name, problem=problem)
