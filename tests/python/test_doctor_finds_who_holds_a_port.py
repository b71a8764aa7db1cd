"""Strangers on the usual ports and on those of a killed server; and our own, who are none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any

from cli_support import CLI
from doctor_support import doctor, finds, killed
from foreign_worlds import in_namespaces
from support import Host, accepts, eventually, free_port, stranger

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

WORLD = """
import contextlib, fcntl, json, os, socket, struct, subprocess, sys, time
cli, executable = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack("16sH14x", b"lo", 1)  # IFF_UP
    fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS
def report():
    ended = subprocess.run([cli, "doctor", "--json"], capture_output=True, text=True)
    report = json.loads(ended.stdout)
    ports = next(look["at"] for look in report["looked"] if look["area"] == "ports")
    return [ports, [f for f in report["findings"] if f["area"] == "ports"]]
told = [report()]
with socket.create_server(("127.0.0.1", 7233)), socket.create_server(("0.0.0.0", 8233)):
    told.append(report())
with DevServer("default", executable=executable, port=7233, ui=True, ui_port=8233):
    told.append(report())
with DevServer(executable=executable, port=7233):
    told.append(report())
foreign = subprocess.Popen([executable, "server", "start-dev", "--headless"], stdout=2)
while True:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 7233), 1).close()
        break
    time.sleep(0.005)
told.append(report())
foreign.kill()
foreign.wait()
print(json.dumps([os.getpid(), foreign.pid, told]), flush=True)
"""
"""A machine of its own, where nobody has 7233 and 8233."""


def test_the_usual_ports(fake_temporal: Path) -> None:
    apart = in_namespaces("--map-root-user", "--net", "--pid", "--fork", "--mount-proc")
    with Host(WORLD, CLI, str(fake_temporal), through=apart) as host:
        me, foreign_pid, told = host.told()
        free, held, default, private, foreign = told
        assert host.wait() == 0
    assert free == ["7233 is free, 8233 is free", []]
    assert held[0] == "7233 is held, 8233 is held"
    for finding, port in zip(held[1], (7233, 8233), strict=True):
        assert (finding["code"], finding["level"]) == ("default-port-held", "warning")
        assert f"port {port}" in finding["message"]
        assert f"`kill {me}`" in finding["fix"]
    assert default == ["7233 is server `default`, 8233 is server `default`", []]
    assert private[0].startswith("7233 is a server of ours, pid ")
    assert [finding["code"] for finding in foreign[1]] == ["foreign-temporal"]
    assert f"pid {foreign_pid} " in foreign[1][0]["message"]


def test_a_port_of_a_killed_server(fake_temporal: Path, sandbox: Sandbox) -> None:
    port = free_port()
    options: dict[str, Any] = {"executable": str(fake_temporal), "port": port}
    with killed(sandbox, "orders", **options):
        assert not [f for f in doctor()["findings"] if f["code"] == "port-held"]
        with socket.create_server(("127.0.0.1", port)):
            finding = finds("port-held", port)
            assert "`orders`" in finding["message"]
            assert f"pid {os.getpid()} " in finding["message"]
            assert not [f for f in doctor()["findings"] if f["code"] == "foreign-temporal"]
            assert doctor("another")["errors"] == 0
        argv = [str(fake_temporal), "server", "start-dev", "--headless", "--port", str(port)]
        with stranger(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as foreign:
            eventually("it listens", lambda: accepts(f"127.0.0.1:{port}"))
            for code in ("port-held", "foreign-temporal"):
                found = [f for f in doctor()["findings"] if f["code"] == code]
                assert [str(foreign.pid) in f["message"] for f in found] == [True], found


def test_a_port_that_the_kernel_had_chosen_is_not_missed(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    with killed(sandbox, "orders", executable=str(fake_temporal)) as directory:
        address = json.loads((directory / "state.json").read_text())["address"]
        with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
            assert doctor()["errors"] == 0


def test_doctor_finds_a_loopback_that_is_down() -> None:
    finding = finds("loopback-down", through=in_namespaces("--map-root-user", "--net"))
    assert "`ip link set lo up`" in finding["fix"]
    assert "loopback-down" not in [each["code"] for each in doctor()["findings"]]
