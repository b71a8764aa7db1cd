"""`run`: a server for the time of a command, or in the foreground."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli, cli_process, lines_until
from support import Sandbox, eventually

if TYPE_CHECKING:
    from pathlib import Path

TELL = """\
import json, os, sys
told = {name: value for name, value in os.environ.items() if name.startswith("TEMPORAL_")}
print(json.dumps(told), flush=True)
"""


def test_the_command_gets_the_address_and_its_exit_code_is_ours(fake_temporal: Path) -> None:
    command = [sys.executable, "-c", TELL + "sys.exit(7)"]
    options = ["--executable", str(fake_temporal), "--namespace", "orders"]
    ended = cli("run", *options, "--", *command)
    told = json.loads(ended.stdout)
    assert ended.returncode == 7, ended.stderr
    assert told["TEMPORAL_ADDRESS"].startswith("127.0.0.1:")
    assert told["TEMPORAL_NAMESPACE"] == "orders"
    assert "TEMPORAL_DEVSERVER_LAUNCHED" not in told


@pytest.mark.real_server
def test_a_command_that_knows_nothing_of_python_uses_a_real_server(real_temporal: Path) -> None:
    command = [str(real_temporal), "operator", "cluster", "health"]
    script = 'exec "$0" "$@" --address "$TEMPORAL_ADDRESS"'
    ended = cli("run", "--executable", str(real_temporal), "--", "sh", "-c", script, *command)
    assert (ended.returncode, ended.stdout.strip()) == (0, "SERVING"), ended.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command(fake_temporal: Path, sent: signal.Signals) -> None:
    command = [sys.executable, "-c", TELL + "import signal; signal.pause()"]
    with cli_process("run", "--executable", str(fake_temporal), "--", *command) as process:
        lines_until(process, "TEMPORAL_ADDRESS")
        process.send_signal(sent)
        expected = 1 if sent == signal.SIGINT else 128 + sent  # Python ends by KeyboardInterrupt
        code = process.wait(10)
    assert code in (expected, 128 + sent)


COUNT = """\
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("up", flush=True)
signal.sigwait([signal.SIGINT])
print("twice" if signal.sigtimedwait([signal.SIGINT], 0.5) else "once", flush=True)
"""


def test_a_terminals_ctrl_c_reaches_the_command_once(fake_temporal: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        run = [CLI, "run", "--executable", str(fake_temporal), "--"]
        os.execv(CLI, [*run, sys.executable, "-c", COUNT])  # in the terminal
    text = b""
    try:
        while b"up" not in text:
            text += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        while b"ce\r\n" not in text:
            text += os.read(terminal, 1000)
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert text.endswith(b"once\r\n")
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_command_that_was_killed_leaves_128_and_the_signal(fake_temporal: Path) -> None:
    ended = cli("run", "--executable", str(fake_temporal), "--", "sh", "-c", "kill -9 $$")
    assert ended.returncode == 128 + signal.SIGKILL


def test_in_the_foreground_it_tells_every_transition_until_it_is_ended(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    with cli_process("run", "--executable", str(fake_temporal)) as process:
        lines_until(process, "ready at 127.0.0.1:")
        (server,) = sandbox.servers()
        subprocess.run(["kill", "-9", str(server)], check=True)
        lines_until(process, "ready again at 127.0.0.1:")
        process.send_signal(signal.SIGINT)
        lines_until(process, "server stopped")
        assert process.wait(10) == 0


def test_killed_it_leaves_nothing(fake_temporal: Path, sandbox: Sandbox) -> None:
    with cli_process("run", "--executable", str(fake_temporal)) as process:
        lines_until(process, "ready at")
        process.kill()
        process.wait(10)
        eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left())


def test_a_command_that_is_not_there_starts_no_server(fake_temporal: Path) -> None:
    ended = cli("run", "--executable", str(fake_temporal), "--", "no-such-command")
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith("name a program that exists")


def test_a_crash_during_a_command_is_told_on_standard_error(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    run = [CLI, "run", "--executable", str(fake_temporal), "--", "sh", "-c", "echo up; read line"]
    process = subprocess.Popen(run, stdin=-1, stdout=-1, stderr=-1, text=True)
    try:
        lines_until(process, "up")
        (server,) = sandbox.servers()
        os.kill(server, signal.SIGKILL)
        assert process.stderr is not None
        assert "killed by SIGKILL" in process.stderr.readline()
        assert process.communicate("\n", timeout=10) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
