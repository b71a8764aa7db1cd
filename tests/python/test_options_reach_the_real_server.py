"""What the options say shows on the server: interface, configuration, arguments, executable."""

import asyncio
import http.client
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from temporalio.service import RPCError

from compat.versions import NEWEST, OLDEST
from support import Sandbox, eventually
from temporal_devserver import (
    ConfigError,
    DevServer,
    ExecutableNotFoundError,
    StartTimeoutError,
    _launcher,
)

NAMESPACES = "/api/v1/namespaces"


def get(address: str | None, path: str, host: str | None = None) -> int:
    """Asks by HTTP, and returns the status."""
    assert address is not None
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.real_server
def test_user_interface(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal, ui=True) as server:
        assert server.ui_url is not None
        scheme, _, address = server.ui_url.partition("://")
        assert (scheme, get(address, "/")) == ("http", 200)
        server.kill()
        server.wait_ready(20)
        assert get(address, "/") == 200  # at the same place


@pytest.mark.real_server
def test_dynamic_config_wins(real_temporal: Path) -> None:
    config = {"limit.maxIDLength": 100, "frontend.httpAllowedHosts": ["example.test"]}
    with DevServer(executable=real_temporal, dynamic_config=config) as server:
        client = server.connect()

        async def start(length: int) -> None:
            await client.start_workflow("W", id="x" * length, task_queue="none")

        asyncio.run(start(100))
        with pytest.raises(RPCError, match=r"(?i)length"):
            asyncio.run(start(101))
        address = server.status().http_address
        assert get(address, NAMESPACES, "example.test") == 200
        assert get(address, NAMESPACES) == 403


@pytest.mark.real_server
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_on_loopback_the_http_api_answers_the_names_of_loopback_alone(
    temporal: Callable[[str], Path], version: str
) -> None:
    with DevServer(executable=temporal(version)) as server:
        address = server.status().http_address
        assert address is not None
        port = address.rpartition(":")[2]
        forwarded = ["localhost:1", "localhost", "127.0.0.1:1", "[::1]:1"]
        for host in (None, f"localhost:{port}", *forwarded):
            assert get(address, NAMESPACES, host) == 200, host
        evil = "evil.example", f"evil.example:{port}"
        rebound = [f"{name}.{host}" for name in ("127.0.0.1", "localhost", "::1") for host in evil]
        for host in (*evil, *rebound):
            assert get(address, NAMESPACES, host) == 403, host


@pytest.mark.real_server
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_server_that_listens_everywhere_answers_every_name(
    temporal: Callable[[str], Path], version: str
) -> None:
    with DevServer(executable=temporal(version), ip="0.0.0.0") as server:
        address = server.status().http_address
        assert address is not None
        port = address.rpartition(":")[2]
        name = socket.gethostname()
        for host in (None, name, f"{name}:{port}", "me-7243.app.github.dev"):
            assert get(address, NAMESPACES, host) == 200, host
        assert get(f"127.0.0.2:{port}", NAMESPACES) == 200  # another address of this machine


@pytest.mark.real_server
def test_the_users_hosts_replace_those_of_loopback(real_temporal: Path) -> None:
    config = {"frontend.httpAllowedHosts": ["localhost:*", "127.0.0.1:*", "*.app.github.dev"]}
    with DevServer(executable=real_temporal, dynamic_config=config) as server:
        address = server.status().http_address
        for host in (None, "me-7243.app.github.dev"):
            assert get(address, NAMESPACES, host) == 200, host
        for host in ("evil.example", "me.app.github.dev.evil.example", "localhost"):
            assert get(address, NAMESPACES, host) == 403, host


@pytest.mark.real_server
def test_the_web_interface_answers_every_name(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal, ui=True) as server:
        assert server.ui_url is not None
        address = server.ui_url.partition("://")[2]
        # The interface looks for its server once a second.
        eventually("it has its server", lambda: get(address, NAMESPACES) == 200)
        for path in ("/", NAMESPACES):
            for host in (None, "me-8233.app.github.dev", "evil.example:1"):
                assert get(address, path, host) == 200, (path, host)


@pytest.mark.real_server
def test_extra_arguments_and_the_log(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal, log_level="info") as server:
        lines = server.logs()
        assert not any("numHistoryShards" in line for line in lines)
        assert len(lines) > 5
        tail, lines = server.logs(3), server.logs()  # the server may have written in between
        assert tail in [lines[i : i + 3] for i in range(len(lines))]
    with DevServer(executable=real_temporal, extra_args=["--log-config"]) as server:
        assert any("numHistoryShards" in line for line in server.logs())


@pytest.fixture
def places(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """A wheel's executable of version 1.2.3, and the fake one (9.9.9) on `PATH`."""
    scripts, path = sandbox.root / "scripts", sandbox.root / "path"
    for directory in (scripts, path):
        directory.mkdir()
    wheel = scripts / "temporal"
    wheel.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exec echo "temporal version 1.2.3 (Server 1.0.0)"\n'
        f'exec {fake_temporal} "$@"\n'
    )
    wheel.chmod(0o755)
    shutil.copy(fake_temporal, path / "temporal")
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.setattr(_launcher, "_scripts", lambda: [str(scripts)])
    _launcher.launcher.cache_clear()
    return wheel, path / "temporal"


@pytest.fixture(autouse=True)
def _fresh_launcher() -> Iterator[None]:
    yield
    _launcher.launcher.cache_clear()


def version_of(executable: Path | None = None, version: str | None = None) -> str | None:
    """Starts a server and returns its version."""
    with DevServer(executable=executable, version=version) as server:
        return server.status().version


def test_the_places_are_looked_at_in_order(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel, on_path = places
    assert version_of() == "1.2.3"
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(on_path))
    assert version_of() == "9.9.9"
    assert version_of(executable=wheel) == "1.2.3"
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", "")
    wheel.unlink()
    assert version_of() == "9.9.9"


def test_a_version_is_found_or_all_that_is_there_is_listed(places: tuple[Path, Path]) -> None:
    wheel, on_path = places
    assert version_of(version="9.9.9") == "9.9.9"
    assert version_of(version="1.2.3") == "1.2.3"
    with pytest.raises(ExecutableNotFoundError) as caught:
        version_of(version="3.3.3")
    assert f"3.3.3; found: {wheel} is 1.2.3, {on_path} is 9.9.9" in str(caught.value)
    with pytest.raises(ExecutableNotFoundError, match=r"found: .* is 1\.2\.3;") as caught:
        version_of(version="9.9.9", executable=wheel)
    assert str(on_path) not in str(caught.value).partition("found: ")[2].partition(";")[0]


def test_start_timeout_of_the_environment(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "ready_after=60")
    monkeypatch.setenv("TEMPORAL_DEVSERVER_START_TIMEOUT", "0.7")
    for given, expected in ((None, 0.7), (0.3, 0.3)):
        with pytest.raises(StartTimeoutError) as caught:
            DevServer(executable=fake_temporal, start_timeout=given).start()
        assert caught.value.deadline == pytest.approx(expected, abs=0.25)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_START_TIMEOUT", "soon")
    with pytest.raises(ConfigError, match=r"TEMPORAL_DEVSERVER_START_TIMEOUT is .*soon"):
        DevServer(executable=fake_temporal)
