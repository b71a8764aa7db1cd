"""A real server that is restored, or reset, is what it was: what came later is gone for good."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from flows import Steps, double
from support import Sandbox
from temporal_devserver import AsyncDevServer, DatabaseError, DevServer, SnapshotVersionError
from temporal_devserver._errors import ConfigError

MANY = 1000


def worker(client: Client) -> Worker:
    """Returns a worker; each one is new, so that none remembers what was undone."""
    return Worker(client, task_queue="q", workflows=[Steps], activities=[double])


@pytest.mark.real_server
@pytest.mark.parametrize("kept", [False, True])
def test_running_workflows_go_on(real_temporal: Path, sandbox: Sandbox, *, kept: bool) -> None:
    db = sandbox.root / "kept.db" if kept else None
    asyncio.run(_running(real_temporal, sandbox.root / "snapshot", db))


async def _running(executable: Path, snapshot: Path, db: Path | None) -> None:
    options = {"executable": executable, "db": db, "search_attributes": {"customer": "Keyword"}}
    async with AsyncDevServer("shop", namespaces=["shop"], **options) as server:  # type: ignore[arg-type]
        client = await server.connect()
        events, before = server.events(), await server.status()
        async with worker(client):
            start = client.start_workflow
            handles = [
                await start(Steps.run, args=[n, 1.0], id=f"w{n}", task_queue="q") for n in range(3)
            ]
            await server.snapshot(snapshot)
            results = [await handle.result() for handle in handles]
        await server.create_namespace("later")
        async with AsyncDevServer("shop", namespaces=["asked-for-later"]) as other:
            await server.restore(snapshot, force=True)
            told = [(await anext(events)).kind for _ in range(4)]
            assert told == ["exited", "restored", "starting", "ready"]
            assert sorted(await other.list_namespaces()) == ["asked-for-later", "default", "shop"]
        after = await server.status()
        assert (after.address, after.restarts) == (before.address, 0)
        for handle in handles:  # on the connection from before
            description = await handle.describe()
            assert description.status == WorkflowExecutionStatus.RUNNING
        async with worker(client):
            assert [await handle.result() for handle in handles] == results == [0, 4, 8]


@pytest.mark.real_server
@pytest.mark.long
@pytest.mark.timeout(300)
def test_many_finished_workflows_are_made_once(real_temporal: Path, sandbox: Sandbox) -> None:
    asyncio.run(_many(real_temporal, sandbox.root / "snapshot"))


async def _many(executable: Path, snapshot: Path) -> None:
    async with AsyncDevServer(executable=executable) as server:
        client = await server.connect()

        async def one(number: int) -> None:
            await client.execute_workflow(
                Steps.run, args=[number, 0.0], id=f"w{number}", task_queue="q"
            )

        async with worker(client):
            for begin in range(0, MANY, 50):
                await asyncio.gather(*map(one, range(begin, begin + 50)))
        await _counted(client, MANY)
        await server.snapshot(snapshot)
        for _ in range(3):
            await server.reset()
            await _counted(client, 0)
            await server.restore(snapshot)
            await _counted(client, MANY)
        assert await client.get_workflow_handle(f"w{MANY - 1}").result() == 4 * (MANY - 1)


async def _counted(client: Client, number: int) -> None:
    """Waits until so many workflows have ended; what has ended is listed a moment later."""
    until = time.monotonic() + 60
    while (await client.count_workflows("ExecutionStatus = 'Completed'")).count != number:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


@pytest.mark.real_server
def test_a_server_starts_on_a_copy_of_a_snapshot(real_temporal: Path, sandbox: Sandbox) -> None:
    snapshot = sandbox.root / "snapshot"
    with DevServer(executable=real_temporal) as server:
        server.create_namespace("before")
        server.snapshot(snapshot)
    copy = sandbox.root / "copy.db"
    copy.write_bytes(snapshot.read_bytes())
    with DevServer(executable=real_temporal, db=copy) as server:
        assert "before" in server.list_namespaces()
        server.reset()
        assert server.list_namespaces() == ["default"]


def test_a_snapshot_of_a_newer_server_is_refused(fake_temporal: Path, sandbox: Sandbox) -> None:
    snapshot = sandbox.root / "snapshot"
    with DevServer(executable=fake_temporal) as server:
        server.snapshot(snapshot)
        with sqlite3.connect(snapshot) as database:
            database.execute("PRAGMA user_version = 99001002")
        database.close()
        before = server.status()
        with pytest.raises(SnapshotVersionError, match=r"or another snapshot$") as refused:
            server.restore(snapshot)
        assert refused.value.made_by == "99.1.2"
        assert refused.value.running == before.version
        assert refused.value.path == str(snapshot)
        assert server.status().pid == before.pid


def test_what_is_no_path_and_what_is_no_snapshot(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DevServer(executable=fake_temporal) as server:
        for wrong in (None, 7, "", b"bytes", "\udcff"):
            with pytest.raises(ConfigError, match="path"):
                server.snapshot(wrong)  # type: ignore[arg-type]
            with pytest.raises(ConfigError, match="path"):
                server.restore(wrong)  # type: ignore[arg-type]
        with pytest.raises(DatabaseError, match="no/such"):
            server.restore(sandbox.root / "no/such")
        with pytest.raises(DatabaseError, match="in use"):
            server.snapshot(server.status().db_path or "")
        monkeypatch.chdir(sandbox.root)  # relative paths are the host's
        server.snapshot("snapshot")
        server.restore("snapshot")
    assert (sandbox.root / "snapshot").exists()
