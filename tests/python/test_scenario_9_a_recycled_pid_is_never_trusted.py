"""Scenario 9: a state file that holds a stranger's pid never gets the stranger signalled."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from support import Host, Sandbox, eventually, is_alive, stranger
from temporal_devserver import DevServer

PROGRAM = """
import json, sys, time
server = DevServer("recycled", executable=sys.argv[1])
server.start()
status = server.status()
print(json.dumps([status.pid, status.supervisor_pid]), flush=True)
time.sleep(100)
"""


def _with_pids_of(victim: int, value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: victim if "pid" in key and isinstance(each, int) else _with_pids_of(victim, each)
            for key, each in value.items()
        }
    return [_with_pids_of(victim, each) for each in value] if isinstance(value, list) else value


@pytest.mark.real_server
def test_recycled_pid(real_temporal: Path, sandbox: Sandbox) -> None:
    with Host(PROGRAM, str(real_temporal)) as host:
        pids = host.told()
        file = sandbox.directory("recycled") / "state.json"
        eventually("the state file names the server", lambda: str(pids[0]) in file.read_text())
        host.process.kill()
        for pid in reversed(pids):
            os.kill(pid, signal.SIGKILL)
    eventually("all are gone", lambda: not any(map(is_alive, pids)))
    state = json.loads(file.read_text())
    with stranger(["/bin/sleep", "100"], start_new_session=True, env={}) as victim:
        changed = _with_pids_of(victim.pid, state)
        assert changed != state, state
        file.write_text(json.dumps(changed))
        with DevServer("recycled", executable=real_temporal) as server:
            assert server.status().pid != victim.pid
        assert is_alive(victim.pid)
