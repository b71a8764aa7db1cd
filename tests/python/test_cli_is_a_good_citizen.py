"""The command line among shells, terminals and others who use the same servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli, cli_process, lines_until
from support import eventually
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

IGNORING = """\
import os, signal, sys
signal.signal(signal.Signals[sys.argv[1]], signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""


def ignoring(name: str, *arguments: str) -> list[str]:
    """Returns a command line that runs the CLI with a signal ignored, as `nohup` does."""
    return [sys.executable, "-c", IGNORING, name, CLI, *arguments]


def test_the_end_of_a_command_is_seen_where_children_are_ignored(fake_temporal: Path) -> None:
    run = ignoring("SIGCHLD", "run", "--executable", str(fake_temporal))
    ended = subprocess.run([*run, "--", "sh", "-c", "exit 5"], timeout=20)
    assert ended.returncode == 5


def test_nohup_holds_for_run_and_for_its_command(fake_temporal: Path) -> None:
    show = "from signal import *; print(getsignal(SIGHUP) == SIG_IGN, flush=True); input()"
    command = ["run", "--executable", str(fake_temporal), "--", sys.executable, "-c", show]
    process = subprocess.Popen(ignoring("SIGHUP", *command), stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGHUP)
    process.communicate("\n", timeout=20)
    assert process.returncode == 0


def test_an_argument_of_any_bytes_reaches_the_command(fake_temporal: Path) -> None:
    command = [CLI, "run", "--executable", str(fake_temporal), "--", "printf", "%s", "\udcff"]
    ended = subprocess.run(command, capture_output=True, timeout=20)
    assert (ended.returncode, ended.stdout) == (0, b"\xff"), ended.stderr


def test_the_namespace_of_a_command_is_the_first_it_asked_for(fake_temporal: Path) -> None:
    show = ["--", "sh", "-c", "echo $TEMPORAL_NAMESPACE"]
    with DevServer("orders", executable=fake_temporal, namespaces=["a"]):
        assert cli("run", "orders", "--namespace", "b", *show).stdout == "b\n"
        assert cli("run", "orders", *show).stdout == "default\n"


def test_a_stop_by_somebody_else_is_not_healed_and_the_command_goes_on(fake_temporal: Path) -> None:
    run = ["run", "orders", "--executable", str(fake_temporal)]
    command = ["--", sys.executable, "-c", "print('up', flush=True); input()"]
    process = subprocess.Popen([CLI, *run, *command], stdin=-1, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "up\n"
    assert cli("stop", "orders", "--force").returncode == 0
    assert "was stopped" in process.stderr.readline()
    assert cli("status", "orders").returncode == 3
    process.communicate("\n", timeout=20)
    assert process.returncode == 0


def test_following_a_log_ends_with_the_server(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        with open(server.log_path, "a") as log:
            log.write("first\n")
        with cli_process("logs", "orders", "--follow") as process:
            lines_until(process, "first")
            os.rename(server.log_path, server.log_path + ".1")
            with open(server.log_path, "w") as log:
                log.write("second\n")
            lines_until(process, "second")
            server.stop()
            assert process.wait(10) == 0


def test_a_hung_supervisor_holds_up_neither_ctrl_c_nor_the_list(fake_temporal: Path) -> None:
    with (
        DevServer("hung", executable=fake_temporal) as hung,
        DevServer("fine", executable=fake_temporal),
    ):
        supervisor = hung.status().supervisor_pid
        assert supervisor is not None
        os.kill(supervisor, signal.SIGSTOP)
        try:
            with cli_process("status", "hung") as process:
                eventually("it waits", lambda: waits_in_poll(process.pid))
                process.send_signal(signal.SIGINT)
                assert process.wait(5) == -signal.SIGINT
            listed = {row["name"]: row["state"] for row in json.loads(cli("list", "--json").stdout)}
        finally:
            os.kill(supervisor, signal.SIGCONT)
        assert listed == {"fine": "ready", "hung": "unknown"}


def waits_in_poll(pid: int) -> bool:
    """Tells whether the CLI has given SIGINT its default action and sleeps."""
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    caught = int(status["SigCgt"], 16) >> (signal.SIGINT - 1) & 1
    return not caught and status["State"].split()[0] == "S" and "_core" in maps(pid)


def maps(pid: int) -> str:
    """Returns what the process has mapped: with the extension there, Python has set itself up."""
    with open(f"/proc/{pid}/maps") as file:
        return file.read()


@pytest.mark.parametrize("force", [False, True])
def test_one_that_cannot_be_stopped_does_not_keep_the_others(
    fake_temporal: Path, *, force: bool
) -> None:
    with DevServer("b", executable=fake_temporal, linger=60):
        pass
    with DevServer("a", executable=fake_temporal):
        ended = cli("stop", "--all", *(["--force"] if force else []))
        assert ended.returncode == (0 if force else 1), ended.stderr
        assert cli("status", "a").returncode == (3 if force else 0)
        assert cli("status", "b").returncode == 3
