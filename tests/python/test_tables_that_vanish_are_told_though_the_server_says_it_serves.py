"""A server whose tables are gone says `SERVING` for ever; it is told all the same, and not for ever
tried anew."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from temporal_devserver import AsyncDevServer, DevServerError

HEALTH = {"interval": 0.25, "timeout": 0.5, "failures": 12}
"""A twentieth of what is usual, so that a minute is three seconds."""


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.parametrize("table", ["namespaces", "%"])
def test_vanished(real_temporal: Path, table: str) -> None:
    asyncio.run(_vanished(real_temporal, table))


TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ?"


def drop(file: str, table: str) -> None:
    """Drops what can be dropped of the tables whose names are like this."""
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as database:
        for (name,) in database.execute(TABLES, [table]).fetchall():
            with contextlib.suppress(sqlite3.OperationalError):  # a virtual table took it along
                database.execute(f"DROP TABLE {name}")


async def _vanished(executable: Path, table: str) -> None:
    server = AsyncDevServer(executable=executable, health=HEALTH)  # type: ignore[arg-type]
    async with server:
        client = await server.connect()
        status = await server.status()
        assert status.db_path is not None
        events = server.events()
        drop(status.db_path, table)
        told = await asyncio.wait_for(anext(events), 20)
        assert told.kind == "unhealthy", told
        # Some of its services say it, others try again until nobody listens any more.
        assert "no such table" in told.message or "no answer within" in told.message
        assert await client.service_client.check_health()
        assert (await server.status()).state == "unhealthy"
        assert (await server.status()).restarts == 0
        exited = await asyncio.wait_for(anext(events), 20)
        assert exited.kind == "exited", exited
        # No boot makes tables anew: either it works again, or everybody is told why it does not.
        with contextlib.suppress(DevServerError):
            await asyncio.wait_for(server.wait_ready(20), 25)
        state = (await server.status()).state
        assert state == "failed", state
