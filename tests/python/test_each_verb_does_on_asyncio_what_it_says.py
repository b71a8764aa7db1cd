"""Each verb of the asyncio face does its work, and where there is no server it says why."""

import asyncio
import logging
import os
import shutil
import signal
from pathlib import Path

import pytest

from support import Sandbox, eventually, eventually_async
from temporal_devserver import (
    AsyncDevServer,
    DevServer,
    ExecutableNotFoundError,
    NotRunningError,
    StartTimeoutError,
)


def test_each_verb(fake_temporal: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        server = AsyncDevServer(executable=fake_temporal, ip="0.0.0.0")
        with pytest.raises(NotRunningError, match=r"not started by this handle; call `start\(\)`"):
            assert server.address
        async with server:
            first = await server.status()
            assert (first.address or "").startswith("127.0.0.1:")
            await server.pause()
            with pytest.raises(StartTimeoutError, match="the server is paused"):
                await server.wait_ready(0.05)
            await server.resume()
            assert (await server.wait_ready(20)).pid == first.pid
            await server.restart()
            assert (await server.wait_ready(20)).pid != first.pid
            await server.create_namespace("short")
            await server.delete_namespace("short")
            assert "short" not in await server.list_namespaces()
            assert any("Temporal Server" in line for line in await server.logs())
            await server.stop()
            with pytest.raises(NotRunningError, match=r"was stopped; call `start\(\)`"):
                await server.status()

    with caplog.at_level(logging.INFO, "temporal_devserver"):
        asyncio.run(main())
    assert "the whole network can reach" in caplog.text


def test_a_heal_that_failed_is_the_cause(fake_temporal: Path, sandbox: Sandbox) -> None:
    executable = Path(shutil.copy(fake_temporal, sandbox.root / "temporal"))
    server = DevServer(executable=executable, start_timeout=2)
    server.start()
    supervisor = server.status().supervisor_pid
    assert supervisor is not None
    executable.unlink()
    os.kill(supervisor, signal.SIGKILL)
    eventually("the handle has given up", lambda: "idle" in repr(server))
    with pytest.raises(NotRunningError, match="has failed: ") as caught:
        server.status()
    assert isinstance(caught.value.__cause__, ExecutableNotFoundError)


def test_a_handle_that_is_collected_in_another_thread(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    async def main() -> None:
        handles = [AsyncDevServer(executable=fake_temporal)]
        await handles[0].start()
        assert sandbox.processes()
        await asyncio.get_running_loop().run_in_executor(None, handles.clear)
        await eventually_async("nothing is left", lambda: not sandbox.processes())

    with pytest.warns(ResourceWarning, match="never closed"):
        asyncio.run(main())


def test_a_wait_is_over_in_time_while_the_server_starts(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")

    async def main() -> None:
        server = AsyncDevServer(executable=fake_temporal)
        start = asyncio.create_task(server.start())
        await eventually_async("it starts", lambda: "starting" in repr(server))
        with pytest.raises(StartTimeoutError, match=r"not ready within 0\.05 s"):
            await server.wait_ready(0.05)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start

    asyncio.run(main())


def test_a_blocking_program_deletes_a_namespace(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        server.create_namespace("short")
        assert "short" in server.list_namespaces()
        server.delete_namespace("short")
        assert "short" not in server.list_namespaces()
