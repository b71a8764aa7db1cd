"""Who iterates over the events is told that somebody else stopped the server, and is let go."""

import asyncio
import threading
from pathlib import Path

import pytest

from cli_support import cli
from support import eventually
from temporal_devserver import AsyncDevServer, DevServer, NotRunningError


@pytest.mark.parametrize("watch", [True, False])
def test_blocking(fake_temporal: Path, watch: bool) -> None:
    with DevServer("iterated", executable=fake_temporal, watch=watch) as server:
        events = server.events()
        kinds: list[str] = []
        iteration = threading.Thread(target=lambda: kinds.extend(event.kind for event in events))
        iteration.start()
        assert cli("stop", "iterated", "--force").returncode == 0
        iteration.join(20)
        assert not iteration.is_alive()
        assert kinds == ["stopping", "stopped"]
        assert next(events, None) is None
        with pytest.raises(NotRunningError, match="was stopped"):
            server.status()
        server.start()
        assert server.status().state == "ready"


def test_asyncio(fake_temporal: Path) -> None:
    async def main() -> None:
        async with AsyncDevServer("iterated", executable=fake_temporal) as server:

            async def kinds() -> list[str]:
                return [event.kind async for event in server.events()]

            iterations = [asyncio.create_task(kinds()) for _ in range(2)]
            await asyncio.sleep(0)
            stopped = await asyncio.get_running_loop().run_in_executor(
                None, cli, "stop", "iterated", "--force"
            )
            assert stopped.returncode == 0
            told = await asyncio.wait_for(asyncio.gather(*iterations), 20)
            assert told == [["stopping", "stopped"]] * 2
            with pytest.raises(NotRunningError, match="was stopped"):
                await server.status()

    asyncio.run(main())


def test_a_replay_ends_too(fake_temporal: Path) -> None:
    with DevServer("iterated", executable=fake_temporal) as server:
        events = server.events(since=("", 0))
        seen = [next(events).kind, next(events).kind]
        assert seen == ["starting", "ready"]
        cli("stop", "iterated", "--force")
        eventually("the handle knows", lambda: "idle" in repr(server))
        assert [event.kind for event in events] == ["stopping", "stopped"]
