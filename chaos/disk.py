"""A small disk that can be filled: a tmpfs that only this run sees.

`unshare` gives the run a mount namespace of its own, so that the disk goes with its last process.
Where the kernel or the user may not do that, a full disk is imitated as far as it goes: the state
file cannot be written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .world import World

MARK = "CHAOS_OWN_MOUNTS"
"""Environment variable: whether we are in a mount namespace of our own."""


def enter_own_mounts(arguments: Sequence[str]) -> None:
    """Begins anew in a mount namespace of our own, where that can be had."""
    unshare = shutil.which("unshare")
    if MARK in os.environ or unshare is None:
        return
    ways = [[unshare, "--mount"], [unshare, "--user", "--map-root-user", "--mount"]]
    for way in ways:
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            words = [*way, sys.executable, "-m", "chaos", *arguments]
            os.execve(unshare, words, {**os.environ, MARK: "1"})  # noqa: S606  # no shell wanted


def mount(world: World, megabytes: int) -> bool:
    """Mounts the disk; False where that cannot be."""
    world.disk.mkdir(mode=0o700)
    if MARK not in os.environ:
        return False
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "chaos", str(world.disk)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def unmount(world: World) -> None:
    """Takes the disk away again, so that its mount point can be removed."""
    if os.path.ismount(world.disk):
        subprocess.run(["umount", "--lazy", str(world.disk)], capture_output=True, check=False)  # noqa: S607


@contextlib.contextmanager
def full(world: World) -> Iterator[str]:
    """Keeps the disk full; gives how."""
    if not os.path.ismount(world.disk):
        obstacle = world.directory / "state.json.new"
        with contextlib.suppress(FileNotFoundError):
            obstacle.unlink()
        obstacle.mkdir()
        try:
            yield "state.json could not be written"
        finally:
            obstacle.rmdir()
        return
    ballast = world.disk / "ballast"
    try:
        _fill(str(ballast))
        yield "no space left"
    finally:
        ballast.unlink()


def _fill(path: str) -> None:
    """Writes until there is no room for a byte more."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for size in (1 << 20, 1 << 12, 1):
            while _has_room(descriptor, size):
                pass
    finally:
        os.close(descriptor)


def _has_room(descriptor: int, size: int) -> bool:
    try:
        return os.write(descriptor, bytes(size)) == size
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
