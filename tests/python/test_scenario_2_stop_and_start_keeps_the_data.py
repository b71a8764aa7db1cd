"""Scenario 2: what is kept survives a stop; after a stop it is one file, complete by itself."""

import asyncio
import shutil
from pathlib import Path
from typing import Literal

import pytest

from support import Sandbox
from temporal_devserver import AsyncDevServer


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.parametrize("kind", ["under the name", "at a path"])
def test_kept_database(real_temporal: Path, sandbox: Sandbox, kind: str) -> None:
    db: Path | Literal[True] = sandbox.root / "orders.db" if kind == "at a path" else True
    server = AsyncDevServer("kept", executable=real_temporal, db=db)
    asyncio.run(_kept(server, real_temporal, sandbox))


async def _kept(server: AsyncDevServer, executable: Path, sandbox: Sandbox) -> None:
    await server.start()
    await server.create_namespace("mine")
    client = await server.connect()
    for number in range(20):
        await client.start_workflow("W", id=f"w{number}", task_queue="nobody")
    status = await server.status()
    assert status.db_path is not None
    file = Path(status.db_path)
    await server.stop()
    assert [path.name for path in file.parent.glob(f"{file.name}*") if path.suffix != ".lock"] == [
        file.name
    ]
    alone = sandbox.root / "copy" / "alone.db"
    alone.parent.mkdir()
    shutil.copy(file, alone)

    await server.start()
    assert set(await server.list_namespaces()) == {"default", "mine"}
    assert await _ids(server) == {f"w{number}" for number in range(20)}
    await server.close()

    async with AsyncDevServer("copy", executable=executable, db=alone) as copy:
        assert await _ids(copy) == {f"w{number}" for number in range(20)}


async def _ids(server: AsyncDevServer) -> set[str]:
    client = await server.connect()
    return {each.id async for each in client.list_workflows()}
