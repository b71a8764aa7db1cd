"""Ctrl-C goes to the foreground group, `$(...)` waits for a pipe: the server is in neither."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from support import Sandbox, eventually, is_alive
from temporal_devserver import DevServer

PROGRAM = """
import sys, time
from temporal_devserver import DevServer
with DevServer(executable=sys.argv[1]) as server:
    try:
        print("pid", server.status().pid, flush=True)
        time.sleep(100)
    except KeyboardInterrupt:
        print("again", server.status().pid, server.status().restarts, flush=True)
"""


def test_ctrl_c(fake_temporal: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(fake_temporal)])
    text = b""

    def read_until(word: bytes) -> None:
        nonlocal text
        until = time.monotonic() + 20
        while word not in text or not text.endswith(b"\n"):
            assert time.monotonic() < until, text
            text += os.read(terminal, 1000)

    try:
        read_until(b"pid")
        server = int(text.split()[1])
        os.write(terminal, b"\x03")
        read_until(b"again")
        assert text.split()[-2:] == [str(server).encode(), b"0"]
    finally:
        os.waitpid(pid, 0)
        os.close(terminal)
    eventually("it is dead", lambda: not is_alive(server))


def test_the_hangup_of_a_terminal_ends_host_and_server(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(fake_temporal)])
    assert b"pid" in os.read(terminal, 1000)
    os.close(terminal)
    os.waitpid(pid, 0)
    eventually("nothing is left", lambda: not sandbox.processes())


def test_command_substitution(fake_temporal: Path, sandbox: Sandbox) -> None:
    program = (
        "import sys; from temporal_devserver import DevServer\n"
        "with DevServer('lingering', executable=sys.argv[1], linger=60) as server:\n"
        "    print(server.address)"
    )
    began = time.monotonic()
    script = 'out=$("$0" -c "$1" "$2"); echo "<$out>"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, program, str(fake_temporal)],
        capture_output=True,
        check=True,
        timeout=40,
    )
    assert time.monotonic() - began < 20
    assert done.stdout.startswith(b"<127.0.0.1:")
    assert done.stderr == b""
    (server,) = sandbox.servers()
    with DevServer("lingering") as again:
        assert again.status().pid == server
        again.stop()


def test_a_signal_to_the_group_of_the_host(fake_temporal: Path, sandbox: Sandbox) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(fake_temporal)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[1])
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.read() == f"again {pid} 0\n".encode()
    process.stdout.close()
    assert process.wait(20) == 0
    assert not sandbox.servers()
