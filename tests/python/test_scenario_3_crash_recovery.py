"""Scenario 3: a killed server is back at the same address, and the workflow in flight completes."""

import asyncio
import logging
import os
import signal
import time
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Worker

from flows import Steps, double
from support import eventually
from temporal_devserver import AsyncDevServer, DevServer


@pytest.mark.real_server
def test_async_for_sees_it_and_the_workflow_completes(real_temporal: Path) -> None:
    asyncio.run(_crash(real_temporal))


async def _crash(executable: Path) -> None:
    async with AsyncDevServer(executable=executable) as server:
        client = await server.connect()
        address, before = server.address, await server.status()
        events = server.events()
        async with Worker(client, task_queue="q", workflows=[Steps], activities=[double]):
            handle = await client.start_workflow(Steps.run, args=[5, 1.0], id="w", task_queue="q")
            async for step in handle.fetch_history_events(wait_new_event=True):
                if step.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                    break
            assert before.pid is not None
            killed = time.time()
            os.kill(before.pid, signal.SIGKILL)
            seen = []
            async for event in events:
                seen.append(event)
                if event.kind == "ready":
                    break
            kinds = [event.kind for event in seen]
            assert kinds[0] == "exited"
            assert kinds[-1] == "ready"
            assert seen[0].pid == before.pid
            assert seen[0].time - killed < 0.5
            assert "SIGKILL" in seen[0].message
            assert await asyncio.wait_for(handle.result(), 30) == 20
        after = await server.status()
        assert (server.address, after.address) == (address, address)
        assert after.pid != before.pid
        assert after.restarts == 1
        assert after.last_exit is not None
        assert after.supervisor_pid == before.supervisor_pid


@pytest.mark.real_server
def test_the_blocking_log_tells_it(real_temporal: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "temporal_devserver")
    with DevServer(executable=real_temporal) as server:
        pid, address = server.status().pid, server.address
        assert pid is not None
        caplog.clear()
        os.kill(pid, signal.SIGKILL)
        # Nothing is called meanwhile: the watch thread does it.
        eventually("ready is logged", lambda: "ready again at" in caplog.text)
        kinds = [record.getMessage() for record in caplog.records]
        assert "SIGKILL" in kinds[0]
        assert str(pid) in kinds[0]
        assert address in kinds[-1]
        assert server.wait_ready(10).address == address
