"""The watcher of `make chaos`, and its last look, find what was planted for them."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chaos import watcher
from chaos.watcher import Watcher
from chaos.world import World
from support import eventually, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Sandbox

SERVER = "import sys; file = open(sys.argv[1]); print(flush=True); sys.stdin.read()"


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    world = World(sandbox.root / "chaos")
    world.make()
    world.database.touch()
    return world


def server(world: World) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", SERVER, str(world.database), "start-dev"]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=world.environment()
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def address() -> Iterator[str]:
    with listening() as port:
        yield f"127.0.0.1:{port}"


def test_two_servers_on_one_database(world: World, address: str) -> None:
    seen = Watcher(world, address)
    with server(world) as one:
        eventually("it looks", lambda: seen.looks > 3)
        assert not seen.violations
        assert world.server() is not None
        with server(world) as two:
            told = eventually("it tells", lambda: [*seen.violations])
            assert str(one.pid) in told[0]
            assert str(two.pid) in told[0]
            two.communicate()
        one.communicate()
    seen.end()


def test_an_address_that_refuses(
    world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "BUDGET", 0.3)
    seen = Watcher(world, address)
    eventually("it looks", lambda: seen.looks > 3)
    assert not seen.violations
    seen.end()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        seen = Watcher(world, f"127.0.0.1:{reserved.getsockname()[1]}")
        told = eventually("it tells", lambda: [*seen.violations])
        assert "refuses" in told[0]
        seen.end()
