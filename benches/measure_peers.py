"""The peers: how long starts and ends take, and what becomes of a server when things are killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from figures import Fact, Figure, ratio
from peer_host import PEERS
from raw_server import free_ports, is_answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setting import Setting

APART = Path(__file__).parents[1] / "target/peers/bin/python"
"""An environment for those that are no dependency of ours; `make bench` makes it."""

HERE = list(PEERS)[:3]
"""Those that our own environment has."""

OURS, *OTHERS = PEERS if APART.exists() else HERE


class Host(NamedTuple):
    """A program with a server."""

    process: subprocess.Popen[str]
    port: int
    pid: int
    seconds: float

    def stop(self) -> float:
        """Has it end; returns how long its server took for that."""
        told, _ = self.process.communicate("\n", timeout=60)
        [line] = [line for line in told.splitlines() if line.startswith("{")]
        seconds: float = json.loads(line)["seconds"]
        return seconds


class Place(NamedTuple):
    """Where a program is to have its server; a second one at the same place asks for the same."""

    peer: str
    setting: Setting
    port: int
    folder: Path

    @property
    def patience(self) -> float:
        """Seconds after which something has not come back, or is still there."""
        return 1.0 if self.setting.quick else 5.0


def place(setting: Setting, peer: str) -> Place:
    """Returns a place where nothing is yet."""
    folder = setting.fresh(peer)
    return Place(peer, setting, free_ports(1)[0], folder)


@contextmanager
def host(at: Place) -> Iterator[Host]:
    """Runs a program with a server; ends both, whatever has become of them."""
    words = [
        sys.executable if at.peer in HERE else str(APART),
        str(Path(__file__).with_name("peer_host.py")),
        at.peer,
    ]
    words += [at.setting.executable, str(at.port), str(at.folder)]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=at.folder,
    )
    server = 0
    try:
        assert process.stdout
        while not (line := process.stdout.readline()).startswith("{"):
            if not line:
                _, problem = process.communicate()
                raise RuntimeError(problem.strip().splitlines()[-1])
        told = json.loads(line)
        server = told["pid"]
        yield Host(process, told["port"], server, told["seconds"])
    finally:
        process.kill()
        if server and at.peer != OURS and not is_gone(server):  # it has our pipes, too
            os.kill(server, signal.SIGKILL)
        process.communicate()


def is_gone(pid: int, seconds: float = 0.0) -> bool:
    """Tells whether a process is dead, all of its threads are, or is within some time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def start_and_stop(setting: Setting) -> list[Figure]:
    """Each peer in turn with us: from the call to the answer, and the end."""
    figures = []
    for peer in OTHERS:
        starts: tuple[list[float], list[float]] = ([], [])
        ends: tuple[list[float], list[float]] = ([], [])
        for _ in range(setting.times(6)):
            for side, who in enumerate((OURS, peer)):
                with host(place(setting, who)) as program:
                    starts[side].append(program.seconds)
                    ends[side].append(program.stop())
        figures.append(ratio(f"start / {peer}", *starts))
        figures.append(ratio(f"stop / {peer}", *ends))
    return figures


def killed(setting: Setting) -> list[Fact]:
    """What becomes of the server of each peer when it, or its program, is killed; who shares it."""
    facts = []
    for peer in (OURS, *OTHERS):
        facts.append(Fact(peer, "its server is killed", _server_killed(place(setting, peer))))
        facts.append(Fact(peer, "its program is killed", _program_killed(place(setting, peer))))
        facts.append(Fact(peer, "a second process asks", _second_asks(place(setting, peer))))
    return facts


def _server_killed(at: Place) -> str:
    with host(at) as program:
        os.kill(program.pid, signal.SIGKILL)
        began = time.perf_counter()
        is_gone(program.pid, at.patience)
        while time.perf_counter() < began + at.patience:
            if is_answering(program.port):
                return f"back after {time.perf_counter() - began:.2f} s"
            time.sleep(0.001)
    return "stays down"


def _program_killed(at: Place) -> str:
    with host(at) as program:
        program.process.kill()
        began = time.perf_counter()
        if is_gone(program.pid, at.patience):
            return f"the server is gone after {(time.perf_counter() - began) * 1000:.0f} ms"
    return f"the server is still there after {at.patience:g} s"


def _second_asks(at: Place) -> str:
    with host(at) as first:
        try:
            with host(at) as second:
                if second.pid == first.pid:
                    return f"gets the same one, after {second.seconds * 1000:.0f} ms"
                if is_gone(second.pid, 2.0):
                    return "takes the first one's answers for those of its own, which has died"
                return "gets a server of its own"
        except RuntimeError as error:
            kind, _, _ = str(error).partition(":")
            return f"gets an error, `{kind.rpartition('.')[2]}`"
