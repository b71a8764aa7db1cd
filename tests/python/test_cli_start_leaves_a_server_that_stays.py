"""`start`: a server in the background that stays until `stop`, whoever comes and goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli_support import CLI, cli, cli_process
from support import Sandbox, accepts, eventually, free_port, is_alive
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _stopped(sandbox: Sandbox) -> Iterator[None]:
    """Stops what a test has started, as a user has to."""
    yield
    if sandbox.state.exists():
        cli("stop", "--all", "--force")


def started(*arguments: str) -> dict[str, Any]:
    """Starts a server and returns its status."""
    ended = cli("start", "--json", *arguments)
    assert ended.returncode == 0, ended.stderr
    status: dict[str, Any] = json.loads(ended.stdout)
    return status


def test_it_is_ready_stays_and_keeps_its_data(fake_temporal: Path) -> None:
    first = started("orders", "--executable", str(fake_temporal))
    assert first["state"] == "ready"
    assert first["pinned"]
    assert accepts(first["address"])
    assert first["ui_url"]
    second = started("orders")
    assert second["pid"] == first["pid"], "a second start is a success"
    shown = json.loads(cli("status", "orders", "--json").stdout)
    assert (shown["leases"], shown["pinned"]) == ([], True)
    with DevServer("orders") as server:
        assert server.address == first["address"]
    assert is_alive(first["pid"]), "the end of the last lease does not end it"
    assert cli("stop", "orders").returncode == 0
    assert os.path.exists(first["db_path"])
    again = started("orders", "--executable", str(fake_temporal))
    assert again["db_path"] == first["db_path"]
    assert again["pid"] != first["pid"]


def test_it_tells_where_the_server_is_and_how_it_is_stopped(fake_temporal: Path) -> None:
    ended = cli("start", "orders", "--executable", str(fake_temporal), "--no-ui")
    assert ended.returncode == 0, ended.stderr
    assert "ready at 127.0.0.1:" in ended.stdout
    assert "web UI" not in ended.stdout
    assert ended.stdout.splitlines()[-1] == "it stays until `temporal-devserver stop orders`"


def test_a_server_of_a_program_is_pinned_and_its_data_is_spoken_of(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        pinned = cli("start", "orders", "--json")
        assert pinned.returncode == 0, pinned.stderr
        assert "thrown away when it is stopped" in pinned.stderr
        pid = server.status().pid
    assert is_alive(pid)


def test_a_program_that_uses_it_heals_it_with_all_that_it_is(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        status = json.loads(cli("start", "orders", "--json").stdout)
        os.kill(status["supervisor_pid"], signal.SIGKILL)
        eventually("it is healed", lambda: server.wait_ready().pid != status["pid"])
        healed = server.status()
        assert (healed.pinned, healed.address) == (True, status["address"])
    assert is_alive(healed.pid)


def test_two_starts_at_once_are_one_server(fake_temporal: Path) -> None:
    words = [CLI, "start", "orders", "--json", "--executable", str(fake_temporal)]
    both = [subprocess.Popen(words, stdout=-1, text=True) for _ in range(4)]
    told = [process.communicate(timeout=30)[0] for process in both]
    assert [process.returncode for process in both] == [0] * 4
    assert len({json.loads(text)["pid"] for text in told}) == 1


def test_explicit_options_that_differ_are_refused_and_listed(fake_temporal: Path) -> None:
    started("orders", "--executable", str(fake_temporal))
    refused = cli("start", "orders", "--port", str(free_port()))
    assert refused.returncode == 1
    assert "port" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_start_that_is_ended_leaves_nothing(
    fake_temporal: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    end: signal.Signals,
    code: int,
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "never_ready")
    with cli_process("start", "orders", "--executable", str(fake_temporal)) as process:
        eventually("a server boots", sandbox.servers)
        process.send_signal(end)
        assert process.wait(10) == code
    eventually("nothing is left", lambda: not sandbox.processes())
