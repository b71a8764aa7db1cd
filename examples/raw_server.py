"""Boots the `temporal` executable by itself, to have something to compare a supervised start with.

It runs the very command line of a server of ours, on a copy of a database, and looks every
millisecond whether `DescribeNamespace` is answered: by a few bytes of HTTP/2 written by hand, for
an SDK client would add its own milliseconds to every figure.
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
"""Seconds within which a boot has to succeed."""

PORTS = ("--port", "--http-port", "--metrics-port")
COMPANIONS = ("", "-wal", "-shm")
"""The files of an SQLite database, by what follows its name."""


def command_of(pid: int) -> list[str]:
    """Returns the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


def copy_database(source: Path, target: Path) -> None:
    """Copies a database with all of its files."""
    for suffix in COMPANIONS:
        if Path(f"{source}{suffix}").exists():
            shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")


def plain(executable: str) -> list[str]:
    """Returns the command line of the CLI's own memory mode, without anything of ours."""
    ports = [word for at, flag in enumerate(PORTS) for word in (flag, str(at))]
    return [executable, "server", "start-dev", "--headless", "--log-level", "error", *ports]


def raw_boot(command: list[str], database: Path) -> float:
    """Returns the seconds from the spawn of `command` on a copy of `database` to its answer."""
    with raw_server(command, database) as (_, seconds):
        return seconds


@contextmanager
def raw_server(command: list[str], database: Path | None) -> Iterator[tuple[str, float]]:
    """Runs `command` on ports of its own; gives its address and how long the boot took."""
    with tempfile.TemporaryDirectory(prefix="raw-") as folder:
        changes = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        if database is not None:
            changes["--db-filename"] = f"{folder}/temporal.db"
            copy_database(database, Path(changes["--db-filename"]))
        words = [changes.get(before, word) for before, word in zip(["", *command], command)]  # noqa: B905
        port = int(changes["--port"])
        with open(f"{folder}/log", "wb") as log:
            began = time.perf_counter()
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while not is_answering(port):
                assert process.poll() is None, Path(folder, "log").read_text()
                assert time.perf_counter() - began < PATIENCE, "the server does not come up"
                time.sleep(0.001)
            yield f"127.0.0.1:{port}", time.perf_counter() - began
        finally:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Returns ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def is_answering(port: int) -> bool:
    """Tells whether `DescribeNamespace default` succeeds at this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(_REQUEST)
            return _answers(connection)
    except OSError:
        return False


def _answers(connection: socket.socket) -> bool:
    """Reads frames until the first one of data (an answer) or the end of the stream (an error)."""
    stream = connection.makefile("rb")
    while header := stream.read(9):
        length = int.from_bytes(header[:3], "big")
        kind, flags = header[3], header[4]
        stream.read(length)
        if kind == _DATA:
            return length > 5  # an empty message would be no namespace
        if kind == _HEADERS and flags & _END_STREAM:
            return False
    return False


_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


_PATH = "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace"
_FIELDS = (
    b"\x83\x86"  # :method POST, :scheme http, from HPACK's static table
     b"\x04" + _text(_PATH)
    + b"\x01" + _text("localhost")
    + b"\x0f\x10" + _text("application/grpc")
    + b"\x00" + _text("te") + _text("trailers")
)  # fmt: skip
_NAMESPACE = b"\x0a" + _text("default")
_REQUEST = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + _frame(_SETTINGS, 0, 0, b"")
    + _frame(_HEADERS, _END_HEADERS, 1, _FIELDS)
    + _frame(_DATA, _END_STREAM, 1, b"\0" + struct.pack(">I", len(_NAMESPACE)) + _NAMESPACE)
)
