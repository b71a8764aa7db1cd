"""The two locks of a version: of who changes it, one at a time, and of who uses it.

The kernel fact: a flock ends when the last copy of its descriptor is closed, however its process
ends. So a forked child closes its copy at once, and nobody ever has to break a lock. A server and
its supervisor hold the second one shared (`src/supervisor/prepare.rs`); to remove a version, both
have to be held alone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import _clock
from .failure import writing

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from .progress import Reporter

POLL = 0.05
"""Seconds between two tries: a wait for a flock could not be broken off."""

_held: set[int] = set()


@contextmanager
def alone(path: pathlib.Path, reporter: Reporter) -> Iterator[None]:
    """Holds a lock alone; waits until it can be had, and says for whom."""
    lock = _open(path)
    try:
        told = ""
        while not _try(lock):
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
            if holder != told:
                told = holder
                reporter.say(f"process {holder} is at it already; waiting for it")
            reporter.wait()
            _clock.sleep(POLL)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        _close(lock)


@contextmanager
def alone_now(path: pathlib.Path) -> Iterator[bool]:
    """Holds a lock alone, where it can be had at once; tells whether it does."""
    lock = _open(path)
    try:
        yield _try(lock)
    finally:
        _close(lock)


def _open(path: pathlib.Path) -> int:
    with writing(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    _held.add(lock)
    return lock


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(lock: int) -> None:
    if lock in _held:  # else this is a forked child's: closed
        _held.remove(lock)
        os.close(lock)


def _in_child() -> None:
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_in_child)
