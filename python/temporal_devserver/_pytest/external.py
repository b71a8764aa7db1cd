"""An existing server in the place of ours: the same tests against a cluster, or Temporal Cloud.

Only where it was asked for, by an address or a profile: never because `TEMPORAL_ADDRESS` is set. It
is used and never touched: what would stop or disturb it is refused.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .. import _aside, _connect
from .._errors import EventLoopError, ExternalServerError, NamespaceError
from . import clients
from . import external_namespaces as namespaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from temporalio.client import Client

    from .cleanup import Cleanup
    from .settings import Settings

REFUSED = frozenset(
    {"delete_namespace", "kill", "outage", "pause", "reset", "restart", "restore", "resume", "stop"}
    | {"events", "logs", "snapshot", "status"}
)
"""Verbs of a `DevServer` that would disturb others, or that need a server of ours."""

ANSWER_SECONDS = 15.0
"""How long the server may take to answer for the first time."""

OVERRIDES = frozenset({"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE"})
"""Variables that would send the tests to another server than the profile's."""


class ExternalServer:
    """A server that exists already, with the verbs of a `DevServer` that disturb nobody."""

    name = "external"
    ui_url = None

    def __init__(self, settings: Settings, cleanup: Cleanup) -> None:
        """Connects.

        Args:
            settings: Those of the run: which server, and what its namespaces are to be like.
            cleanup: Deletes the created namespaces at the end of the run.

        Raises:
            ExternalServerError: There is no such profile, or the server does not answer.
        """
        self.address, self.namespace, self._options = _target(settings)
        self._attributes = settings.search_attributes or {}
        self._cleanup = cleanup
        self._is_shared = False
        """Whether no namespace could be created, so that tests share the given one."""
        self._client = connected(settings)

    def connect(self, **client_options: Any) -> Client:  # noqa: ANN401  # those of the SDK
        """Returns a client; over the one connection, if its options allow."""
        chosen = {"namespace": self.namespace, **client_options}
        mine = {**self._options, **chosen}
        return clients.over(self._client, chosen) or _connect.connect_blocking(
            self.address, self.namespace, mine
        )

    def create_namespace(self, name: str, retention: float | None = None) -> None:
        """Creates a namespace, and waits until it can be used; one that exists is used as it is.

        The run deletes at its end what it has created.

        Raises:
            NamespaceError: The server refuses, it exists with another retention or other search
                attributes, or it cannot be used in time.
        """
        from temporalio.service import RPCError

        try:
            self._create(name, retention)
        except RPCError as error:
            message = f"namespace `{name}` cannot be created: {error}; use one that exists"
            raise NamespaceError(message, namespace=name, problem=str(error)) from error

    def _create(self, name: str, retention: float | None) -> None:
        """As `create_namespace()`; an RPCError means that the client may create none at all."""
        work = namespaces.create(
            self._client, name, self._wanted(retention), self._cleanup.lease(name)
        )
        limit = namespaces.USABLE_SECONDS + ANSWER_SECONDS
        try:
            _aside.run(work, limit)
        except asyncio.TimeoutError as error:
            problem = f"the server did not create it within {limit:g} s"
            message = f"namespace `{name}` cannot be had: {problem}; look at the server"
            raise NamespaceError(message, namespace=name, problem=problem) from error

    def namespace_for(self, name: str, retention: float | None) -> str:
        """Creates a namespace; where none can be created here, returns the one that was given.

        Raises:
            NamespaceError: It cannot be had, or the given one is not as wanted.
        """
        from temporalio.service import RPCError

        if not self._is_shared:
            try:
                self._create(name, retention)
            except RPCError:
                work = namespaces.check(self._client, self.namespace, self._wanted(retention))
                _aside.run(work, ANSWER_SECONDS)
                self._is_shared = True
            else:
                return name
        return self.namespace

    def _wanted(self, retention: float | None) -> namespaces.Wanted:
        kept = None if retention is None else timedelta(seconds=retention)
        return namespaces.Wanted(kept, self._attributes)

    def __getattr__(self, verb: str) -> Callable[..., object]:
        """Refuses the verbs of a server of ours."""
        __tracebackhide__ = True  # pytest ends the traceback where the test asks for the verb
        if verb in REFUSED:
            raise refusal(f"`{verb}`")
        message = f"{type(self).__name__!r} object has no attribute {verb!r}"
        raise AttributeError(message)


def connected(settings: Settings) -> Client:
    """Returns a client of the existing server.

    Raises:
        ExternalServerError: There is no such profile, or the server does not answer.
    """
    address, namespace, options = _target(settings)
    try:
        return _aside.run(_connect.connect(address, namespace, options), ANSWER_SECONDS)
    except EventLoopError:
        raise
    except (RuntimeError, ValueError, asyncio.TimeoutError) as error:
        why = f"{type(error).__name__} {error}".rstrip()
        message = (
            f"the Temporal server at {address} does not answer ({why}); start it, "
            "correct the address, or leave it out: then a dev server is started"
        )
        raise ExternalServerError(message) from error


def _target(settings: Settings) -> tuple[str, str, dict[str, Any]]:
    """Returns the address, the namespace, and what else a client of the server needs."""
    options = profile(settings.profile) if settings.profile else {}
    there = options.pop("target_host", "localhost:7233"), options.pop("namespace", "default")
    return settings.address or there[0], settings.namespace or there[1], options


def refusal(what: str) -> ExternalServerError:
    """Returns the error for what only a server of ours can do."""
    message = (
        f"{what} is not for an existing server; run the test without `--temporal-address` and "
        "`--temporal-profile`, or let it use `temporal_private_server`: then it is skipped here"
    )
    return ExternalServerError(message)


def profile(name: str) -> dict[str, Any]:
    """Returns how the server of a profile of Temporal's client configuration is connected to.

    Raises:
        ExternalServerError: There is no such profile, or it cannot be read.
    """
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
