"""In the block of an outage nobody answers; after it the server is there, at the same address."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from temporalio.service import RPCError
from temporalio.worker import Worker

from flows import Steps, double
from support import Host, accepts, eventually
from temporal_devserver import AsyncDevServer, ConfigError, DevServer, SharedServerError
from temporal_devserver._script import Script

HOST = """
import sys
with DevServer('shared') as server:
    with server.outage(force=True):
        print('"down"', flush=True)
        input()
"""


@pytest.mark.real_server
def test_a_client_sees_it_and_goes_on(real_temporal: Path) -> None:
    asyncio.run(_seen(real_temporal))


async def _seen(executable: Path) -> None:
    async with AsyncDevServer(executable=executable) as server:
        client = await server.connect()
        address, pid = server.address, (await server.status()).pid
        async with Worker(client, task_queue="q", workflows=[Steps], activities=[double]):
            handle = await client.start_workflow(Steps.run, args=[5, 0.3], id="w", task_queue="q")
            async with server.outage():
                assert not accepts(address)
                assert (await server.status()).state == "restarting"
                with pytest.raises(RPCError):
                    await handle.describe()
            after = await server.status()
            assert (after.state, after.address) == ("ready", address)
            assert after.pid != pid
            assert await asyncio.wait_for(handle.result(), 30) == 20


def test_it_ends_by_itself_while_the_block_goes_on(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server, server.outage(0.2):
        server.wait_ready(20)
        assert accepts(server.address)


def test_whatever_ends_the_block_ends_it(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        with pytest.raises(KeyError), server.outage():
            raise KeyError
        assert server.status().state == "ready"
        with pytest.raises(ConfigError), server.outage(-1):
            pass


def test_an_interrupted_beginning_is_undone(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        script = server._begin_outage(None, force=False)
        next(script)
        with pytest.raises(KeyboardInterrupt):
            _finish(server, script)
        server.wait_ready(20)


def _finish(server: DevServer, script: Script[None]) -> None:
    """Runs a script on from where Ctrl-C meets it, as the blocking face does."""
    wait = script.throw(KeyboardInterrupt())
    while True:
        server._pause(wait)
        wait = next(script)


def test_it_ends_with_the_lease_of_who_asked_for_it(fake_temporal: Path) -> None:
    with DevServer("shared", executable=fake_temporal) as server:
        with Host(HOST) as host:
            assert host.told() == "down"
            assert not accepts(server.address)
            host.kill()
            assert server.wait_ready(20).address == server.address
        with Host(HOST) as host:
            assert host.told() == "down"
            with pytest.raises(SharedServerError, match="outage"), server.outage():
                pass
            host.go_on()
            assert host.wait() == 0
        server.wait_ready(20)


def test_a_supervisor_that_is_killed_in_it_ends_it(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        with server.outage():
            os.kill(server.status().supervisor_pid or 0, signal.SIGKILL)
            eventually("it is healed", lambda: accepts(server.address))
        assert server.status().state == "ready"
