"""Scenario 1: a start brings a server that works, a stop leaves nothing."""

import logging
import os
from pathlib import Path

import pytest

from support import Sandbox, accepts, is_alive, parent_of
from temporal_devserver import DevServer, NotRunningError


@pytest.mark.real_server
def test_start_and_close(
    real_temporal: Path, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "temporal_devserver")
    with DevServer(executable=real_temporal, ui=True) as server:
        status = server.status()
        assert status.state == "ready"
        assert accepts(server.address)
        assert status.pid is not None
        assert parent_of(status.pid) == status.supervisor_pid
        assert server.list_namespaces() == ["default"]
        assert [lease.pid for lease in status.leases] == [os.getpid()]
        assert status.db_path is not None
        assert status.db_path.startswith(str(sandbox.tmp))
        assert server.ui_url is not None
        assert Path(server.log_path).exists()
        address = server.address
    assert not is_alive(status.pid)
    assert not accepts(address)
    text = caplog.text
    assert text.index("starting") < text.index("ready")


@pytest.mark.real_server
def test_start_and_stop(real_temporal: Path) -> None:
    server = DevServer(executable=real_temporal)
    server.start()
    status = server.status()
    server.stop()
    assert not is_alive(status.pid)
    with pytest.raises(NotRunningError, match=r"was stopped; call `start\(\)`"):
        server.status()
    server.start()
    assert server.status().pid != status.pid
    server.close()
