"""A server that `start_local` left, and one that somebody uses: told, and never touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cli_support import CLI
from doctor_support import doctor, finds
from foreign_worlds import as_init
from support import Host, accepts, eventually, free_port, stranger
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

ORPHANED = """
import json, os, subprocess, sys, time
cli, executable, port = sys.argv[1:]
leave = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=2).pid)"
line = [executable, "server", "start-dev", "--headless", "--port", port]
pid = int(subprocess.run([sys.executable, "-c", leave, *line], stdout=-1, check=True).stdout)
ended = subprocess.run([cli, "doctor", "--json"], capture_output=True, text=True)
print(json.dumps([pid, os.getpid(), json.loads(ended.stdout)["findings"]]), flush=True)
input()
os.kill(pid, 0)
"""
"""In a container: what its parent leaves falls to init, which is this program."""


def test_one_whose_parent_is_gone(fake_temporal: Path) -> None:
    with Host(ORPHANED, CLI, str(fake_temporal), str(free_port()), through=as_init()) as host:
        pid, init, findings = host.told()
        assert init == 1
        found = [f for f in findings if f["area"] == "processes"]
        assert [f["code"] for f in found] == ["orphaned-server"], found
        assert f"pid {pid} " in found[0]["message"]
        assert f"`kill {pid}`" in found[0]["fix"]
        host.go_on()
        assert host.wait() == 0, "it lives on"


def test_one_that_somebody_uses(fake_temporal: Path) -> None:
    port = free_port()
    argv = [str(fake_temporal), "server", "start-dev", "--headless", "--port", str(port)]
    with stranger(argv) as used:
        eventually("it listens", lambda: accepts(f"127.0.0.1:{port}"))
        finding = finds("other-server", f"pid {used.pid} ")
        assert f"started by pid {os.getpid()} " in finding["message"]
        assert used.poll() is None
    with DevServer(executable=fake_temporal) as server:
        pid = server.status().pid
        assert not [f for f in doctor()["findings"] if f"pid {pid} " in f["message"]]
