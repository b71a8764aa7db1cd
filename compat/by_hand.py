"""A server as people run it by hand: without a supervisor, on a file, ended by SIGKILL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.client import Client
from temporalio.service import RPCError

from compat.versions import executable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE = 30.0
"""How long a server may take to answer for the first time."""


@contextlib.asynccontextmanager
async def by_hand(version: str, database: Path) -> AsyncIterator[Client]:
    """Runs a server for the time of a block.

    Raises:
        RuntimeError: It ended, or never answered.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = _spawn(version, database, port)
    try:
        until = time.monotonic() + PATIENCE
        while (client := await _connected(f"127.0.0.1:{port}")) is None:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"temporal {version} does not start")
            await asyncio.sleep(0.05)
        yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _spawn(version: str, database: Path, port: int) -> subprocess.Popen[bytes]:
    with database.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            [
                executable(version),
                *("server", "start-dev", "--headless", "--port", str(port)),
                *("--db-filename", database, "--log-level", "warn"),
                *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
            ],
            env={"HOME": "/", "PATH": os.environ["PATH"]},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _connected(address: str) -> Client | None:
    """Returns a client of a server that answers."""
    try:
        client = await Client.connect(address)
        await client.count_workflows(rpc_timeout=timedelta(seconds=1))
    except (RuntimeError, RPCError):
        return None
    return client


def fold(database: Path) -> None:
    """Folds the log of a server that is gone into its file."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def columns(database: Path) -> dict[str, set[str]]:
    """Returns the tables of a database, with their columns."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT m.name, x.name FROM sqlite_master m, pragma_table_xinfo(m.name) x"
            " WHERE m.type = 'table'"
        )
        found: dict[str, set[str]] = {}
        for table, column in rows:
            found.setdefault(table, set()).add(column)
    return found
