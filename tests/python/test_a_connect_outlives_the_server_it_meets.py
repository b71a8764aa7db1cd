"""`connect()` while the server is just being replaced connects to the one that comes after it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from temporal_devserver import AsyncDevServer, DevServer
from temporal_devserver._options import Restart

TIMES = 5
RESTART: Restart = {"limit": 100}


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.mark.real_server
def test_blocking_face(real_temporal: Path) -> None:
    with DevServer(executable=real_temporal, restart=RESTART) as server:
        for _ in range(TIMES):
            kill(server.status().pid)
            server.connect()
            server.wait_ready()


@pytest.mark.real_server
def test_async_face(real_temporal: Path) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=real_temporal, restart=RESTART) as server:
            for _ in range(TIMES):
                kill((await server.status()).pid)
                await server.connect()
                await server.wait_ready()

    asyncio.run(main())
