"""Ctrl-C, Ctrl-backslash, Ctrl-Z and `kill -9` of the host's group: none of it is the server's."""

import os
import pty
import signal
import sys
import time
from pathlib import Path

import pytest

from support import Sandbox, accepts, eventually, is_alive

PROGRAM = """
import signal, sys
from temporal_devserver import DevServer
# Blocked in every thread, and waited for: `pause` would miss one that comes just before it.
signals = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
with DevServer(executable=sys.argv[1]) as server:
    while True:
        status = server.status()
        print("now", status.pid, status.restarts, status.state, server.address, flush=True)
        signal.sigwait(signals)
"""


@pytest.mark.real_server
def test_terminal(real_temporal: Path, sandbox: Sandbox) -> None:
    host, terminal = pty.fork()
    if host == 0:
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(real_temporal)])
    text = b""

    def told() -> list[bytes]:
        nonlocal text
        until = time.monotonic() + 20
        while b"now" not in text or b"\n" not in text[text.index(b"now") :]:
            assert time.monotonic() < until, text
            text += os.read(terminal, 1000)
        line, _, text = text[text.index(b"now") :].partition(b"\n")
        return line.split()

    try:
        first = told()
        server, address = int(first[1]), first[4].decode()
        for key in (b"\x03", b"\x1c", b"\x1a"):
            os.write(terminal, key)
            assert told() == first, key
        os.killpg(host, signal.SIGHUP)  # what a closed terminal says
        assert told() == first
        assert accepts(address)
    finally:
        os.killpg(host, signal.SIGKILL)
        os.waitpid(host, 0)
        os.close(terminal)
    eventually("it is dead", lambda: not is_alive(server), 20)
    eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left(), 20)
    assert not accepts(address)
