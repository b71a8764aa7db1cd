"""A child of `os.fork()` that uses the server keeps it when its parent ends, however that ends."""

import os
import signal
from pathlib import Path

import pytest

from support import Host, Sandbox, eventually, is_alive

PARENT = """
import json, os, signal, sys, time
server = DevServer(executable=sys.argv[1], namespaces=["mine"])
server.start()
before = server.status()
read, write = os.pipe()
parent = os.getpid()
child = os.fork()
if child == 0:
    leases = [lease.pid for lease in server.status().leases]
    os.write(write, b"!")
    while os.getppid() == parent:
        time.sleep(0.002)
    after = server.status()
    names = server.list_namespaces()
    still = [lease.pid for lease in server.status().leases]
    same = (after.pid, after.supervisor_pid) == (before.pid, before.supervisor_pid)
    print(json.dumps([os.getpid(), leases, still, same, after.restarts, names]), flush=True)
    sys.stdin.readline()
    os._exit(0)
os.read(read, 1)
print(json.dumps([parent, before.pid]), flush=True)
if sys.argv[2] == "killed":
    time.sleep(100)
if sys.argv[2] == "closes":
    server.close()
os._exit(0)
"""


@pytest.mark.real_server
@pytest.mark.parametrize("end", ["closes", "ends", "killed"])
def test_child(real_temporal: Path, sandbox: Sandbox, end: str) -> None:
    with Host(PARENT, str(real_temporal), end) as host:
        parent, server = host.told()
        if end == "killed":
            os.kill(parent, signal.SIGKILL)
        child, leases, still, same, restarts, names = host.told()
        try:
            assert set(leases) == {parent, child}
            assert still == [child]
            assert (same, restarts) == (True, 0)
            assert set(names) == {"default", "mine"}
            assert is_alive(server)
        finally:
            os.kill(child, signal.SIGKILL)
    eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left(), 20)
