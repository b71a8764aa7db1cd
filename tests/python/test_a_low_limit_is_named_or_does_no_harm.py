"""`ulimit` as low as it gets: a server that works, or an error that says so; and nothing is left.

From a limit that forbids everything to one that is enough, so that each thing that needs a file, a
process or memory is once the one that does not get it.
"""

import os
from pathlib import Path

import pytest

from foreign_worlds import STRANGER, without_privileges
from support import Host, Sandbox, eventually

PROGRAM = """
import json, os, resource, signal, sys, time
from temporal_devserver import DevServerError

def outcome():
    try:
        with DevServer("low", executable=sys.argv[1], db=True, start_timeout=patience) as server:
            before = server.status()
            os.kill(before.pid, signal.SIGKILL)
            server.wait_ready(20)
            os.kill(before.supervisor_pid, signal.SIGKILL)
            while server.status().supervisor_pid == before.supervisor_pid:
                time.sleep(0.005)
            assert server.wait_ready(20).address == before.address
    except DevServerError as error:
        return str(error)
    except MemoryError:
        return "the interpreter itself has met the limit"
    return "works"

DevServerError.__module__, DevServer  # loaded
kind, limit, patience = getattr(resource, sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
before = resource.getrlimit(kind)
resource.setrlimit(kind, (limit, before[1]))
told = outcome()
resource.setrlimit(kind, before)
print(json.dumps(told), flush=True)
"""

SWEEPS = {
    "RLIMIT_NOFILE": [6, 9, 12, 15, 18, 22, 26, 32, 64],
    "RLIMIT_NPROC": [0, 6, 8, 64],
    "RLIMIT_FSIZE": [0, 100, 1000, 4096, 100_000],
    "RLIMIT_AS": [1 << 20, 16 << 20, 20 << 20, 24 << 20, 64 << 20],
}


def run(executable: Path, sandbox: Sandbox, limit: str, value: int, *, patience: float = 20) -> str:
    """Returns what came of a server under this limit, after which no process is left."""
    through = without_privileges() if limit == "RLIMIT_NPROC" else []
    arguments = [str(executable), limit, str(value), str(patience)]
    with Host(PROGRAM, *arguments, through=through) as host:
        told = host.told()
        assert host.wait() == 0
    eventually(f"no process is left, {told}", lambda: not sandbox.processes())
    return str(told)


@pytest.mark.parametrize("limit", SWEEPS)
def test_a_limit(fake_temporal: Path, sandbox: Sandbox, limit: str) -> None:
    if limit == "RLIMIT_NPROC" and os.geteuid() == 0:
        for path in (sandbox.root, sandbox.tmp):
            os.chown(path, STRANGER, STRANGER)
    lowest, *between, enough = SWEEPS[limit]
    told = run(fake_temporal, sandbox, limit, lowest)
    assert "limit" in told, told
    for value in between:
        # A heal is tried again within the start timeout: what is in the way may pass.
        told = run(fake_temporal, sandbox, limit, value, patience=3)
        assert told == "works" or "limit" in told or "start_timeout" in told, told
    told = run(fake_temporal, sandbox, limit, enough)
    assert told == "works", "what was lost under a limit is in nobody's way"
    assert sandbox.left() == []


@pytest.mark.real_server
def test_too_little_memory_for_the_real_server(real_temporal: Path, sandbox: Sandbox) -> None:
    told = run(real_temporal, sandbox, "RLIMIT_AS", 500 << 20)
    assert "failed to reserve" in told
    assert told.endswith("raise the limit of it (`ulimit -v`, in a container also `memory.max`)")
