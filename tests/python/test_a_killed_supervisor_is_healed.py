"""`kill -9` of the supervisor: the server dies with it, and the clients bring both back."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from support import Host, accepts, eventually, eventually_async, is_alive
from temporal_devserver import AsyncDevServer, DevServer, NotRunningError, SharedServerError

UPPER = 30.0
"""Ten times what a heal may take here (cold start + 50 ms)."""

SLEEPER = """
import json, sys, time
server = DevServer(executable=sys.argv[1], namespaces=["mine"])
server.start()
server.create_namespace("data")
status = server.status()
print(json.dumps([status.pid, status.supervisor_pid, server.address]), flush=True)
time.sleep(float(sys.argv[2]))
status = server.status()
names = server.list_namespaces()
print(json.dumps([status.pid, status.supervisor_pid, server.address, names]), flush=True)
server.close()
"""


@pytest.mark.real_server
def test_an_async_handle_heals_in_its_loop(real_temporal: Path) -> None:
    asyncio.run(_heal(real_temporal))


async def _heal(executable: Path) -> None:
    async with AsyncDevServer(executable=executable) as server:
        await server.create_namespace("data")
        before = await server.status()
        events = server.events()
        assert before.supervisor_pid is not None
        os.kill(before.supervisor_pid, signal.SIGKILL)
        killed = time.monotonic()
        seen = []
        async for event in events:
            seen.append(event)
            if event.kind == "ready":
                break
        assert time.monotonic() - killed < UPPER
        assert seen[0].kind == "exited"
        assert "supervisor lost" in seen[0].message + str(seen[0].data)
        after = await server.status()
        eventually("it is dead", lambda: not is_alive(before.pid))
        assert after.supervisor_pid != before.supervisor_pid
        assert (after.address, after.db_path) == (before.address, before.db_path)
        assert "data" in await server.list_namespaces()


@pytest.mark.real_server
def test_a_blocking_handle_heals_while_its_thread_sleeps(
    real_temporal: Path,
) -> None:
    with Host(SLEEPER, str(real_temporal), "3") as host:
        pid, supervisor, address = host.told()
        os.kill(supervisor, signal.SIGKILL)
        eventually("the server died with it", lambda: not is_alive(pid), 1)
        healed = eventually("somebody listens there again", lambda: accepts(address), UPPER)
        assert healed
        new_pid, new_supervisor, new_address, namespaces = host.told()
        assert new_address == address
        assert (new_pid != pid, new_supervisor != supervisor) == (True, True)
        assert {"data", "mine"} <= set(namespaces)
        assert host.wait() == 0


def test_without_the_watch_thread_the_next_call_heals(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal, watch=False) as server:
        before = server.status()
        assert before.supervisor_pid is not None
        os.kill(before.supervisor_pid, signal.SIGKILL)
        eventually("it died", lambda: not is_alive(before.pid), 2)
        after = server.wait_ready(UPPER)
        assert (after.address, after.db_path) == (before.address, before.db_path)
        assert after.supervisor_pid != before.supervisor_pid


def test_every_client_keeps_its_lease(fake_temporal: Path) -> None:
    with (
        DevServer("shared", executable=fake_temporal) as one,
        DevServer("shared") as two,
        DevServer("shared", watch=False) as three,
    ):
        before = one.status()
        assert before.supervisor_pid is not None
        os.kill(before.supervisor_pid, signal.SIGKILL)
        after = three.wait_ready(UPPER)
        assert after.supervisor_pid != before.supervisor_pid

        def leases() -> int:
            return len(two.status().leases)

        eventually("all three are back", lambda: leases() == 3, UPPER)
        assert one.address == two.address == three.address == before.address


def test_a_stop_of_one_client_is_not_healed_by_the_others(fake_temporal: Path) -> None:
    asyncio.run(_stopped(fake_temporal))


async def _stopped(executable: Path) -> None:
    one = AsyncDevServer("shared", executable=executable)
    two = AsyncDevServer("shared")
    await one.start()
    await two.start()
    pid = (await one.status()).pid
    with pytest.raises(SharedServerError) as caught:
        await one.stop()
    assert str(os.getpid()) in str(caught.value)
    assert str(caught.value).endswith("if that is meant")
    assert (await two.status()).pid == pid
    await one.stop(force=True)
    await eventually_async("two is told", lambda: "idle" in repr(two))
    with pytest.raises(NotRunningError, match="was stopped"):
        await two.status()
    await asyncio.sleep(0.3)
    eventually("it is dead", lambda: not is_alive(pid))
    await two.close()
