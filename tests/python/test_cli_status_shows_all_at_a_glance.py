"""`status`: for people, for scripts, for Prometheus."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli_support import CLI, cli
from support import eventually
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

GREEN = "\x1b[32mready\x1b[0m"


def samples(name: str) -> dict[tuple[str, str], float]:
    """Returns what a real parser reads: the values by metric and label."""
    text = cli("status", name, "--prometheus").stdout
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            assert sample.labels.pop("name") == name
            label = sample.labels.get("cause") or sample.labels.get("layer") or ""
            found[sample.name.removeprefix("temporal_devserver_"), label] = sample.value
    return found


def test_a_real_parser_reads_what_prometheus_is_told(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        before = samples("orders")
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually("it is back", lambda: server.status().uptime and server.status().pid != pid)
        server.kill()
        server.wait_ready()
        after = samples("orders")
        status = server.status()
    assert before["restarts_total", "crash"] == 0
    assert after["restarts_total", "crash"] == 1
    assert after["restarts_total", "kill"] == 1
    assert status.restart_causes == {"crash": 1, "kill": 1}
    assert after["up", ""] == after["info", ""] == after["leases", ""] == 1
    assert after["uptime_seconds", ""] > 0
    assert after["database_bytes", ""] == pytest.approx(status.db_bytes, rel=0.5)
    for probe in status.probes:
        assert after["probe_success", probe.layer] == 1
        assert 0 < after["probe_latency_seconds", probe.layer] < 5


def test_people_see_all_that_concerns_them(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal, ui=True, namespaces=["shop"]) as server:
        server.kill()
        status = server.wait_ready()
        shown = cli("status", "orders").stdout
        assert f" {server.ui_url}\n" in shown
    assert "\x1b" not in shown
    assert status.db_bytes
    assert status.address
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert lines["orders"].split() == ["orders", "ready"]
    assert status.address in lines["address"]
    assert "1 (1 kill), the last time: killed by SIGKILL" in lines["restarts"]
    assert "ms" in lines["health"]
    assert f"pid {os.getpid()} (" in lines["used"]
    assert str(status.db_path) in lines["database"]
    assert lines["database"].endswith("B")
    assert str(status.log_path) in lines["log"]


@pytest.mark.parametrize(
    ("variables", "has_colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(
    fake_temporal: Path, variables: dict[str, str], *, has_colours: bool
) -> None:
    environment = {**os.environ, "TERM": "xterm", **variables}
    with DevServer("orders", executable=fake_temporal):
        assert (GREEN in on_a_terminal("status", "orders", env=environment)) == has_colours


def on_a_terminal(*arguments: str, env: dict[str, str]) -> str:
    """Runs a command whose standard output is a terminal, and returns what is seen there."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run([CLI, *arguments], stdout=theirs, env=env, timeout=20, check=True)
        os.set_blocking(ours, False)
        return os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_status_of_json_and_prometheus_at_once_is_wrong() -> None:
    assert cli("status", "--json", "--prometheus").returncode == 2


def test_list_tells_who_stays(fake_temporal: Path) -> None:
    try:
        assert cli("start", "orders", "--executable", str(fake_temporal)).returncode == 0
        (line,) = cli("list").stdout.splitlines()
        (row,) = json.loads(cli("list", "--json").stdout)
    finally:
        cli("stop", "orders")
    assert line.split()[-1] == "stays"
    assert row["pinned"] is True
