"""Scenario 7: a stranger on our port is named; a server that does not answer is told unhealthy."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from support import listening
from temporal_devserver import AsyncDevServer, DevServer, PortInUseError


@pytest.mark.real_server
def test_the_holder_is_named(real_temporal: Path) -> None:
    with listening() as port:
        began = time.monotonic()
        with pytest.raises(PortInUseError) as caught:
            DevServer(executable=real_temporal, port=port).start()
    assert time.monotonic() - began < 10
    error = caught.value
    assert (error.port, error.role) == (port, "port")
    assert str(os.getpid()) in str(error)
    assert "python" in str(error)
    assert str(error).endswith("choose another port")


@pytest.mark.real_server
def test_silence_is_told(real_temporal: Path) -> None:
    asyncio.run(_silence(real_temporal))


async def _silence(executable: Path) -> None:
    health = {"interval": 0.5, "timeout": 0.5, "failures": 1000}
    server = AsyncDevServer(executable=executable, health=health)  # type: ignore[arg-type]
    async with server:
        pid = (await server.status()).pid
        assert pid is not None
        events = server.events()
        os.kill(pid, signal.SIGSTOP)
        began = time.time()
        event = await asyncio.wait_for(events.__anext__(), 15)
        assert event.kind == "unhealthy"
        assert event.time - began < 10 * 1.0
        assert (await server.status()).state == "unhealthy"
        os.kill(pid, signal.SIGCONT)
        event = await asyncio.wait_for(events.__anext__(), 15)
        assert event.kind == "recovered"
        assert (await server.status()).pid == pid
