"""What somebody asked for warns nobody; what nobody asked for warns once, and names its cause."""

import logging
import os
import signal
from pathlib import Path

import pytest

from temporal_devserver import DevServer


def test_it(fake_temporal: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "temporal_devserver")

    def warned() -> list[str]:
        lines = [line.getMessage() for line in caplog.records if line.levelno > logging.INFO]
        caplog.clear()
        return lines

    with DevServer(executable=fake_temporal) as server:
        pid, events = server.status().pid, server.events()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while next(events).kind != "ready":
            pass
        (crash,) = warned()
        assert "restart 1" in crash
        assert "killed by SIGKILL" in crash
        server.kill()
        server.wait_ready(10)
        with server.outage():
            pass
        server.restart()
        told = [line.getMessage() for line in caplog.records]
        assert any("as `kill()` asked" in line for line in told)
        assert warned() == []
