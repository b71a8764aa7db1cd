"""Scenario 6: asking for a server that runs is success."""

import asyncio
from pathlib import Path

import pytest

from temporal_devserver import AsyncDevServer, DevServer


@pytest.mark.real_server
def test_again_and_from_elsewhere(real_temporal: Path) -> None:
    server = DevServer("same", executable=real_temporal)
    server.start()
    server.start()
    first = server.status()
    with DevServer("same") as other:
        assert other.address == server.address
        assert other.status().pid == first.pid
        assert len(other.status().leases) == 2
    asyncio.run(_attach(first.pid))
    assert server.status().pid == first.pid
    server.close()
    server.close()


async def _attach(pid: int | None) -> None:
    async with AsyncDevServer("same") as server:
        await server.start()
        assert (await server.status()).pid == pid
