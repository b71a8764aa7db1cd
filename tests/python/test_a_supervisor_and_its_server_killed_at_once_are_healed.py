"""`kill -9` of supervisor and server at once, in either order: clients get both back."""

import os
import signal
from pathlib import Path

import pytest

from support import Sandbox, eventually, is_alive
from temporal_devserver import DevServer


@pytest.mark.real_server
@pytest.mark.parametrize("order", [1, -1])
def test_both(real_temporal: Path, sandbox: Sandbox, order: int) -> None:
    with (
        DevServer("both", executable=real_temporal) as one,
        DevServer("both", executable=real_temporal) as two,
    ):
        one.create_namespace("data")
        before = one.status()
        assert before.pid is not None
        assert before.supervisor_pid is not None
        for pid in (before.supervisor_pid, before.pid)[::order]:
            os.kill(pid, signal.SIGKILL)
        after = one.wait_ready(30)
        assert not is_alive(before.pid)
        assert not is_alive(before.supervisor_pid)
        assert (after.address, after.db_path) == (before.address, before.db_path)
        assert after.supervisor_pid != before.supervisor_pid
        assert two.wait_ready(30).pid == after.pid
        eventually("both have their leases", lambda: len(one.status().leases) == 2)
        assert "data" in two.list_namespaces()
        assert sandbox.servers() == [after.pid]
