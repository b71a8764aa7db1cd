"""`events`, `logs --since`, `ui`: what a server did, and where it is seen."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from cli_support import cli, cli_process, lines_until
from support import eventually
from temporal_devserver import DevServer


def test_events_are_shown_and_followed_to_the_end(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        shown = cli("events", "orders").stdout.splitlines()
        kinds = [
            json.loads(line)["kind"]
            for line in cli("events", "orders", "--json").stdout.splitlines()
        ]
        assert kinds == ["starting", "ready"]
        assert [line.split()[2] for line in shown] == kinds
        assert "server ready at 127.0.0.1:" in shown[1]
        with cli_process("events", "orders", "-f", "--json") as process:
            lines_until(process, '"ready"')
            pid = server.status().pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            told = lines_until(process, '"ready"')
            assert [json.loads(line)["kind"] for line in told] == [
                "exited",
                "restarting",
                "starting",
                "ready",
            ]
            assert len(server.status().leases) == 1, "following is no lease"
            server.stop()
            lines_until(process, '"stopped"')
            assert process.wait(10) == 0


def test_events_go_on_with_the_next_supervisor(fake_temporal: Path) -> None:
    with (
        DevServer("orders", executable=fake_temporal) as server,
        cli_process("events", "orders", "-f") as process,
    ):
        lines_until(process, " ready ")
        supervisor = server.status().supervisor_pid
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        lines_until(process, " ready ")
        assert server.wait_ready().supervisor_pid != supervisor


def stamp(seconds_ago: float) -> str:
    """Returns a time as the server writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000", time.localtime(time.time() - seconds_ago))


def test_logs_are_followed_over_a_cut(fake_temporal: Path) -> None:
    with (
        DevServer("orders", executable=fake_temporal) as server,
        cli_process("logs", "orders", "--follow") as process,
    ):
        log = Path(server.log_path)
        for line in ("what came before the cut", "what comes after"):
            with log.open("a") as file:
                file.write(f"{line}\n")
            lines_until(process, line)
            os.truncate(log, 0)


def test_logs_since_begins_where_that_time_does(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        Path(server.log_path).write_text(
            f"time={stamp(7200)} level=WARN msg=old\n"
            f"time={stamp(300)} level=WARN msg=young\n"
            "goroutine 1 [running]:\n"
            f"time={stamp(10)} level=WARN msg=new\n"
        )
        shown = cli("logs", "orders", "--since", "1h").stdout
        assert [line.rpartition("=")[2] for line in shown.splitlines()] == [
            "young",
            "goroutine 1 [running]:",
            "new",
        ]
        assert (
            cli("logs", "orders", "--since", "1h", "--tail", "1").stdout
            == shown.splitlines()[-1] + "\n"
        )
        assert cli("logs", "orders", "--since", "1m").stdout.count("\n") == 1
        assert cli("logs", "orders", "--since", "1s").stdout == ""
        assert cli("logs", "orders", "--since", stamp(600)).stdout == shown
        wrong = cli("logs", "orders", "--since", "yesterday")
    assert wrong.returncode == 2
    assert "10m" in wrong.stderr


@pytest.mark.real_server
def test_the_real_servers_log_bears_times_that_are_read(real_temporal: Path) -> None:
    with DevServer("orders", executable=real_temporal, log_level="info") as server:
        whole = Path(server.log_path).read_text().splitlines()
        assert len(cli("logs", "orders", "--since", "1h").stdout.splitlines()) >= len(whole) > 0
        assert cli("logs", "orders", "--since", "1970-01-01T00:00:00Z").stdout
        future = cli("logs", "orders", "--since", stamp(-3600))
    assert (future.returncode, future.stdout) == (0, "")


def test_ui_prints_the_address_and_opens_it(
    fake_temporal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho noise\necho "$1" > {seen}.new\nmv {seen}.new {seen}\n')
    browser.chmod(0o755)
    for variable in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    with DevServer("orders", executable=fake_temporal, ui=True) as server:
        assert cli("ui", "orders").stdout == f"{server.ui_url}\n"
        assert json.loads(cli("ui", "orders", "--json").stdout) == {"ui_url": server.ui_url}
        blind = cli("ui", "orders", "--open")
        assert (blind.returncode, blind.stdout) == (1, f"{server.ui_url}\n")
        assert "no display" in blind.stderr
        monkeypatch.setenv("BROWSER", str(browser))
        opened = cli("ui", "orders", "--open")
        assert (opened.returncode, opened.stdout, opened.stderr) == (0, f"{server.ui_url}\n", "")
        eventually("the browser is told", seen.exists)
        assert seen.read_text() == f"{server.ui_url}\n"
        monkeypatch.setenv("BROWSER", str(tmp_path / "none"))
        assert cli("ui", "orders", "--open").returncode == 1


def test_a_server_without_a_ui_says_so(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal):
        ended = cli("ui", "orders")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "has no web UI; stop it, and start it again" in ended.stderr
