"""A program that freezes its clock is healed all the same, while it is frozen and afterwards.

The clock is frozen in a host of its own; the test itself waits by the real one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from typing import TYPE_CHECKING

import pytest
from freezegun import freeze_time

from support import Host, accepts, eventually, is_alive
from temporal_devserver import _aside, _clock, _timer
from temporal_devserver._pytest import cleanup

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

UPPER = 30.0
"""Ten times what a heal may take here."""

CLOCKS = {
    "freezegun": "from freezegun import freeze_time as freeze",
    "time-machine": "from time_machine import travel as freeze",
}

BLOCKING = """
import json, sys
from datetime import timedelta
from temporal_devserver import StartTimeoutError
clock = freeze(sys.argv[2], tick=sys.argv[3] == "ticking")

def tell(server):
    status = server.wait_ready(timedelta(days=60))
    told = [status.supervisor_pid, status.pid, server.address, status.state_dir]
    print(json.dumps(told), flush=True)
    sys.stdin.readline()

clock.start()
with DevServer(executable=sys.argv[1]) as server:
    tell(server)
    with server.outage(0.01):
        server.wait_ready(20)
    with server.outage():
        try:
            server.wait_ready(0.01)
        except StartTimeoutError:
            pass
    tell(server)
    clock.stop()
    tell(server)
    tell(server)
"""

ASYNCIO = """
import asyncio, json, os, sys
from datetime import timedelta
from temporal_devserver import StartTimeoutError
clock = freeze(sys.argv[2], tick=sys.argv[3] == "ticking")

async def tell(server):
    status = await server.wait_ready(timedelta(days=60))
    told = [status.supervisor_pid, status.pid, server.address, status.state_dir]
    print(json.dumps(told), flush=True)
    loop, line = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(0, line.set)
    await line.wait()
    loop.remove_reader(0)
    os.read(0, 1)

async def main():
    clock.start()
    async with AsyncDevServer(executable=sys.argv[1]) as server:
        await tell(server)
        async with server.outage(0.01):
            await server.wait_ready(20)
        async with server.outage():
            try:
                await server.wait_ready(0.01)
            except StartTimeoutError:
                pass
        await tell(server)
        clock.stop()
        await tell(server)
        await tell(server)
"""

FACES = {
    "blocking": BLOCKING,
    "asyncio": f"{ASYNCIO}\nasyncio.run(main())",
    "uvloop": f"import uvloop\n{ASYNCIO}\nuvloop.run(main())",
}


def heal(host: Host) -> None:
    """Kills the supervisor of a host that does other things; the host brings it back by itself.

    For a moment the test holds a lock that the host needs, so the host has to wait by a clock.
    """
    supervisor, server, address, directory = host.told()
    with open(f"{directory}/spawn.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.kill(supervisor, signal.SIGKILL)
        eventually("the server died with it", lambda: not is_alive(server))
    eventually("it is back", lambda: accepts(address), UPPER)
    host.go_on()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("ticks", ["standing", "ticking"])
@pytest.mark.parametrize("moment", ["2012-01-14", "2090-01-14"])
@pytest.mark.parametrize("library", CLOCKS)
def test_a_killed_supervisor_is_healed_while_the_clock_is_frozen_and_afterwards(
    fake_temporal: Path, library: str, moment: str, ticks: str, face: str
) -> None:
    program = f"{CLOCKS[library]}\n{FACES[face]}"
    with Host(program, str(fake_temporal), moment, ticks) as host:
        heal(host)
        heal(host)
        heal(host)
        host.told()
        host.go_on()
        assert host.wait() == 0


@pytest.mark.parametrize("moment", ["2012-01-14", "2090-01-14"])
def test_timers_and_limits_come_though_the_clock_of_the_loop_stands(moment: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await _timer.sleep(0.01)
        assert loop.time() == before, "the loop's clock stands"
        with pytest.raises(asyncio.TimeoutError):
            await _timer.limited(asyncio.sleep(60), 0.01)

    with freeze_time(moment):
        began = _clock.monotonic()
        asyncio.run(main())
        with pytest.raises(asyncio.TimeoutError):
            _aside.run(asyncio.sleep(60), 0.01)
        _clock.sleep(0.01)
        assert _clock.monotonic() - began >= 0.03


SUITE = """
import os, signal, socket
from freezegun import freeze_time

@pytest.fixture
def frozen():
    with freeze_time("2012-01-14"):
        yield

def test_frozen(frozen, temporal_private_server):
    temporal_private_server.kill()
    temporal_private_server.wait_ready()

def test_shared(temporal_server):
    status = temporal_server.status()
    os.kill(status.supervisor_pid, signal.SIGKILL)
    host, port = temporal_server.address.split(":")
    until = time.monotonic() + 20
    while os.path.exists(f"/proc/{status.pid}/exe"):
        assert time.monotonic() < until
    while True:
        try:
            socket.create_connection((host, int(port)), 0.5).close()
            break
        except OSError:
            assert time.monotonic() < until
"""


def test_a_test_that_freezes_the_clock_leaves_the_healing_to_the_next(suite: Suite) -> None:
    suite.tests(f"import time\n{SUITE}")
    suite.run().assert_outcomes(passed=2)


def test_a_frozen_clock_lets_no_namespace_of_an_existing_server_expire() -> None:
    later = cleanup._lease("another", 1000)
    with freeze_time("2090-01-14"):
        assert not cleanup._is_mine(later, "mine")
    with freeze_time("2012-01-14"):
        assert cleanup._is_mine(cleanup._lease("another", -1), "mine")


EXPLAINED = """
import asyncio
from datetime import timedelta
from freezegun import freeze_time

@pytest.fixture
def frozen():
    with freeze_time("2090-01-14"):
        yield

def test_frozen(temporal_client, frozen):
    start = temporal_client.start_workflow("Nobodys", id="waits", task_queue="nobody")
    asyncio.run(start)
    assert False, "on purpose"
"""


@pytest.mark.real_server
def test_a_failing_test_with_a_frozen_clock_tells_ages_by_the_real_one(
    real_suite: Suite,
) -> None:
    real_suite.tests(EXPLAINED)
    result = real_suite.run("--temporal-report", "report.html")
    result.assert_outcomes(failed=1)
    lines = [line for line in result.outlines if "workflow task waits for" in line]
    assert lines, result.outlines
    age = float(lines[0].split("waits for ")[1].split(" s;")[0])
    assert 0.0 <= age < 60.0
    report = (real_suite.path / "report.html").read_text()
    assert "2090" not in report
