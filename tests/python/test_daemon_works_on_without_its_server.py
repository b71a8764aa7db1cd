"""The service of `examples/daemon.py` while its server fails: degraded, and back when it can be."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from daemon_support import Daemon

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from support import Sandbox


def test_daemon_recovers_from_a_server_that_failed(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, fake_temporal: Path
) -> None:
    fault = sandbox.root / "fault"
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(fake_temporal))
    monkeypatch.setenv("FAKE_TEMPORAL", f"exit_if_file={fault}")
    with Daemon(sandbox.root / "log") as daemon:
        daemon.logs("daemon: server is up at")
        fault.touch()
        daemon.logs("ERROR temporal_devserver: service: server failed")
        daemon.logs("WARNING daemon: degraded; the next try is in 0.3 s")
        daemon.logs("WARNING daemon: works without the server")
        daemon.logs("ERROR daemon: no server: ")  # the next try, as hopeless
        fault.unlink()
        daemon.logs("daemon: server is up at")
        log = daemon.end(signal.SIGTERM)
    assert "the end; tasks left: 0" in log
    assert "Traceback" not in log


def test_daemon_starts_without_a_server_and_gets_one_later(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, fake_temporal: Path
) -> None:
    executable = sandbox.root / "temporal"
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(executable))
    with Daemon(sandbox.root / "log") as daemon:
        daemon.logs(f"ERROR daemon: no server: .*{executable}")
        daemon.logs("WARNING daemon: works without the server")
        executable.symlink_to(fake_temporal)
        daemon.logs("daemon: server is up at")
        log = daemon.end(signal.SIGINT)
    assert "the end; tasks left: 0" in log
    assert "Traceback" not in log
