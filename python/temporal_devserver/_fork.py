"""What `os.fork()` means: the parent keeps its leases, the child takes its own when needed.

The child's hook takes no lock: a thread that does not exist in the child may have held it.
Everything that could have been locked is made anew instead. The lease sockets are closed in the
child first, else the parent's death would go unnoticed for as long as the child lives.
"""

from __future__ import annotations

import os
import weakref
from functools import cache
from typing import Protocol

from . import _core, _watch


class Forked(Protocol):
    """A handle, as seen from here."""

    def _after_fork(self) -> None:
        """Begins anew in the child."""


class _Process:
    """The process that the handles belong to, and the handles themselves, weakly."""

    pid = os.getpid()
    handles: dict[int, weakref.ref[Forked]] = {}  # noqa: RUF012  # one process, one registry


def track(handle: Forked) -> None:
    """Has the handle told of forks, for as long as it lives."""
    _register()
    key = id(handle)
    _Process.handles[key] = weakref.ref(handle, lambda _: _Process.handles.pop(key, None))


def check() -> None:
    """Catches up where C code forked without running the hooks."""
    if _Process.pid != os.getpid():
        _in_child()


@cache
def _register() -> None:
    os.register_at_fork(
        before=_watch.before_fork,
        after_in_parent=_watch.after_fork_in_parent,
        after_in_child=_in_child,
    )


def _in_child() -> None:
    _Process.pid = os.getpid()
    _core.close_after_fork()
    _watch.after_fork_in_child()
    for reference in list(_Process.handles.values()):
        handle = reference()
        if handle is not None:
            handle._after_fork()  # noqa: SLF001  # the hook is no verb
