"""On a machine on which nothing is wrong, with what it has looked at; and how its reports look."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from doctor_support import doctor
from foreign_worlds import LOOPBACK_UP, in_namespaces
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

AREAS = [
    "executable",
    "ports",
    "servers",
    "databases",
    "directories",
    "disk",
    "processes",
    "environment",
    "limits",
]
APART = ("--map-root-user", "--net", "--pid", "--fork", "--mount-proc")


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_all_is_well(fake_temporal: Path, sandbox: Sandbox, arguments: list[str]) -> None:
    """In a container with nothing in its environment but these."""
    environment = {
        "HOME": str(sandbox.root / "home"),
        "TMPDIR": str(sandbox.tmp),
        "TEMPORAL_DEVSERVER_EXECUTABLE": str(fake_temporal),
    }
    program = [sys.executable, "-c", LOOPBACK_UP, CLI, "doctor", *arguments]
    argv = [*in_namespaces(*APART), *program]
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    if arguments:
        report = json.loads(ended.stdout)
        assert report.pop("looked")
        assert report == {"errors": 0, "warnings": 0, "notes": 0, "findings": []}
    else:
        *looks, last = ended.stdout.splitlines()
        assert [look.split()[:2] for look in looks] == [["ok", area] for area in AREAS]
        assert last == "all is well"
        assert f"{fake_temporal}, version 9.9.9" in ended.stdout
    assert not os.path.exists(environment["HOME"]), "nothing is made"


def test_what_it_has_looked_at(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(fake_temporal))
    with DevServer("one", executable=fake_temporal), DevServer("two", executable=fake_temporal):
        looked = {look["area"]: look["at"] for look in doctor()["looked"]}
        assert list(looked) == AREAS
        assert looked["servers"] == "one (ready), two (ready)"
        assert looked["executable"] == f"{fake_temporal}, version 9.9.9"
        looked = {look["area"]: look["at"] for look in doctor("two")["looked"]}
        assert looked["servers"] == "two (ready)"


def test_a_report_for_people_has_the_fix_below_each_finding(sandbox: Sandbox) -> None:
    sandbox.state.mkdir()
    sandbox.state.chmod(0o777)
    ended = cli("doctor")
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if "directory-open" in line)
    assert lines[at].startswith(f"  error directory-open: `{sandbox.state}`: others may write")
    assert lines[at + 1].startswith("    fix: ")
    assert lines[-1].startswith("1 error, ")
    assert [line.split()[1] for line in lines if not line.startswith(" ")][:-1] == AREAS


def test_a_name_that_cannot_be_one_is_wrong_usage() -> None:
    ended = cli("doctor", "../x")
    assert (ended.returncode, ended.stdout) == (2, "")
