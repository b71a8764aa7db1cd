"""What a pytest process has of Temporal: its settings, its servers, one connection to each.

A connection is made once for a process and a server, in a loop of its own thread. Complete, it can
be used from every loop and thread: so a test's client costs nothing, and no loop scope can hang it.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from . import clients, handed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from temporalio.client import Client

    from .._blocking import DevServer
    from .._options import Options
    from .cleanup import Cleanup
    from .external import ExternalServer
    from .handed import Asked
    from .settings import Settings
    from .watched import Watched

Server: TypeAlias = "DevServer | ExternalServer"


PATIENCE = 5.0
"""For how long a namespace is asked for again, each time under a new name, while the server crashes
again and again."""

NEWS_SECONDS = 1.0
"""How long a crash may take to be noticed, until when the server counts as ready."""

READY_SECONDS = 60.0
"""How long a server may take to come back after a crash."""

SDK_IS_MISSING = (
    'this needs the Temporal SDK, which is missing; pip install "temporal-devserver[temporalio]"'
)


class Run:
    """What this process has of Temporal."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config, self.settings = config, settings
        self.watched: list[Watched] = []
        """The servers that this process uses now."""
        self.handed = handed.Registry()
        self._connections: dict[str, Client] = {}

    @contextmanager
    def server(self, more: Options | None = None) -> Iterator[Server]:
        """Starts, or attaches to, the server of the run, or that with these options besides."""
        if self.settings.is_external:
            from . import external

            if more:
                raise external.refusal("a server with options of its own")
            existing = external.ExternalServer(self.settings, self.config.stash[CLEANUP])
            self._hand_out(existing)
            yield existing
            return
        from .._blocking import DevServer
        from .._errors import ExecutableNotFoundError
        from . import shared

        root, settings = self.config.rootpath, self.settings
        try:
            name, chosen = shared.server(root, settings, more)
        except ExecutableNotFoundError as error:
            from .._install import first_use

            first_use.fill(error)
            name, chosen = shared.server(root, settings, more)
        with DevServer(name, **chosen) as server, self._watched(server):
            self._hand_out(server)
            for namespace in (more or {}).get("namespaces") or ():
                self.handed.note(server, namespace)
            yield server

    @contextmanager
    def private_server(self) -> Iterator[DevServer]:
        """Starts a server of one test alone, with the executable and the options of the run."""
        if self.settings.is_external:
            pytest.skip("it needs a server of its own, and where one exists none is started")
        from .._blocking import DevServer
        from . import shared

        chosen = shared.options(self.settings)
        chosen.pop("db", None)
        with DevServer(**chosen) as server, self._watched(server):
            address = server.address
            self._hand_out(server)
            yield server
        self._connections.pop(address, None)

    def _hand_out(self, server: Server) -> None:
        self.handed.observe(server)
        self.handed.note(server, server.namespace, is_implied=True)

    @contextmanager
    def _watched(self, server: DevServer) -> Iterator[None]:
        from .watched import Watched

        watched = Watched(server)
        self.watched.append(watched)
        try:
            yield
        finally:
            self.watched.remove(watched)

    def client(self, server: Server, namespace: str, options: Mapping[str, Any]) -> Client:
        """Returns a client of its own for a test; over the one connection, if its options allow."""
        connection = self._connections.get(server.address)
        if connection is None:
            connection = self._connections[server.address] = handed.unnoted(server)
        chosen = {"namespace": namespace, **options}
        client = clients.over(connection, chosen) or handed.unnoted(server, **chosen)
        self.handed.note(server, client.namespace, client)
        return client

    async def asking_client(self, server: Asked, namespace: str) -> Client:
        """Returns a client that is not for a test; it waits only as long as it is awaited."""
        from .. import _connect
        from .external import ExternalServer

        connection = self._connections.get(server.address)
        if connection is None and isinstance(server, ExternalServer):
            connection = handed.unnoted(server)
        if connection is None:
            return await _connect.connect(server.address, namespace, {})
        return type(connection)(connection.service_client, namespace=namespace)

    def namespace(self, server: Server, test: str) -> str:
        """Returns a namespace for a test: a fresh one, named after it, where that can be."""
        from .. import _clock
        from .._errors import ConfigError, DevServerError
        from .external import ExternalServer

        if isinstance(server, ExternalServer):
            return server.namespace_for(unique(test), self.settings.retention)
        until = _clock.monotonic() + PATIENCE
        while True:
            name, seen = unique(test), server._session.changes  # noqa: SLF001
            try:
                server.create_namespace(name, self.settings.retention)
            except ConfigError:
                raise
            except DevServerError:
                came_back = server._came_back(seen, NEWS_SECONDS, READY_SECONDS)  # noqa: SLF001
                if not server._run(came_back) or _clock.monotonic() > until:  # noqa: SLF001
                    raise
            else:
                return name


@contextmanager
def plainly() -> Iterator[None]:
    """Has what is wrong with a server told alone: the traceback would be that of the plugin."""
    from .._errors import DevServerError

    try:
        yield
    except DevServerError as error:
        raise pytest.fail.Exception(f"{type(error).__name__}: {error}", pytrace=False) from None
    except ImportError as error:
        if error.name != "temporalio":
            raise
        raise pytest.fail.Exception(SDK_IS_MISSING, pytrace=False) from None


def unique(test: str) -> str:
    """Returns a name that is readable, and nobody else's: `test_order-3f9a81c2`."""
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", test).strip("-.")[:60] or "test"
    return f"{readable}-{secrets.token_hex(4)}"


KEY = pytest.StashKey[Run]()

CLEANUP: pytest.StashKey[Cleanup] = pytest.StashKey()
"""What deletes the namespaces that the run creates on an existing server."""


def of(config: pytest.Config) -> Run:
    """Returns what this process has."""
    return config.stash[KEY]


USAGE_ERROR = "temporal_devserver_usage_error"
"""Where a worker of pytest-xdist leaves a usage error for its controller."""

NEED_FILES = {"temporal_server_factory", "temporal_private_server"}
"""Fixtures that use the files of the options; a fixture that needs a server has one of these."""


def needs_files(session: pytest.Session) -> bool:
    """Tells whether a test that is about to run uses the files that the options name."""
    config = session.config
    if config.getoption("collectonly") or config.getoption("setupplan", default=False):
        return False
    return any(NEED_FILES.intersection(getattr(it, "fixturenames", ())) for it in session.items)


def concerns(item: pytest.Item) -> bool:
    """Tells whether a test has to do with Temporal."""
    asked = any(name.startswith("temporal_") for name in getattr(item, "fixturenames", ()))
    return asked or bool(of(item.config).handed.of(item))
