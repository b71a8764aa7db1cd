"""`tests/browser install` where there is none: as root, by sudo, or it says what to do."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from browser_support import FINDER

if TYPE_CHECKING:
    from pathlib import Path

APT = """
echo "$0 $*" >> {tools}/asked
case "$*" in *chromium-headless-shell) {shell};; esac
"""
INSTALLS = ': > "{tools}/chromium-headless-shell"; {chmod} +x "{tools}/chromium-headless-shell"'


class Machine:
    """A machine that has the commands of one folder, and no others."""

    def __init__(self, tools: Path) -> None:
        self.tools = tools
        tools.mkdir()

    def has(self, name: str, script: str) -> None:
        """Adds a command."""
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def has_apt(self, *, broken: bool = False) -> None:
        """Adds an apt-get that installs the browser, or fails."""
        installs = "exit 100" if broken else INSTALLS.format(tools=self.tools, chmod="/bin/chmod")
        self.has("apt-get", APT.format(tools=self.tools, shell=installs))

    def install(self) -> subprocess.CompletedProcess[str]:
        """Has the browser installed."""
        return subprocess.run(
            ["/bin/sh", FINDER, "install"],
            env={"PATH": str(self.tools)},
            capture_output=True,
            text=True,
        )

    def asked(self) -> str:
        """Returns what apt-get was asked."""
        return (self.tools / "asked").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "tools")


def test_there_is_one(machine: Machine) -> None:
    machine.has("chromium", "")
    assert machine.install().stdout == f"{machine.tools}/chromium\n"


def test_root_needs_no_sudo(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has_apt()
    assert machine.install().stdout == f"{machine.tools}/chromium-headless-shell\n"
    assert "install" in machine.asked()


def test_others_need_sudo(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has_apt()
    refused = machine.install()
    assert refused.returncode == 1
    assert "only root" in refused.stderr
    assert "install `chromium` by other means" in refused.stderr

    machine.has("sudo", 'echo sudo >> "${0%/*}/asked"; exec "$@"')
    assert machine.install().returncode == 0
    assert machine.asked().startswith("sudo\n")


def test_without_apt(machine: Machine) -> None:
    refused = machine.install()
    assert refused.returncode == 1
    assert "there is no apt-get" in refused.stderr


def test_apt_fails(machine: Machine) -> None:
    machine.has("id", "echo 0")
    machine.has_apt(broken=True)
    # `chromium` is what it asks for next; this apt-get says yes and installs nothing.
    refused = machine.install()
    assert refused.returncode == 1
    assert "failed" in refused.stderr
