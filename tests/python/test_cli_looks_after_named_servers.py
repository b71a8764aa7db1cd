"""`status`, `list`, `stop`, `logs`: short commands on servers that others hold."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from cli_support import CLI, cli
from support import eventually
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path


def test_status_says_what_the_library_says(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        shown = json.loads(cli("status", "orders", "--json").stdout)
        status = server.status()
        assert shown["address"] == server.address
        assert shown["state"] == "ready"
        assert set(shown) == set(status.__dataclass_fields__)
        text = cli("status", "orders").stdout
    for word in ("orders", "ready", server.name, shown["log_path"], str(shown["pid"])):
        assert word in text


def test_what_does_not_run_has_an_exit_code_of_its_own() -> None:
    ended = cli("status", "nobody")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == "temporal-devserver: server `nobody` is not running; start it first\n"


def test_list_shows_running_and_stopped_servers(fake_temporal: Path) -> None:
    with DevServer("one", executable=fake_temporal), DevServer("two", executable=fake_temporal):
        pass
    with DevServer("two", executable=fake_temporal):
        listed = {row["name"]: row["state"] for row in json.loads(cli("list", "--json").stdout)}
        assert listed == {"one": "stopped", "two": "ready"}
        assert [line.split()[:2] for line in cli("list").stdout.splitlines()] == [
            ["one", "stopped"],
            ["two", "ready"],
        ]


def test_stop_is_refused_while_others_use_it_and_forced_is_not_healed(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        refused = cli("stop", "orders")
        assert refused.returncode == 1
        assert "--force" in refused.stderr
        assert server.status().state == "ready"
        stopped = cli("stop", "--all", "--force")
        assert (stopped.returncode, stopped.stdout) == (0, "server `orders` is stopped\n")
        eventually("the handle knows", lambda: server._session.state == "idle")
    assert cli("status", "orders").returncode == 3
    assert cli("stop", "orders").stdout == "server `orders` was not running\n"


def test_logs_shows_the_end_of_the_log_and_a_closed_pipe_is_no_error(
    fake_temporal: Path, tmp_path: Path
) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        path = server.log_path
        with open(path, "a") as log:
            log.write("".join(f"line {number}\n" for number in range(100_000)))
        assert cli("logs", "orders", "--tail", "2").stdout == "line 99998\nline 99999\n"
        error = tmp_path / "error"
        with error.open("w") as stderr:
            piped = subprocess.run(
                f"'{CLI}' logs orders | head -1", shell=True, stdout=-1, stderr=stderr, check=True
            )
        assert len(piped.stdout.splitlines()) == 1
        assert error.read_text() == ""


def test_a_wrong_command_line_is_told_so() -> None:
    for arguments in (
        ["nonsense"],
        ["run", "--port", "x"],
        ["stop", "a", "--all"],
        ["run", "--ip", "::1"],
    ):
        ended = cli(*arguments)
        assert ended.returncode == 2, arguments
        assert "Traceback" not in ended.stderr
