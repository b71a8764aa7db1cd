"""A server that stands still is told and replaced; one that a debugger holds is left alone."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from support import Host, Sandbox
from temporal_devserver import AsyncDevServer

HEALTH = {"interval": 0.2, "timeout": 0.3, "failures": 4}
"""A fortieth of what is usual: four failures take two seconds."""

DEBUGGER = """
import ctypes, json, os, sys
pid, libc, held = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True), set()
SEIZE, INTERRUPT = 0x4206, 0x4207
while new := {int(task) for task in os.listdir(f"/proc/{pid}/task")} - held:
    for task in new:
        for request in (SEIZE, INTERRUPT):
            if libc.ptrace(request, task, None, None):
                print(json.dumps(os.strerror(ctypes.get_errno())), flush=True)
        held.add(task)
print(json.dumps("holds"), flush=True)
sys.stdin.readline()
"""


@pytest.mark.real_server
def test_it_is_replaced(real_temporal: Path, sandbox: Sandbox) -> None:
    asyncio.run(_replaced(real_temporal, sandbox))


async def _replaced(executable: Path, sandbox: Sandbox) -> None:
    async with AsyncDevServer(executable=executable, health=HEALTH) as server:  # type: ignore[arg-type]
        await server.create_namespace("data")
        before = await server.status()
        assert before.pid is not None
        events = server.events()
        os.kill(before.pid, signal.SIGSTOP)
        told = [await asyncio.wait_for(anext(events), 20) for _ in range(2)]
        assert [event.kind for event in told] == ["unhealthy", "exited"]
        async for event in events:
            if event.kind == "ready":
                break
        after = await server.status()
        assert after.pid != before.pid
        assert (after.address, after.restarts) == (before.address, 1)
        assert "data" in await server.list_namespaces()
        assert sandbox.servers() == [after.pid]


@pytest.mark.long
@pytest.mark.real_server
def test_a_debugger_is_not_disturbed(real_temporal: Path) -> None:
    asyncio.run(_debugged(real_temporal))


async def _debugged(executable: Path) -> None:
    async with AsyncDevServer(executable=executable, health=HEALTH) as server:  # type: ignore[arg-type]
        before = await server.status()
        with Host(DEBUGGER, str(before.pid), python=sys.executable) as debugger:
            if (told := debugger.told()) != "holds":
                debugger.kill()
                pytest.skip(f"NOT TESTED: nobody may debug here: {told}")
            client = asyncio.create_task(server.list_namespaces())
            # Four times what it takes to replace one that stands still by itself.
            done, _ = await asyncio.wait([client], timeout=8)
            assert not done, "the debugger does not hold it"
            held = await server.status()
            assert (held.pid, held.restarts) == (before.pid, 0)
            debugger.go_on()
            assert debugger.wait() == 0
        assert await client == ["default"]

        await server.wait_ready(20)
        after = await server.status()
        assert (after.pid, after.restarts) == (before.pid, 0)
