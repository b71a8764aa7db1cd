"""A server that lingers is found by the next program, and goes when its time is over."""

import json
from pathlib import Path

import pytest

from support import Host, Sandbox, accepts, eventually, is_alive

PROGRAM = """
import json, sys
with DevServer("lingering", executable=sys.argv[1], linger=float(sys.argv[2])) as server:
    status = server.status()
    print(json.dumps([status.pid, status.supervisor_pid, server.address]), flush=True)
    sys.stdin.readline()
"""

LINGER = 10.0
"""Longer than two programs take one after the other, on however busy a machine."""


def run(executable: Path, linger: float, *, killed: bool = False) -> list[object]:
    """Runs the program to its end; returns the processes and the address that it saw."""
    with Host(PROGRAM, str(executable), json.dumps(linger)) as host:
        told: list[object] = host.told()
        if killed:
            host.kill()
        else:
            host.go_on()
            assert host.wait() == 0
    return told


@pytest.mark.long
def test_the_next_program_finds_it(fake_temporal: Path, sandbox: Sandbox) -> None:
    first = run(fake_temporal, LINGER)
    assert run(fake_temporal, 0) == first
    # Neither the end of the second one nor its own wish cuts the first one's short.
    assert run(fake_temporal, 0.2) == first
    _, _, address = first
    eventually("nothing is left", lambda: not sandbox.processes(), 20)
    assert not sandbox.left()
    assert not accepts(str(address))


@pytest.mark.long
def test_a_killed_program_leaves_it_too(fake_temporal: Path, sandbox: Sandbox) -> None:
    first = run(fake_temporal, LINGER, killed=True)
    assert run(fake_temporal, 0, killed=True) == first
    eventually("nothing is left", lambda: not sandbox.processes(), 20)
    assert not sandbox.left()
    pid = first[0]
    assert isinstance(pid, int)
    assert not is_alive(pid)
