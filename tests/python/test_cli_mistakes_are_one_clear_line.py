"""Whatever goes wrong: one line that says what, and what to do; and nothing is half done."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from support import Sandbox, eventually, listening
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

NAMED = [
    ["status"],
    ["status", "--prometheus"],
    ["stop"],
    ["restart"],
    ["logs"],
    ["events"],
    ["events", "--follow"],
    ["ui"],
    ["reset", "--yes"],
    ["snapshot", "x.db", "--server"],
    ["restore", "x.db", "--server"],
    ["namespace", "create", "shop", "--server"],
    ["namespace", "list", "--server"],
    ["namespace", "delete", "shop", "--server"],
]
"""Every command that needs a server, up to its name."""


def complaint(ended: subprocess.CompletedProcess[str]) -> str:
    """Returns the one line of standard error."""
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.splitlines()
    return line.removeprefix("temporal-devserver: ")


@pytest.mark.parametrize("command", NAMED, ids=" ".join)
def test_an_unknown_name_has_its_exit_code(command: list[str], sandbox: Sandbox) -> None:
    ended = cli(*command, "nobody")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert complaint(ended) == "server `nobody` is not running; start it first"
    assert list(sandbox.state.glob("servers/*")) == [], "looking for a server makes none"


@pytest.mark.parametrize("command", NAMED, ids=" ".join)
def test_a_name_that_cannot_be_is_told(command: list[str]) -> None:
    ended = cli(*command, "../x")
    assert ended.returncode == 2
    assert "name" in complaint(ended)


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["nonsense"],
        ["status", "--colour"],
        ["start", "a", "b"],
        ["start", "--ui-port", "80", "--no-ui"],
        ["start", "--linger", "5"],
        ["logs", "--since", "-5m"],
        ["namespace"],
        ["namespace", "create", "shop", "--retention", "soon"],
        ["completions", "powershell"],
        ["status", "--json", "--prometheus"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_does_nothing(command: list[str], sandbox: Sandbox) -> None:
    ended = cli(*command)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert (
        "Usage: temporal-devserver" in ended.stderr
        or "for more information" in ended.stderr.lower()
    )
    assert not sandbox.state.exists()


def full(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command whose output meets a full disk."""
    with open("/dev/full", "w") as disk:
        return subprocess.run([CLI, *arguments], stdout=disk, stderr=-1, text=True, timeout=40)


def test_a_full_disk_is_told(fake_temporal: Path) -> None:
    alone = [["--help"], ["start", "--help"], ["--version"], ["list"], ["completions", "zsh"]]
    with DevServer("orders", executable=fake_temporal, ui=True):
        of_server = [
            ["status", "orders"],
            ["status", "orders", "--json"],
            ["status", "orders", "--prometheus"],
            ["events", "orders"],
            ["ui", "orders"],
            ["restart", "orders", "--force"],
            ["namespace", "list", "--server", "orders"],
        ]
        for command in [*alone, *of_server]:
            ended = full(*command)
            assert ended.returncode == 1, command
            assert "cannot be written: No space left on device" in complaint(ended), command


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_reaches_nobody_else(fake_temporal: Path, closed: int) -> None:
    close = f"exec '{CLI}' \"$@\" {closed}>&-"
    start = ["start", "orders", "--json", "--executable", str(fake_temporal)]
    for command in (start, ["status", "orders"], ["stop", "orders"]):
        ended = subprocess.run(
            ["sh", "-c", close, "sh", *command], stdin=-3, capture_output=True, timeout=40
        )
        assert ended.returncode == 0, (command, ended.stderr)
        assert (ended.stdout == b"") == (closed == 1), command
        assert ended.stderr == b"", command


def test_a_reader_that_goes_away_is_no_error(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal):
        for command in ("status orders", "events orders --json", "--help", "completions fish"):
            reading, writing = os.pipe()
            os.close(reading)
            ended = subprocess.run([CLI, *command.split()], stdout=writing, stderr=-1, timeout=20)
            os.close(writing)
            assert (ended.returncode, ended.stderr) == (0, b""), command


def test_a_terminal_that_is_closed_ends_what_follows(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal):
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [CLI, "events", "orders", "--follow"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        assert os.read(ours, 10)
        os.close(ours)
        with DevServer("orders") as other:
            other.kill(force=True)
            assert process.wait(10) in (0, 1)


def test_two_who_stop_at_once_both_succeed(fake_temporal: Path) -> None:
    assert cli("start", "orders", "--executable", str(fake_temporal)).returncode == 0
    both = [subprocess.Popen([CLI, "stop", "orders"], stdout=-1, stderr=-1) for _ in range(3)]
    assert [process.communicate(timeout=30)[1] for process in both] == [b""] * 3
    assert [process.returncode for process in both] == [0] * 3


def test_a_port_that_is_held_is_told_with_its_holder(fake_temporal: Path, sandbox: Sandbox) -> None:
    with listening() as port:
        ended = cli("start", "orders", "--port", str(port), "--executable", str(fake_temporal))
    assert ended.returncode == 1
    assert f"port {port} (port) is in use by" in complaint(ended)
    eventually("nothing is left", lambda: not sandbox.processes())


def test_an_executable_that_is_none_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        ended = cli("start", "orders", "--executable", str(path))
        assert ended.returncode == 1
        assert str(path) in complaint(ended)
    eventually("nothing is left", lambda: not sandbox.processes())


def test_a_snapshot_that_cannot_be_written_leaves_nothing(
    fake_temporal: Path, tmp_path: Path
) -> None:
    with DevServer("orders", executable=fake_temporal):
        ended = cli("snapshot", str(tmp_path / "none" / "x.db"), "--server", "orders")
        assert ended.returncode == 1
        assert "none" in complaint(ended)
        missing = cli("restore", str(tmp_path / "x.db"), "--server", "orders", "--force")
        assert missing.returncode == 1
        assert complaint(missing)
        assert json.loads(cli("status", "orders", "--json").stdout)["restarts"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_somebody_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of somebody else")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_STATE_DIR", str(theirs))
    for command in (["status"], ["list"], ["start"], ["stop", "--all"]):
        ended = cli(*command)
        assert ended.returncode == 1, command
        assert "theirs" in complaint(ended), command
    assert list(theirs.iterdir()) == []
