"""Eight at once, one killed in the middle, a forked child that stays: one download all the same."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli, lines_until
from download_support import Gate, release, script
from support import eventually
from temporal_devserver._install import locks
from temporal_devserver._install.progress import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from download_support import Service

V = "1.2.3"


def installing(stack: ExitStack) -> subprocess.Popen[str]:
    """Starts an installation in a process of its own."""
    process = subprocess.Popen([CLI, "install", V], stdout=-1, stderr=-1, text=True)
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


@pytest.fixture
def gate(service: Service) -> Iterator[Gate]:
    """The first answer with the archive stops half way, until the gate is opened."""
    service.archives[V] = release(V)
    gate = Gate()
    service.faults.append(gate)
    yield gate
    gate.opened.set()


def test_one_downloads_and_the_others_wait_and_say_for_whom(
    service: Service, store: Path, gate: Gate
) -> None:
    with ExitStack() as stack:
        first = installing(stack)
        assert gate.reached.wait(20)
        others = [installing(stack) for _ in range(7)]
        for other in others:
            said = lines_until(other, "at it already", other.stderr)[-1]
            assert said == f"process {first.pid} is at it already; waiting for it\n"
        gate.opened.set()
        for process in (first, *others):
            out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (0, f"{store / V / 'temporal'}\n"), err
    assert len(service.asked_for("archive")) == 1


def test_what_a_killed_one_leaves_is_gone_on_with(
    service: Service, store: Path, gate: Gate
) -> None:
    whole = service.archives[V]
    part = store / f".{V}.part"
    with ExitStack() as stack:
        first = installing(stack)
        assert gate.reached.wait(20)
        eventually("half of it is there", lambda: _size(part) == len(whole) // 2)
        waiting = installing(stack)
        lines_until(waiting, "at it already", waiting.stderr)
        first.kill()
        out, err = waiting.communicate(timeout=30)
        assert (waiting.returncode, out) == (0, f"{store / V / 'temporal'}\n"), err
    assert service.asked_for("archive")[-1].range == f"bytes={len(whole) // 2}-"
    assert (store / V / "temporal").read_bytes() == script(V)


def test_ctrl_c_is_one_line_and_the_next_goes_on(service: Service, store: Path, gate: Gate) -> None:
    with ExitStack() as stack:
        process = installing(stack)
        assert gate.reached.wait(20)
        eventually("a part is there", lambda: _size(store / f".{V}.part"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    last = err.splitlines()[-1]
    assert last == "temporal-devserver: interrupted; the next time it goes on where it stopped"
    assert "Traceback" not in err
    assert cli("install", V).returncode == 0
    assert service.asked_for("archive")[-1].range is not None


def test_a_forked_child_keeps_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    ours, theirs = os.pipe()
    with locks.alone(lock, Reporter()):
        child = os.fork()
        if child == 0:
            os.close(theirs)
            os.read(ours, 1)
            os._exit(0)
    os.close(ours)
    try:
        # Until its hook has run, the child has a copy.
        eventually("the lock is free", lambda: _is_free(lock), 5)
    finally:
        os.close(theirs)
        os.waitpid(child, 0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_free(lock: Path) -> bool:
    with locks.alone_now(lock) as mine:
        return mine
