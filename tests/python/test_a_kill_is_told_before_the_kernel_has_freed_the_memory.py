"""`exited` comes when the end of the server is certain; the kernel is not done with it then."""

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

from temporal_devserver import DevServer


def _can_be_seen() -> bool:
    try:
        os.close(os.pidfd_open(threading.get_native_id(), os.O_EXCL))
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise
    return True


def _is_told_early(executable: Path) -> bool:
    with DevServer(executable=executable) as server:
        status, events = server.status(), server.events()
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)
        event = next(events)
        is_there = Path("/proc", str(status.pid)).exists()
        after = server.status()
        assert (event.kind, event.pid) == ("exited", status.pid)
        assert "SIGKILL" in event.message
        # Who waits for the server from now on waits for the next one.
        assert after.state != "ready" or after.pid != status.pid
        server.wait_ready(10)
        assert server.status().pid != status.pid
        kinds = ["exited"]
        while kinds[-1] != "ready":
            kinds.append(next(events).kind)
        assert kinds == ["exited", "restarting", "starting", "ready"]
        return is_there


@pytest.mark.real_server
@pytest.mark.skipif(not _can_be_seen(), reason="PIDFD_THREAD came with Linux 6.9")
def test_a_kill_is_told_before_the_process_is_gone(real_temporal: Path) -> None:
    # A busy machine may run us too late, but hardly each time; who looks late sees it gone always.
    assert any(_is_told_early(real_temporal) for _ in range(5))
