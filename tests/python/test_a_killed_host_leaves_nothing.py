"""`kill -9` of the host, and of everything at once: nothing is left but what the next start sweeps.

The two seconds are the product's promise; ten times as much is what fails a test.
"""

import os
import signal
from pathlib import Path

import pytest

from support import Host, Sandbox, accepts, eventually, is_alive
from temporal_devserver import DevServer

PROGRAM = """
import json, sys, time
server = DevServer(executable=sys.argv[1])
server.start()
status = server.status()
print(json.dumps([status.pid, status.supervisor_pid, server.address]), flush=True)
time.sleep(100)
"""

UPPER = 20.0


@pytest.mark.real_server
def test_host(real_temporal: Path, sandbox: Sandbox) -> None:
    with Host(PROGRAM, str(real_temporal)) as host:
        pid, supervisor, address = host.told()
        host.kill()
    eventually("all processes are gone", lambda: not sandbox.processes(), UPPER)
    eventually("all files are gone", lambda: not sandbox.left(), UPPER)
    eventually("nobody listens", lambda: not accepts(address), UPPER)
    eventually("it is dead", lambda: not is_alive(pid))
    eventually("it is dead", lambda: not is_alive(supervisor))


@pytest.mark.real_server
def test_everything_at_once(real_temporal: Path, sandbox: Sandbox) -> None:
    with Host(PROGRAM, str(real_temporal)) as host:
        pid, supervisor, address = host.told()
        for victim in (host.pid, supervisor, pid):
            os.kill(victim, signal.SIGKILL)
    eventually("no process", lambda: not sandbox.processes(), UPPER)
    eventually("nobody listens", lambda: not accepts(address), UPPER)
    assert sandbox.left()  # what nobody could remove
    with DevServer("another", executable=real_temporal):
        pass
    eventually("swept", lambda: not sandbox.left(), UPPER)


def test_host_while_it_starts(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "ready_after=60")
    with Host(PROGRAM, str(fake_temporal)) as host:
        eventually("the server starts", sandbox.servers)
        host.kill()
    eventually("all processes are gone", lambda: not sandbox.processes(), UPPER)
    eventually("all files are gone", lambda: not sandbox.left(), UPPER)
