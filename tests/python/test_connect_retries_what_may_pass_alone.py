"""`connect()` tries again while the server may just be replaced, and raises at once what stays."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from temporal_devserver import (
    AsyncDevServer,
    ConfigError,
    DevServer,
    EventLoopError,
    NamespaceError,
    _aside,
    _connect,
)
from temporal_devserver._pytest import external_namespaces

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"tls": True}, "option `tls`: the dev server speaks plaintext.*; leave tls out$"),
    ({"api_key": "key"}, "option `api_key`: .*; leave api_key out, or add `tls=False`$"),
    (
        {"api_key": "key", "tls": True},
        "option `tls, api_key`: .* plaintext .*; leave tls and api_key out$",
    ),
    ({"rpc_metadata": {"a b": "c"}}, "option `rpc_metadata`: .*; leave rpc_metadata out, or corr"),
    (
        {"api_key": None, "rpc_metadata": {"a b": "c"}},
        "option `rpc_metadata`: .*; leave rpc_metadata out, or corr",
    ),
]


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The options of each try to connect."""
    from temporalio.client import Client

    tries: list[dict[str, Any]] = []
    connect = Client.connect

    async def counted(address: str, **options: Any) -> Client:
        tries.append(options)
        return await connect(address, **options)

    monkeypatch.setattr(Client, "connect", counted)
    return tries


@pytest.mark.real_server
@pytest.mark.parametrize(("options", "says"), UNFIT)
def test_options_with_which_no_client_connects_are_an_error_at_once(
    real_temporal: Path, tries: list[dict[str, Any]], options: dict[str, Any], says: str
) -> None:
    with DevServer("shared", executable=real_temporal) as server:
        with pytest.raises(ConfigError, match=says) as caught:
            server.connect(**options)
        assert type(caught.value.__cause__) is RuntimeError
        assert len(tries) == 2, "one with the options, one without"

        async def main() -> None:
            async with AsyncDevServer("shared") as other:
                with pytest.raises(ConfigError, match=says):
                    await other.connect(**options)

        asyncio.run(main())
        assert len(tries) == 4
        server.connect(api_key="key", tls=False)


@pytest.mark.real_server
def test_an_option_that_does_not_exist_is_an_error_of_the_sdk_at_once(
    real_temporal: Path, tries: list[dict[str, Any]]
) -> None:
    with DevServer(executable=real_temporal) as server:
        with pytest.raises(TypeError, match="tsl"):
            server.connect(tsl=True)
        assert len(tries) == 1


def test_a_client_without_options_is_not_tried_again_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(_thread: threading.Thread) -> None:
        message = "a thread"
        raise AssertionError(message)

    monkeypatch.setattr(threading.Thread, "start", refuses)
    error = RuntimeError("no server")
    assert _connect.explained_blocking(error, "127.0.0.1:1", "default", {}) is error


def test_an_option_that_is_not_given_is_not_to_blame() -> None:
    options = {"api_key": None, "tls": None, "rpc_metadata": {"a b": "c"}}
    assert isinstance(unfit := _connect._unfit(options, RuntimeError("bad key")), ConfigError)
    assert (unfit.option, unfit.remedy) == (
        "rpc_metadata",
        "leave rpc_metadata out, or correct it",
    )


def test_a_thread_without_a_loop_is_an_error_that_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blocked() -> asyncio.AbstractEventLoop:
        message = "a test tried to use a socket"
        raise RuntimeError(message)

    async def work() -> None:
        pass

    monkeypatch.setattr("asyncio.events.new_event_loop", blocked)
    with pytest.raises(EventLoopError, match="--allow-unix-socket"):
        _aside.run(work())


SUITE = """
from temporal_devserver import _connect

asked = []
connect = _connect.connect_blocking

def test_it(temporal_client):
    pass

@pytest.fixture(autouse=True, scope="session")
def count():
    def counted(*arguments):
        asked.append(1)
        return connect(*arguments)
    _connect.connect_blocking = counted
    yield
    tell(len(asked))
"""


@pytest.mark.real_server
def test_a_suite_without_sockets_is_told_how_to_allow_them(real_suite: Suite) -> None:
    real_suite.tests(SUITE)
    result = real_suite.run("--disable-socket", "-W", "ignore:A test tried to use socket")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*EventLoopError*--allow-unix-socket*"])
    assert real_suite.told() == [[1]]
    real_suite.run("--disable-socket", "--allow-unix-socket").assert_outcomes(passed=1)


@pytest.mark.real_server
def test_a_namespace_that_the_server_refuses_is_asked_for_once(real_suite: Suite) -> None:
    real_suite.tests(
        """
from temporal_devserver import DevServer

create = DevServer.create_namespace

def counted(server, name, retention):
    tell(1)
    return create(server, name, 1.0)  # seconds: too short

DevServer.create_namespace = counted

def test_it(temporal_namespace):
    pass
"""
    )
    result = real_suite.run()
    result.assert_outcomes(errors=1)
    assert len(real_suite.told()) == 1


class Answers:
    """A client whose server answers each question by a status."""

    namespace = "mine"

    def __init__(self, status: RPCStatusCode, details: bytes = b"") -> None:
        self.error = RPCError("no", status, details)

    def get_workflow_handle(self, _name: str) -> Answers:
        return self

    async def describe(self) -> None:
        raise self.error


def test_an_existing_server_is_asked_again_for_what_may_pass_alone() -> None:
    def can_be_used(status: RPCStatusCode) -> bool:
        client: Any = Answers(status)
        return asyncio.run(external_namespaces._can_be_used(client, {}))

    assert can_be_used(RPCStatusCode.NOT_FOUND)
    assert not can_be_used(RPCStatusCode.UNAVAILABLE)
    with pytest.raises(NamespaceError, match="mine"):
        can_be_used(RPCStatusCode.PERMISSION_DENIED)
