"""Scenario 5: 64 processes that start one name at once get one server, spawned once."""

import sys
from pathlib import Path

import pytest

from support import Host, Sandbox

PROGRAM = """
import json, os, sys
from temporal_devserver import _launcher
_launcher._interpreter = lambda: sys.argv[2]
read, write = os.pipe()
answer, told = os.pipe()
for _ in range(64):
    if os.fork() == 0:
        os.close(write)
        os.read(read, 1)
        server = DevServer("crowd", executable=sys.argv[1], start_timeout=60)
        try:
            server.start()
            text = server.address + " " + str(server.status().pid)
        except BaseException as error:
            text = repr(error).replace("\\n", " ")
        os.write(told, (text[:1000] + "\\n").encode())
        sys.stdin.readline()
        server.close()
        os._exit(0)
os.close(read)
os.close(write)
lines = []
with os.fdopen(answer) as stream:
    while len(lines) < 64:
        lines.append(stream.readline().strip())
print(json.dumps(lines), flush=True)
sys.stdin.readline()
codes = [os.wait()[1] for _ in range(64)]
print(json.dumps(codes), flush=True)
"""

COUNTING = """#!/bin/sh
echo spawned >> '{counted}'
exec '{python}' "$@"
"""


@pytest.mark.real_server
@pytest.mark.timeout(120)
def test_one_spawn_for_64(real_temporal: Path, sandbox: Sandbox) -> None:
    counted, interpreter = sandbox.root / "counted", sandbox.root / "python"
    interpreter.write_text(COUNTING.format(counted=counted, python=sys.executable))
    interpreter.chmod(0o755)
    with Host(PROGRAM, str(real_temporal), str(interpreter)) as host:
        answers = host.told()
        assert len(set(answers)) == 1, set(answers)
        assert len(sandbox.servers()) == 1
        assert counted.read_text().splitlines() == ["spawned"]
        log = (sandbox.directory("crowd") / "supervisor.log").read_text()
        assert log.count("starting") == 1, log
        assert host.process.stdin is not None
        host.process.stdin.close()
        host.process.stdin = open("/dev/null", "w")  # noqa: SIM115  # closed by `wait`
        assert host.told() == [0] * 64
        assert host.wait() == 0
