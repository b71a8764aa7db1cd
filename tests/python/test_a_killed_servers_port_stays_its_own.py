"""Between a server's death and its return nobody gets its port; who does by a trick is named."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import accepts, eventually, free_port
from temporal_devserver import DevServer, Status


class Thief:
    """Tries to listen on a port, again and again, until it does."""

    def __init__(self, port: int, *, trick: bool) -> None:
        self.port, self.trick = port, trick
        self.tries = 0
        self.loot: socket.socket | None = None
        self.is_over = threading.Event()

    def steal(self) -> None:
        """Tries until it is over."""
        while not self.is_over.is_set() and self.loot is None:
            thief = socket.socket()
            if self.trick:
                thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                thief.bind(("127.0.0.1", self.port))
                thief.listen()
                self.loot = thief
            except OSError:
                thief.close()
            self.tries += 1


@contextlib.contextmanager
def thief(port: int, *, trick: bool) -> Iterator[Thief]:
    """Lets a thief try from another thread."""
    thief = Thief(port, trick=trick)
    thread = threading.Thread(target=thief.steal)
    thread.start()
    try:
        yield thief
    finally:
        thief.is_over.set()
        thread.join()
        if thief.loot is not None:
            thief.loot.close()


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def crash(server: DevServer) -> Status:
    """Kills the server, and waits until the next one is ready."""
    before = server.status()
    kill(before.pid)
    eventually("it is another one", lambda: server.wait_ready(30).pid != before.pid)
    return server.status()


@pytest.mark.real_server
@pytest.mark.parametrize("pinned", [True, False])
def test_nobody_gets_it(real_temporal: Path, pinned: bool) -> None:
    wanted = free_port() if pinned else None
    with DevServer(executable=real_temporal, port=wanted) as server:
        assert server.address is not None
        port = int(server.address.rpartition(":")[2])
        with thief(port, trick=False) as robber:
            for _ in range(2):
                assert crash(server).address == f"127.0.0.1:{port}"
            assert robber.tries > 100
            assert robber.loot is None


@pytest.mark.real_server
def test_who_takes_it_by_a_trick_is_named(real_temporal: Path) -> None:
    with DevServer("robbed", executable=real_temporal) as server:
        before, events = server.status(), server.events()
        assert before.address is not None
        port = int(before.address.rpartition(":")[2])
        with thief(port, trick=True) as robber:
            kill(before.pid)
            eventually("it is stolen", lambda: robber.loot)
            told = next(event for event in events if event.kind == "failed")
            assert f"port {port} (port) is in use by pid {os.getpid()} " in told.message
            assert server.status().state == "failed"
            assert server.status().restarts <= 3
        # He has gone: no manual step but to say that it is wanted again.
        assert not accepts(before.address)
        server.restart()
        after = server.wait_ready(30)
        assert (after.address, after.db_path) == (before.address, before.db_path)
