"""Scenario 4: a process that still holds `server.lock` is ours, whatever its name; it is ended."""

import fcntl
import os
from pathlib import Path

import pytest

from support import Sandbox, is_alive, stranger
from temporal_devserver import DevServer


@pytest.mark.real_server
def test_orphan(real_temporal: Path, sandbox: Sandbox) -> None:
    with DevServer("orphaned", executable=real_temporal):
        pass
    descriptor = os.open(sandbox.directory("orphaned") / "server.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with stranger(["/bin/sleep", "100"], pass_fds=[descriptor]) as orphan:
        os.close(descriptor)
        with DevServer("orphaned", executable=real_temporal) as server:
            assert not is_alive(orphan.pid)
            assert server.status().state == "ready"
