"""A database has for ever what the version that made it knew: that is told, or it is refused."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cli_support import cli
from compat.by_hand import by_hand
from compat.versions import NEWEST, OLDEST
from support import Sandbox
from temporal_devserver import DatabaseError, DevServer

pytestmark = pytest.mark.real_server

ALL = ("", 0)
"""The place before all events."""

Temporal = Callable[[str], Path]


def make(executable: Path, db: Path) -> None:
    """Makes a kept database with a namespace in it."""
    with DevServer(executable=executable, db=db) as server:
        server.create_namespace("before")


def ready(executable: Path, db: Path) -> str:
    """Starts a server on a database that has the namespace; returns what it says when ready."""
    with DevServer(executable=executable, db=db) as server:
        assert "before" in server.list_namespaces()
        return next(each.message for each in server.events(ALL) if each.kind == "ready")


def files(folder: Path) -> dict[str, bytes]:
    """Returns what lies in a folder, but for the lock, and SQLite's index of a log."""
    paths = [path for path in folder.iterdir() if not path.name.endswith((".lock", "-shm"))]
    return {path.name: path.read_bytes() for path in paths}


def change(db: Path, *statements: str) -> None:
    with closing(sqlite3.connect(db)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def db(sandbox: Sandbox) -> Path:
    (sandbox.root / "data").mkdir()
    return sandbox.root / "data/kept.db"


def test_one_that_lacks_tables_is_refused_as_it_is(temporal: Temporal, db: Path) -> None:
    make(temporal(OLDEST), db)
    before = files(db.parent)
    for maker, unmark in ((f"temporal {OLDEST}", False), ("another version of temporal", True)):
        if unmark:
            change(db, "PRAGMA user_version = 0", "PRAGMA application_id = 0")
            before = files(db.parent)
        says = f"made by {maker} and lacks .*{NEWEST} needs.*current_chasm_executions.*another path"
        with pytest.raises(DatabaseError, match=says):
            ready(temporal(NEWEST), db)
        assert files(db.parent) == before
    assert "database was made" not in ready(temporal(OLDEST), db)


def test_one_with_a_log_beside_it_is_refused_as_it_is(temporal: Temporal, db: Path) -> None:
    temporal(OLDEST)

    async def killed() -> None:
        async with by_hand(OLDEST, db):
            pass

    asyncio.run(killed())
    db.with_suffix(".log").unlink()
    before = files(db.parent)
    assert before["kept.db-wal"]
    with pytest.raises(DatabaseError, match="current_chasm_executions"):
        ready(temporal(NEWEST), db)
    assert files(db.parent) == before


def test_one_that_was_run_by_hand_and_killed_is_served(temporal: Temporal, db: Path) -> None:
    temporal(NEWEST)

    async def killed() -> None:
        async with by_hand(NEWEST, db):
            pass

    asyncio.run(killed())
    with DevServer(executable=temporal(NEWEST), db=db) as server:
        event = next(each for each in server.events(ALL) if each.kind == "ready")
        assert event.data["warning"] is None


def test_one_that_lacks_columns_is_told_of(temporal: Temporal, db: Path) -> None:
    make(temporal(NEWEST), db)
    assert "database was made" not in ready(temporal(NEWEST), db)
    column = "ALTER TABLE executions_visibility DROP COLUMN TemporalExternalPayloadCount"
    change(db, "PRAGMA user_version = 1008003", column)
    told = ready(temporal(NEWEST), db)
    says = (
        "its database was made by temporal 1.8.3 and lacks columns (TemporalExternalPayloadCount)"
    )
    assert f"; {says}" in told
    with DevServer("orders", executable=temporal(NEWEST), db=db) as server:
        assert says in server.status().warnings[0]
        assert f"warning  {says}" in cli("status", "orders").stdout


def test_one_of_a_newer_version_is_told_of(temporal: Temporal, db: Path) -> None:
    make(temporal(NEWEST), db)
    told = ready(temporal(OLDEST), db)
    assert f"; its database was made by temporal {NEWEST}, a newer one" in told
    assert "database was made" not in ready(temporal(NEWEST), db)


def test_a_snapshot_that_lacks_tables_is_refused(temporal: Temporal, sandbox: Sandbox) -> None:
    snapshot = sandbox.root / "snapshot"
    with DevServer(executable=temporal(OLDEST)) as server:
        server.snapshot(snapshot)
    with DevServer(executable=temporal(NEWEST)) as server:
        before = server.status()
        with pytest.raises(DatabaseError, match="current_chasm_executions"):
            server.restore(snapshot)
        assert server.status().pid == before.pid
        server.snapshot(sandbox.root / "own")
        server.restore(sandbox.root / "own")
