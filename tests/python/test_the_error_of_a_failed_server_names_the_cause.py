"""Who asks for a server that was given up is told the cause, and not only its last words."""

import contextlib
import os
import socket
from pathlib import Path

import pytest

from support import Sandbox, eventually
from temporal_devserver import DevServer, PortInUseError


def test_the_thief_of_its_port(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_up = sandbox.root / "held up"
    monkeypatch.setenv("FAKE_TEMPORAL", f"exit_if_file={held_up}")
    with DevServer("robbed", executable=fake_temporal) as server, contextlib.ExitStack() as stack:
        assert server.address is not None
        port = int(server.address.rpartition(":")[2])

        def steal() -> bool:
            thief = stack.enter_context(socket.socket())
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                thief.bind(("127.0.0.1", port))
                thief.listen()
            except OSError:
                return False
            return True

        held_up.touch()
        eventually("it is stolen", steal)
        held_up.unlink()
        eventually("it is given up", lambda: server.status().state == "failed", 20)
        with pytest.raises(PortInUseError, match=f"pid {os.getpid()} ") as caught:
            server.wait_ready(20)
        assert (caught.value.port, caught.value.role) == (port, "port")
