"""The service of `examples/daemon.py`, on the real server: healed while it works, nothing left."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from daemon_support import Daemon

if TYPE_CHECKING:
    from support import Sandbox


@pytest.mark.real_server
@pytest.mark.usefixtures("real_temporal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_daemon_goes_on_after_a_crash_and_ends_cleanly(
    sandbox: Sandbox, number: signal.Signals
) -> None:
    with Daemon(sandbox.root / "log") as daemon:
        daemon.logs("daemon: server is up at")
        daemon.logs("daemon: works; workflows so far: 0")
        (server,) = sandbox.servers()
        os.kill(server, signal.SIGKILL)
        daemon.logs(rf"temporal_devserver: service: server \(pid {server}\) ended")
        daemon.logs("temporal_devserver: service: server ready again at")
        daemon.logs("daemon: works; workflows so far: 0")
        log = daemon.end(number)
    assert "the end; tasks left: 0" in log
    assert "Traceback" not in log
    database = sandbox.directory("service") / "temporal.db"
    assert database.exists()  # kept, as one file
    assert not database.with_name("temporal.db-wal").exists()


@pytest.mark.real_server
@pytest.mark.usefixtures("real_temporal")
def test_daemon_cancelled_while_the_server_starts_leaves_nothing(sandbox: Sandbox) -> None:
    with Daemon(sandbox.root / "log") as daemon:
        daemon.logs("server starting")
        log = daemon.end(signal.SIGTERM)
    assert "the end; tasks left: 0" in log
    assert "Traceback" not in log
