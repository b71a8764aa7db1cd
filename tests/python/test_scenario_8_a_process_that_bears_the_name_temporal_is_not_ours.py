"""Scenario 8: whoever merely looks like our server is neither taken for it nor killed."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from support import Sandbox, is_alive, stranger
from temporal_devserver import DevServer


@pytest.mark.real_server
def test_namesake(real_temporal: Path, sandbox: Sandbox) -> None:
    namesake = sandbox.root / "temporal"
    shutil.copy("/bin/sleep", namesake)
    with DevServer("named", executable=real_temporal) as server:
        line = Path(f"/proc/{server.status().pid}/cmdline").read_bytes().split(b"\0")
    # The same name and the same command line, but for what would hinder `sleep`.
    code = "import time; time.sleep(100)"
    words = [b"temporal", b"-c", code.encode(), *line[1:-1]]
    clean = {"PATH": os.environ["PATH"]}
    with (
        stranger([str(namesake), "100"], env=clean) as one,
        stranger(words, executable="/usr/bin/python3", env=clean) as two,  # type: ignore[arg-type]
    ):
        with DevServer("named", executable=real_temporal) as server:
            pid = server.status().pid
            assert pid is not None
            assert pid not in (one.pid, two.pid)
            os.kill(pid, signal.SIGKILL)
            assert server.wait_ready(20).pid not in (one.pid, two.pid)
            server.stop()
        assert is_alive(one.pid)
        assert is_alive(two.pid)
