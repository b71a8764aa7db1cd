"""Every option of `run` and `start`, given alone, has its effect: what a command implies counts.

The options are those that the command itself lists: a new one without a row here fails.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli_support import CLI, cli
from compat.versions import NEWEST
from compat.versions import executable as newest
from support import Sandbox, free_port
from temporal_devserver import DevServer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

PORTS = {
    "--port": "address",
    "--http-port": "http_address",
    "--metrics-port": "metrics_address",
    "--ui-port": "ui_url",
}
"""Where the status of a server has the port of an option."""

TELL = """\
import json, os, subprocess, sys
cli, *name = sys.argv[1:]
status = {}
if name:
    said = subprocess.run([cli, "status", *name, "--json"], stdout=-1, check=True).stdout
    status = json.loads(said)
pids = [status[key] for key in ("pid",) if key in status]
line = [open(f"/proc/{pid}/cmdline").read().split("\\0")[:-1] for pid in pids]
print(json.dumps({"status": status, "argv": line and line[0], "env": dict(os.environ)}))
"""
"""What a command of `run` tells of its server."""


@dataclass
class World:
    """What an option is tried with."""

    command: str
    executable: Path
    root: Path
    monkeypatch: pytest.MonkeyPatch
    port: int = field(default_factory=free_port)
    told: dict[str, Any] = field(default_factory=dict)

    def call(self, *words: str, own_executable: bool = False) -> subprocess.CompletedProcess[str]:
        """Calls the command with an option alone; of `run`, the command tells of its server."""
        if not own_executable:
            self.monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(self.executable))
        if self.command == "start":
            ended = cli("start", "orders", *words)
            if ended.returncode == 0:
                status = json.loads(cli("status", "orders", "--json").stdout)
                line = Path(f"/proc/{status['pid']}/cmdline").read_text().split("\0")[:-1]
                self.told = {"status": status, "argv": line}
            return ended
        ended = cli("run", "orders", *words, "--", sys.executable, "-c", TELL, CLI, "orders")
        if ended.returncode == 0:
            self.told = json.loads(ended.stdout)
        return ended

    def works(self, *words: str, own_executable: bool = False) -> dict[str, Any]:
        """Calls the command, which has to succeed; returns the status of its server."""
        ended = self.call(*words, own_executable=own_executable)
        assert ended.returncode == 0, ended.stderr
        status: dict[str, Any] = self.told["status"]
        return status

    def passes(self, *expected: str) -> None:
        """Checks that words follow one another in the command line of the server."""
        argv = self.told["argv"]
        found = any(tuple(argv[i : i + len(expected)]) == expected for i in range(len(argv)))
        assert found, argv


def a_port(world: World, option: str) -> None:
    status = world.works(option, str(world.port))
    assert str(status[PORTS[option]]).rstrip("/").endswith(f":{world.port}")


def a_database(world: World, option: str) -> None:
    assert world.works(option, str(world.root / "x.db"))["db_path"] == str(world.root / "x.db")


def an_ip(world: World, option: str) -> None:
    world.works(option, "0.0.0.0")
    world.passes("--ip", "0.0.0.0")


def an_executable(world: World, option: str) -> None:
    world.monkeypatch.setenv("PATH", "/usr/bin:/bin")
    world.works(option, str(world.executable), own_executable=True)
    assert world.told["argv"][0] == str(world.executable)


def a_version(world: World, option: str) -> None:
    assert world.works(option, "9.9.9")["version"] == "9.9.9"
    cli("stop", "--all", "--force")
    refused = world.call(option, "3.3.3")
    assert refused.returncode == 1
    assert "of version 3.3.3" in refused.stderr


def a_log_level(world: World, option: str) -> None:
    world.works(option, "error")
    world.passes("--log-level", "error")


def an_extra_argument(world: World, option: str) -> None:
    world.works(option, "--log-config")
    world.passes("--log-config")


def a_dynamic_config(world: World, option: str) -> None:
    world.works(option, "frontend.rps=77")
    world.passes("--dynamic-config-value", "frontend.rps=77")


def a_namespace(world: World, option: str) -> None:
    world.works(option, "shop")
    world.passes("--namespace", "shop")
    if world.command == "run":
        assert world.told["env"]["TEMPORAL_NAMESPACE"] == "shop"


def a_search_attribute(world: World, option: str) -> None:
    """The fake server has none, so this is for the real one."""
    executable = str(newest(NEWEST))
    listing = [executable, "operator", "search-attribute", "list", "--output", "json"]
    words = ["--executable", executable, option, "Customer=Keyword"]
    if world.command == "start":
        assert cli("start", "orders", *words).returncode == 0
        words = []
    ended = cli("run", "orders", *words, "--", *listing)
    assert '"Customer": "INDEXED_VALUE_TYPE_KEYWORD"' in ended.stdout, ended.stderr


def a_start_timeout(world: World, option: str) -> None:
    world.monkeypatch.setenv("FAKE_TEMPORAL", "ready_after=60")
    refused = world.call(option, "0.5")
    assert refused.returncode == 1
    assert "not ready within 0.5 s" in refused.stderr


def a_stop_timeout(world: World, option: str) -> None:
    """A kept server may take longer for its end than the five seconds that it has otherwise."""
    world.monkeypatch.setenv("FAKE_TEMPORAL", "stop_takes=6")
    database = ["--keep"] if world.command == "run" else []
    directory = Path(world.works(*database, option, "60")["state_dir"])
    cli("stop", "orders")
    log = (directory / "supervisor.log").read_text()
    (seconds,) = re.findall(r"server stopped in ([\d.]+) s", log)
    assert float(seconds) >= 6


def no_ui(world: World, option: str) -> None:
    assert world.works(option)["ui_url"] is None


def a_ui(world: World, option: str) -> None:
    assert world.works(option)["ui_url"]


def kept(world: World, option: str) -> None:
    path = world.works(option)["db_path"]
    assert os.path.exists(path), "the data outlives the server"


def lingers(world: World, option: str) -> None:
    status = world.works(option, "30")
    assert json.loads(cli("status", "orders", "--json").stdout)["pid"] == status["pid"]


def a_state_dir(world: World, option: str) -> None:
    ended = cli("run", "orders", option, str(world.root / "mine"), "--", "true")
    assert ended.returncode == 0, ended.stderr
    assert (world.root / "mine/servers/orders/server.log").exists()


def keeps_the_environment(world: World, option: str) -> None:
    world.monkeypatch.setenv("TEMPORAL_API_KEY", "mine")
    world.works(option)
    assert world.told["env"]["TEMPORAL_API_KEY"] == "mine"


def json_out(world: World, option: str) -> None:
    ended = world.call(option)
    assert json.loads(ended.stdout)["name"] == "orders"


def help_out(world: World, option: str) -> None:
    assert "Usage" in cli(world.command, option).stdout


BOTH: dict[str, Callable[[World, str], None]] = {
    **dict.fromkeys(PORTS, a_port),
    "--db": a_database,
    "--ip": an_ip,
    "--executable": an_executable,
    "--server-version": a_version,
    "--log-level": a_log_level,
    "--extra-arg": an_extra_argument,
    "--dynamic-config": a_dynamic_config,
    "--namespace": a_namespace,
    "--search-attribute": a_search_attribute,
    "--start-timeout": a_start_timeout,
    "--stop-timeout": a_stop_timeout,
    "--help": help_out,
}
"""What each option is expected to do."""

EFFECTS = {
    "run": {
        **BOTH,
        "--ui": a_ui,
        "--keep": kept,
        "--keep-environment": keeps_the_environment,
        "--linger": lingers,
        "--state-dir": a_state_dir,
    },
    "start": {**BOTH, "--no-ui": no_ui, "--json": json_out},
}
"""By the command."""


REAL = pytest.mark.real_server


@pytest.fixture(autouse=True)
def _stopped(sandbox: Sandbox) -> Iterator[None]:
    yield
    if sandbox.state.exists():
        cli("stop", "--all", "--force")


@pytest.mark.parametrize("command", EFFECTS)
def test_every_option_of_the_command_has_a_row(command: str) -> None:
    text = cli(command, "--help").stdout
    listed = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)
    assert sorted(listed) == sorted(EFFECTS[command])


@pytest.mark.parametrize(
    ("command", "option"),
    [
        pytest.param(command, option, marks=REAL if option == "--search-attribute" else ())
        for command, options in EFFECTS.items()
        for option in options
    ],
)
def test_an_option_alone_has_its_effect(
    command: str,
    option: str,
    fake_temporal: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(command, fake_temporal, sandbox.root, monkeypatch)
    EFFECTS[command][option](world, option)


def test_a_ui_port_asks_for_the_ui_in_a_program_too(fake_temporal: Path) -> None:
    port = free_port()
    with DevServer(executable=fake_temporal, ui_port=port) as server:
        assert server.ui_url == f"http://127.0.0.1:{port}"
