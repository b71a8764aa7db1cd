"""Crashes: how soon they are told, how soon all is well again; and the end of a server."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

from figures import Figure, milliseconds, ratio
from raw_server import copy_database, raw_boot
from setting import cold_start, running
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from setting import Setting


def server(setting: Setting) -> list[Figure]:
    """`kill -9` of the server: the event, `ready` again, and a raw boot on the same database."""
    told, dying, ready, raw = [], [], [], []
    for number in range(setting.times(12)):
        # A fresh server for each: several crashes in a row are answered more slowly, on purpose.
        with DevServer() as handle:
            status = handle.status()
            events = handle.events()
            pid = running(status)
            died, since = _kill(pid)
            for event in events:
                if event.kind == "exited":
                    told.append(time.perf_counter() - died)
                    dying.append(died - since)
                if event.kind == "ready":
                    ready.append(time.perf_counter() - since)
                    break
            database = setting.root / f"crashed-{number}.db"
            copy_database(_path(status.db_path), database)
            raw.append(raw_boot(setting.command, database))
    return [
        # The target is for the whole; the two parts tell whose time it is.
        milliseconds(
            "kill -9 -> Python event", [a + b for a, b in zip(dying, told, strict=True)], 2
        ),
        milliseconds("  of it, server dead (pidfd) -> Python event", told),
        milliseconds("  of it, kill -9 -> server dead: the kernel", dying),
        ratio("kill -9 -> ready again / raw boot, same database", ready, raw, 1.10),
    ]


def supervisor(setting: Setting) -> list[Figure]:
    """`kill -9` of the supervisor: healed, compared with a cold start."""
    excess = []
    for _ in range(setting.times(8)):
        cold = cold_start()
        with DevServer() as handle:
            pid = handle.status().supervisor_pid
            assert pid is not None
            events = handle.events()
            began = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            for event in events:
                if event.kind == "ready":
                    excess.append(time.perf_counter() - began - cold)
                    break
    return [milliseconds("kill -9 of the supervisor: healed minus cold start", excess, 50)]


def stop(setting: Setting) -> list[Figure]:
    """The end of a throw-away server: `close()` of the only handle returns when all is gone."""
    seconds = []
    for _ in range(setting.times(15)):
        handle = DevServer()
        handle.start()
        began = time.perf_counter()
        handle.close()
        seconds.append(time.perf_counter() - began)
    return [milliseconds("stop, throw-away", seconds, 25)]


def _kill(pid: int) -> tuple[float, float]:
    """Kills a process; returns when the kernel called it dead, and when it was killed."""
    descriptor = os.pidfd_open(pid)
    try:
        began = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        select.select([descriptor], [], [], 10)
        return time.perf_counter(), began
    finally:
        os.close(descriptor)


def _path(path: str | None) -> Path:
    from pathlib import Path

    assert path is not None
    return Path(path)
