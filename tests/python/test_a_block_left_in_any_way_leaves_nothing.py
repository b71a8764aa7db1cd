"""Exceptions, cancellation at every moment, handles forgotten: the sandbox checks the rest."""

import asyncio
import gc
import os
import signal
from pathlib import Path

import pytest

from support import Host, Sandbox, eventually
from temporal_devserver import AsyncDevServer, DevServer


class OopsError(Exception):
    """Raised by the program under test."""


def test_exception_in_a_blocking_block(fake_temporal: Path, sandbox: Sandbox) -> None:
    with pytest.raises(OopsError), DevServer(executable=fake_temporal):
        assert sandbox.servers()
        raise OopsError
    assert not sandbox.servers()


def test_exception_in_an_async_block(fake_temporal: Path, sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal):
            raise OopsError

    with pytest.raises(OopsError):
        asyncio.run(main())
    assert not sandbox.servers()


@pytest.mark.parametrize("delay", range(0, 310, 10))
def test_cancelled_start(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, delay: int
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "ready_after=0.2")

    async def main() -> None:
        server = AsyncDevServer(executable=fake_temporal)
        task = asyncio.create_task(server.start())
        await asyncio.sleep(delay / 1000)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            assert "idle" in repr(server)
        await server.close()

    asyncio.run(main())
    eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left(), 2)


def test_a_timeout_around_start(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")

    async def main() -> None:
        server = AsyncDevServer(executable=fake_temporal)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(server.start(), 0.5)

    asyncio.run(main())


def test_exit_under_cancellation_completes(fake_temporal: Path, sandbox: Sandbox) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def user() -> None:
            async with AsyncDevServer(executable=fake_temporal):
                entered.set()
                await asyncio.sleep(100)

        task = asyncio.create_task(user())
        await entered.wait()
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not sandbox.servers()

    asyncio.run(main())


def test_interrupted_start(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")
    program = """
import json, sys
try:
    DevServer(executable=sys.argv[1]).start()
except KeyboardInterrupt:
    print(json.dumps("interrupted"), flush=True)
"""
    with Host(program, str(fake_temporal)) as host:
        eventually("it starts", sandbox.servers)
        os.kill(host.pid, signal.SIGINT)
        assert host.told() == "interrupted"
        assert host.wait() == 0


def test_forgotten_handles_give_up_their_leases(fake_temporal: Path, sandbox: Sandbox) -> None:
    server = DevServer(executable=fake_temporal)
    server.start()
    with pytest.warns(ResourceWarning, match="was never closed"):
        del server
        gc.collect()
    eventually("the server is gone", lambda: not sandbox.processes())

    async def main() -> None:
        server = AsyncDevServer(executable=fake_temporal)
        await server.start()
        with pytest.warns(ResourceWarning, match="was never closed"):
            del server
            gc.collect()

    asyncio.run(main())
    eventually("the server is gone", lambda: not sandbox.processes())
