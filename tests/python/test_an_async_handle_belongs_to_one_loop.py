"""Each kind of loop works; another loop, or none, is a clear error; no verb holds the loop up."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trio
import uvloop

from temporal_devserver import AsyncDevServer, EventLoopError

uvloop.new_event_loop().close()  # libuv keeps a pipe of its own from its first loop on


async def _use(executable: Path) -> None:
    async with AsyncDevServer(executable=executable) as server:
        assert (await server.status()).state == "ready"
        events = server.events()
        await server.kill()
        assert (await asyncio.wait_for(events.__anext__(), 10)).kind == "exited"
        await server.wait_ready(20)
        await server.create_namespace("x")
        assert "x" in await server.list_namespaces()


def test_uvloop(fake_temporal: Path) -> None:
    loop = uvloop.new_event_loop()
    loop.run_until_complete(_use(fake_temporal))
    loop.close()


@pytest.mark.skipif(not hasattr(asyncio, "Runner"), reason="asyncio.Runner is of 3.11")
def test_runner(fake_temporal: Path) -> None:
    make: Any = vars(asyncio)["Runner"]
    with make() as runner:
        server = AsyncDevServer(executable=fake_temporal)
        runner.run(server.start())
        assert runner.run(server.status()).state == "ready"
        runner.run(server.close())
    asyncio.run(_use(fake_temporal))


def test_another_loop(fake_temporal: Path) -> None:
    server = AsyncDevServer(executable=fake_temporal)

    async def main() -> None:
        await server.start()
        caught: list[BaseException] = []

        def other() -> None:
            try:
                asyncio.run(_status(server))
            except EventLoopError as error:
                caught.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert "started in another event loop" in str(caught[0])
        assert str(caught[0]).endswith("another AsyncDevServer of the same name here")
        assert (await server.status()).state == "ready"
        await server.close()

    asyncio.run(main())
    asyncio.run(_start_and_close(server))  # closed: free for another loop


async def _status(server: AsyncDevServer) -> object:
    return await server.status()


async def _start_and_close(server: AsyncDevServer) -> None:
    await server.start()
    await server.close()


def test_trio(fake_temporal: Path) -> None:
    with pytest.raises(EventLoopError, match=r"under trio too.*DevServer"):
        trio.run(_use, fake_temporal)


def test_a_loop_that_is_closed_before_the_handle(fake_temporal: Path) -> None:
    server = AsyncDevServer(executable=fake_temporal)
    asyncio.run(server.start())
    with pytest.raises(EventLoopError):
        asyncio.run(_status(server))
    asyncio.run(server.close())


def test_no_verb_holds_the_loop_up(fake_temporal: Path) -> None:
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - began - 0.001)

    async def main() -> None:
        heart = asyncio.create_task(beat())
        await asyncio.sleep(0.05)
        await _use(fake_temporal)
        heart.cancel()

    asyncio.run(main())
    assert worst < 10 * 0.005, worst


def test_cancelled_verbs_leave_the_handle_usable(fake_temporal: Path) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal) as server:
            for delay in range(10):
                task = asyncio.create_task(server.list_namespaces())
                await asyncio.sleep(delay / 2000)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert "default" in await server.list_namespaces()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(server.events().__anext__(), 0.01)
            assert (await server.status()).state == "ready"

    asyncio.run(main())
