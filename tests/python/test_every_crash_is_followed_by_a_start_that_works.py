"""After any crash a start just works: "already running" is never an error."""

import itertools
import os
import signal
from pathlib import Path

import pytest

from support import Host, Sandbox, is_alive
from temporal_devserver import DevServer

PROGRAM = """
import json, os, sys, time
server = DevServer("again", executable=sys.argv[1], db=True)
server.start()
status = server.status()
print(json.dumps([os.getpid(), status.supervisor_pid, status.pid]), flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("order", list(itertools.permutations(range(3), 3)))
def test_killed_in_any_order(fake_temporal: Path, sandbox: Sandbox, order: list[int]) -> None:
    with Host(PROGRAM, str(fake_temporal)) as host:
        pids = host.told()
        for index in order:
            if is_alive(pids[index]):
                os.kill(pids[index], signal.SIGKILL)
        with DevServer("again", executable=fake_temporal) as server:  # at once
            assert server.status().pid not in pids
            assert server.status().state == "ready"
            assert len(sandbox.servers()) == 1


def test_host_is_killed_and_the_next_attaches_at_once(fake_temporal: Path) -> None:
    for _ in range(5):
        with Host(PROGRAM, str(fake_temporal)) as host:
            host.told()
            host.process.kill()
            with DevServer("again", executable=fake_temporal) as server:
                assert server.status().state == "ready"


@pytest.mark.long
def test_a_supervisor_that_is_stopped_is_replaced(fake_temporal: Path) -> None:
    with Host(PROGRAM, str(fake_temporal)) as host:
        _, supervisor, _ = host.told()
        os.kill(supervisor, signal.SIGSTOP)
        with DevServer("again", executable=fake_temporal) as server:
            assert server.status().state == "ready"
