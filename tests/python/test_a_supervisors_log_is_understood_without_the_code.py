"""The supervisor's log: one sentence for every restart, as text or JSON, as much as asked for."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from cli_support import cli
from support import Sandbox, eventually
from temporal_devserver import ConfigError, DevServer

VARIABLE = "TEMPORAL_DEVSERVER_LOG"
WATCH = "temporal_devserver::supervisor::watch"


def log_of(server: DevServer) -> Path:
    """Returns the log of a server's supervisor."""
    directory = server.status().state_dir
    assert directory is not None
    return Path(directory, "supervisor.log")


def life(executable: Path, **options: Any) -> list[str]:
    """Lives one life with two restarts, the first after a crash; returns the lines of the log."""
    with DevServer("logged", executable=executable, **options) as server:
        status = server.status()
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)
        eventually("healed", lambda: server.status().restarts == 1)
        server.wait_ready()
        server.kill()
        server.wait_ready()
        log = log_of(server)
        eventually("written", lambda: "restart 2" in log.read_text())
    return log.read_text().splitlines()


def test_every_restart_is_one_line(fake_temporal: Path) -> None:
    restarts = [line for line in life(fake_temporal) if "started again" in line]
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"
    after_crash = "WARN server is started again, restart 1; it ended: killed by SIGKILL"
    as_asked = (
        "INFO server is started again, restart 2; it ended: killed by SIGKILL, as `kill()` asked"
    )
    assert re.fullmatch(rf"{time}  {re.escape(after_crash)}", restarts[0])
    assert re.fullmatch(rf"{time}  {re.escape(as_asked)}", restarts[1])
    assert len(restarts) == 2


def test_the_same_as_json(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "json")
    lines = [json.loads(line) for line in life(fake_temporal)]
    restarts = [line for line in lines if line.get("event") == "restarting"]
    assert [line["level"] for line in restarts] == ["WARN", "INFO"]
    assert "killed by SIGKILL" in restarts[0]["message"]
    assert all({"timestamp", "level", "target", "message"} <= line.keys() for line in lines)
    assert all(line["target"].startswith("temporal_devserver") for line in lines)


def test_each_part_has_its_level(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"error,{WATCH}=debug")
    with DevServer("logged", executable=fake_temporal, health={"interval": 0.05}) as server:
        log = log_of(server)
        lines = eventually("probed", lambda: log.read_text().splitlines())
    assert all(f" DEBUG {WATCH}: probed " in line for line in lines), lines


def test_a_wrong_value_is_told_before_anything_is_done(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DevServer("logged", executable=fake_temporal) as running:
        monkeypatch.setenv(VARIABLE, "json,loud")
        for name in ("logged", "other"):
            with pytest.raises(ConfigError, match=r"`loud` is no level.*or leave it unset$"):
                DevServer(name, executable=fake_temporal).start()
        done = cli("run", "other", "--executable", str(fake_temporal), "--", "true")
        assert done.returncode == 2
        assert VARIABLE in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert cli("status", "logged").returncode == 0
        assert running.status().state == "ready"
        assert not list(sandbox.state.rglob("other*"))
