"""The environment that started a server is deleted: it can be stopped, and the next start works."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from foreign_worlds import make_venv
from support import Host, Sandbox, accepts, eventually, is_alive
from temporal_devserver import DevServer

PROGRAM = """
import json, sys
server = DevServer("venv", executable=sys.argv[1], linger=60, db=True)
server.start()
server.create_namespace("data")
status = server.status()
print(json.dumps([status.pid, status.supervisor_pid, server.address, sys.prefix]), flush=True)
if sys.stdin.readline() == "\\n":
    server.close()
    print(json.dumps("closed"), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(params=["--symlinks", "--copies"])
def venv(request: pytest.FixtureRequest, sandbox: Sandbox) -> Path:
    """An environment with the package installed in it, and nothing else."""
    return make_venv(sandbox.root / "venv", str(request.param))


@pytest.mark.long
@pytest.mark.real_server
def test_a_lingering_server(real_temporal: Path, venv: Path) -> None:
    with Host(PROGRAM, str(real_temporal), python=str(venv / "bin/python")) as host:
        pid, supervisor, address, prefix = host.told()
        assert prefix == str(venv)
        host.go_on()
        assert host.told() == "closed"
    shutil.rmtree(venv)
    assert is_alive(pid)
    # Somebody else's installation finds it, and it heals there.
    with DevServer("venv", executable=real_temporal, db=True) as server:
        assert server.status().pid == pid
        os.kill(pid, signal.SIGKILL)
        eventually("it is back", lambda: server.status().restarts == 1)
        after = server.wait_ready(30)
        assert (after.address, after.supervisor_pid) == (address, supervisor)
        server.stop()
        eventually("the supervisor is gone", lambda: not is_alive(supervisor))
        assert not accepts(address)
        server.start()
        assert "data" in server.list_namespaces()
        server.stop()


@pytest.mark.long
@pytest.mark.real_server
def test_one_in_use(real_temporal: Path, venv: Path, sandbox: Sandbox) -> None:
    with Host(PROGRAM, str(real_temporal), python=str(venv / "bin/python")) as host:
        pid, supervisor, _, _ = host.told()
        shutil.rmtree(venv)
        cli = [sys.executable, "-m", "temporal_devserver"]
        done = subprocess.run([*cli, "status", "--json", "venv"], check=True, capture_output=True)
        assert json.loads(done.stdout)["pid"] == pid
        subprocess.run([*cli, "stop", "--force", "venv"], check=True, capture_output=True)
        assert not is_alive(pid)
        eventually("the supervisor is gone", lambda: not is_alive(supervisor))
        (file,) = sandbox.state.rglob("temporal.db")
        # What folds the log in is gone: then the log lies beside the data, and both are good.
        with DevServer("venv", executable=real_temporal, db=True) as server:
            assert "data" in server.list_namespaces()
        assert [path.name for path in file.parent.glob("temporal.db-*")] == []


LATE = """
import json, sys
from temporal_devserver import DevServerError
server = DevServer("venv", executable=sys.argv[1], db=True)
server.start()
print(json.dumps(server.status().supervisor_pid), flush=True)
sys.stdin.readline()
try:
    server.wait_ready(20)
except DevServerError as error:
    print(json.dumps(str(error)), flush=True)
sys.stdin.readline()
"""


@pytest.mark.long
@pytest.mark.real_server
def test_one_whose_supervisor_dies_then(real_temporal: Path, venv: Path) -> None:
    with Host(LATE, str(real_temporal), python=str(venv / "bin/python")) as host:
        supervisor = host.told()
        shutil.rmtree(venv)
        os.kill(supervisor, signal.SIGKILL)
        eventually("it is dead", lambda: not is_alive(supervisor))
        host.go_on()
        assert "the supervisor cannot be started: No such file" in host.told()
        # Nothing is in the way of whoever has an interpreter.
        with DevServer("venv", executable=real_temporal, db=True) as server:
            assert server.status().state == "ready"
