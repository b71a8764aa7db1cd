"""The Python host is PID 1 of a container: it heals, and all goes with it, however it ends.

What is nobody's child falls to PID 1. So it has the dead of ours reaped, and none of its own.
"""

import os
import signal
from pathlib import Path

import pytest

from foreign_worlds import as_init
from support import Host, Sandbox, accepts, eventually
from temporal_devserver import DevServer

HEALS = """
import json, os, signal, sys, time

def kill_all_there_is(server):
    before = server.status()
    os.kill(before.pid, signal.SIGKILL)
    while server.status().restarts == 0:
        time.sleep(0.005)
    os.kill(server.wait_ready(20).supervisor_pid, signal.SIGKILL)
    while server.status().supervisor_pid == before.supervisor_pid:
        time.sleep(0.005)
    assert server.wait_ready(20).address == before.address

assert os.getpid() == 1
"""

ONE_SERVER = f"""{HEALS}
with DevServer(executable=sys.argv[1]) as server:
    kill_all_there_is(server)
    print(json.dumps(server.address), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def host(fake_temporal: Path) -> Host:
    """A host that has healed its server, and waits."""
    return Host(ONE_SERVER, str(fake_temporal), through=as_init())


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_all_goes_with_it(fake_temporal: Path, sandbox: Sandbox, host: Host, end: str) -> None:
    with host:
        address = host.told()
        assert accepts(address)
        if end == "exit":
            assert host.wait() == 0
            assert sandbox.left() == []
        else:
            init = Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text()
            os.kill(int(init), signal.SIGKILL)
            assert host.wait() != 0
        eventually("no process is left", lambda: not sandbox.processes())
        assert not accepts(address)
    # The data of a container that was killed goes with the next start.
    with DevServer(executable=fake_temporal):
        pass
    eventually("no file is left", lambda: not sandbox.left())


MANY_SERVERS = f"""{HEALS.replace("assert os.getpid() == 1", "")}
import pathlib, subprocess

def dead():
    children = pathlib.Path(f"/proc/self/task/{{os.getpid()}}/children").read_text().split()
    stat = {{pid: pathlib.Path(f"/proc/{{pid}}/stat").read_text() for pid in children}}
    return {{int(pid) for pid in children if stat[pid].rpartition(")")[2].split()[0] == "Z"}}

leads = subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=True)
plain = subprocess.Popen(["sh", "-c", "exit 4"])
most = 0
for _ in range(5):
    with DevServer(executable=sys.argv[1]) as server:
        kill_all_there_is(server)
    most = max(most, len(dead()))
assert {{leads.pid, plain.pid}} <= dead()
print(json.dumps([most, leads.wait(), plain.wait()]), flush=True)
"""
SUBREAPER = "import ctypes, os; assert ctypes.CDLL(None).prctl(36, 1) == 0 and os.getpid() > 1\n"


@pytest.mark.parametrize("is_init", [True, False], ids=["init", "subreaper"])
def test_the_dead_do_not_pile_up(fake_temporal: Path, *, is_init: bool) -> None:
    program = MANY_SERVERS if is_init else SUBREAPER + MANY_SERVERS
    with Host(program, str(fake_temporal), through=as_init() if is_init else ()) as host:
        most, *codes = host.told()
        assert host.wait() == 0
    assert codes == [3, 4], "the host lost the exit status of children of its own"
    # Its own two, and what two lives left: a supervisor, its server, the next supervisor each.
    assert most <= 2 + 2 * 3
