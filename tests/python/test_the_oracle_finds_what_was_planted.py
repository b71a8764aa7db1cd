"""An oracle that finds nothing proves nothing: each kind of leak is planted, and must be found."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oracle import Oracle
from support import Sandbox, eventually, is_alive, stranger


@contextmanager
def marked_process(box: Sandbox) -> Iterator[str]:
    with stranger(["sleep", "100"]) as process:
        eventually("its environment shows", lambda: process.pid in box.processes())
        yield f"process {process.pid}: sleep"


@contextmanager
def holder_of_a_lock(box: Sandbox) -> Iterator[str]:
    lock = box.state / "servers/x/server.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file, stranger(["sleep", "100"], env={}, stdout=file) as process:
        yield f"process {process.pid} has {lock} open"


@contextmanager
def listener(_: Sandbox) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)):
        yield "listening socket"


@contextmanager
def socket_file(box: Sandbox) -> Iterator[str]:
    path = box.state / "servers/x/control.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    yield f"file {path}"
    path.unlink()


@contextmanager
def planted_file(path: Path) -> Iterator[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    yield f"file {path}"
    path.unlink()


@contextmanager
def planted_directory(path: Path) -> Iterator[str]:
    path.mkdir(parents=True)
    yield f"file {path}"
    path.rmdir()


@contextmanager
def descriptor(_: Sandbox) -> Iterator[str]:
    number = os.open("/dev/null", os.O_RDONLY)
    yield "descriptors"
    os.close(number)


KINDS = {
    "a process with our mark": marked_process,
    "a process without, that holds a lock": holder_of_a_lock,
    "a port": listener,
    "a socket file": socket_file,
    "a write-ahead log": lambda box: planted_file(box.state / "servers/x/temporal.db-wal"),
    "a half-made database": lambda box: planted_file(
        box.state / "servers/x/temporal.db.unfinished-database"
    ),
    "a private server": lambda box: planted_directory(box.state / "private/0123456789abcdef"),
    "throw-away data": lambda box: planted_directory(
        box.tmp / "temporal-devserver-0123456789abcdef"
    ),
    "a descriptor": descriptor,
}


@pytest.mark.parametrize("kind", KINDS)
def test_leak(sandbox: Sandbox, kind: str) -> None:
    oracle = Oracle(sandbox)
    assert oracle.leaks() == []
    with KINDS[kind](sandbox) as found:
        leaks = oracle.leaks()
        assert any(found in leak for leak in leaks), leaks
    eventually("it is gone", lambda: oracle.leaks() == [])


def test_zombie(sandbox: Sandbox) -> None:
    oracle = Oracle(sandbox)
    process = subprocess.Popen(["sleep", "100"], stdin=subprocess.DEVNULL)
    eventually("its environment shows", lambda: process.pid in sandbox.processes())
    process.kill()
    eventually("it is dead", lambda: not is_alive(process.pid))
    assert oracle.zombies() == [process.pid]
    process.wait()
    assert oracle.zombies() == []
