"""An existing server in the place of ours: the same tests against a cluster, or Temporal Cloud.

Only where it was asked for, by an address or a profile: never because `TEMPORAL_ADDRESS` is set. It
is used and never touched: what would stop or disturb it is refused.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .. import _aside, _connect
from .._errors import ExternalServerError, NamespaceError
from . import clients

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from temporalio.client import Client

    from .settings import Settings

REFUSED = frozenset(
    {"delete_namespace", "kill", "outage", "pause", "reset", "restart", "restore", "resume", "stop"}
    | {"events", "logs", "snapshot", "status"}
)
"""Verbs of a `DevServer` that would disturb others, or that need a server of ours."""

RETENTION = timedelta(days=1)
"""For how long closed workflows are kept, unless said otherwise."""

ANSWER_SECONDS = 15.0
"""How long the server may take to answer for the first time."""

NAMESPACE_SECONDS = 60.0
"""How long a cluster may take until a namespace that it has created can be used."""

OVERRIDES = frozenset({"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE"})
"""Variables that would send the tests to another server than the profile's."""


class ExternalServer:
    """A server that exists already, with the verbs of a `DevServer` that disturb nobody."""

    name = "external"
    ui_url = None

    def __init__(self, settings: Settings) -> None:
        """Connects.

        Raises:
            ExternalServerError: There is no such profile, or nobody answers.
        """
        options = _profile(settings.profile) if settings.profile else {}
        self.address: str = settings.address or options.pop("target_host", "localhost:7233")
        self.namespace: str = settings.namespace or options.pop("namespace", "default")
        self._is_shared = False
        """Whether no namespace could be created, so that tests share the given one."""
        self._options = options
        self._client = self._first(options)

    def connect(self, **client_options: Any) -> Client:  # noqa: ANN401  # those of the SDK
        """Returns a client; over the one connection, if its options allow."""
        chosen = {"namespace": self.namespace, **client_options}
        mine = {**self._options, **chosen}
        return clients.over(self._client, chosen) or _connect.connect_blocking(
            self.address, self.namespace, mine
        )

    def create_namespace(self, name: str, retention: float | None = None) -> None:
        """Creates a namespace, and waits until it can be used; one that exists is used as it is.

        Raises:
            NamespaceError: The server refuses, it exists with another retention, or it cannot be
                used in time.
        """
        kept = None if retention is None else timedelta(seconds=retention)
        _aside.run(_create(self._client, name, kept), NAMESPACE_SECONDS + ANSWER_SECONDS)

    def namespace_for(self, name: str, retention: float | None) -> str:
        """Creates a namespace; where none can be created here, returns the one that was given."""
        if not self._is_shared:
            try:
                self.create_namespace(name, retention)
            except NamespaceError:
                self._is_shared = True
            else:
                return name
        return self.namespace

    def __getattr__(self, verb: str) -> Callable[..., object]:
        """Refuses the verbs of a server of ours."""
        __tracebackhide__ = True  # pytest ends the traceback where the test asks for the verb
        if verb in REFUSED:
            raise refusal(f"`{verb}`")
        message = f"{type(self).__name__!r} object has no attribute {verb!r}"
        raise AttributeError(message)

    def _first(self, options: Mapping[str, Any]) -> Client:
        connected = _connect.connect(self.address, self.namespace, options)
        try:
            return _aside.run(connected, ANSWER_SECONDS)
        except (RuntimeError, ValueError, asyncio.TimeoutError) as error:
            why = f"{type(error).__name__} {error}".rstrip()
            message = (
                f"the Temporal server at {self.address} does not answer ({why}); start it, "
                "correct the address, or leave it out: then a dev server is started"
            )
            raise ExternalServerError(message) from error


def refusal(what: str) -> ExternalServerError:
    """Returns the error for what only a server of ours can do."""
    message = (
        f"{what} is not for an existing server; run the test without `--temporal-address` and "
        "`--temporal-profile`, or let it use `temporal_private_server`: then it is skipped here"
    )
    return ExternalServerError(message)


def _profile(name: str) -> dict[str, Any]:
    from temporalio.envconfig import ClientConfig

    environment = {key: value for key, value in os.environ.items() if key not in OVERRIDES}
    try:
        found = ClientConfig.load_client_connect_config(name, override_env_vars=environment)
    except RuntimeError as error:
        message = (
            f"the profile `{name}` cannot be used ({error}); see `temporal config list`, "
            "or set TEMPORAL_CONFIG_FILE to the file that has it"
        )
        raise ExternalServerError(message) from error
    return {**found}


async def _create(client: Client, name: str, retention: timedelta | None) -> None:
    from temporalio.service import RPCError

    try:
        problem = await _register(client, name, retention)
    except RPCError as error:
        problem = str(error)
    until = time.monotonic() + NAMESPACE_SECONDS
    usable = type(client)(client.service_client, namespace=name)
    while not problem and not await _can_be_used(usable):
        if time.monotonic() > until:
            problem = f"not usable {NAMESPACE_SECONDS:g} s after its creation"
        await asyncio.sleep(0.1)
    if problem:
        message = f"namespace `{name}` cannot be had: {problem}; use another one"
        raise NamespaceError(message, namespace=name, problem=problem)


async def _register(client: Client, name: str, retention: timedelta | None) -> str:
    """Creates a namespace; returns what is wrong with one that exists, else nothing."""
    from google.protobuf.duration_pb2 import Duration
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
    from temporalio.service import RPCError, RPCStatusCode

    kept = Duration()
    kept.FromTimedelta(retention or RETENTION)
    request = RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=kept)
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise
    else:
        return ""
    description = DescribeNamespaceRequest(namespace=name)
    there = await client.workflow_service.describe_namespace(description)
    keeps = there.config.workflow_execution_retention_ttl.ToTimedelta()
    if retention in (None, keeps):
        return ""
    return f"it exists, and keeps closed workflows for {keeps}, not for {retention}"


async def _can_be_used(client: Client) -> bool:
    """Tells whether every part of the server knows the namespace: asks for a workflow in it."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        await client.get_workflow_handle("nobody").describe()
    except RPCError as error:
        details = [detail.type_url for detail in error.grpc_status.details]
        unknown = any(kind.endswith("NamespaceNotFoundFailure") for kind in details)
        return error.status == RPCStatusCode.NOT_FOUND and not unknown
    return True
