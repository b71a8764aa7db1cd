"""Processes that stand still all at one instant.

The kernel's freezer does that (cgroups(7), `cgroup.freeze`): who is frozen notices nothing, neither
a signal nor an end of anybody. Where it is not ours to use, each is stopped in its turn by SIGSTOP.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from .prober import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .world import Process, World


@contextlib.contextmanager
def frozen(world: World, processes: Sequence[Process], *, by_kernel: bool) -> Iterator[str]:
    """Lets processes of the run stand still; gives how that was done."""
    home = _home() if by_kernel else None
    if home is None:
        with _stopped(world, processes):
            yield "stopped one by one"
        return
    group = home / f"chaos-{os.getpid()}"
    group.mkdir()
    try:
        _move(processes, group)
        _freeze(group, is_frozen=True)
        yield "frozen by the kernel"
    finally:
        _freeze(group, is_frozen=False)
        _move(processes, home)
        group.rmdir()


@contextlib.contextmanager
def _stopped(world: World, processes: Sequence[Process]) -> Iterator[None]:
    for process in processes:
        world.signal(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            world.signal(process, signal.SIGCONT)


def _home() -> Path | None:
    """Returns our own control group, None where no group can be made in it."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    roots = [place for _, place, kind, *_ in mounts if kind == "cgroup2"]
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    ours = next((line[len("0::/") :] for line in groups if line.startswith("0::/")), None)
    if not roots or ours is None:
        return None
    home = Path(roots[0], ours)
    return home if os.access(home / "cgroup.procs", os.W_OK) else None


def _move(processes: Sequence[Process], group: Path) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            (group / "cgroup.procs").write_text(str(process.pid))


def _freeze(group: Path, *, is_frozen: bool) -> None:
    (group / "cgroup.freeze").write_text(str(int(is_frozen)))
    done = f"frozen {int(is_frozen)}"
    eventually(f"`{done}`", lambda: done in (group / "cgroup.events").read_text())
