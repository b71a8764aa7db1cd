"""Starting: alone against the raw boot and `start_local`, for the first time, and 64 at once."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from temporalio.testing import WorkflowEnvironment

from figures import Figure, milliseconds, pairs, ratio
from setting import cold_start
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from setting import Setting

STARTERS = (1, 8, 64)


def against_raw(setting: Setting) -> list[Figure]:
    """Cold starts, template present, and the raw boot."""
    folder = setting.fresh("kept")
    kept = DevServer(db=folder / "kept.db")
    with kept:
        pass
    numbers = itertools.count()
    starts: dict[str, tuple[int, Callable[[], float]]] = {
        "cold start / raw boot": (15, cold_start),
        "cold start by name / raw boot": (8, lambda: cold_start(f"cold-{next(numbers)}")),
        "cold start, new kept database / raw boot": (
            8,
            lambda: cold_start(db=folder / f"{next(numbers)}.db"),
        ),
        "cold start, database of before / raw boot": (8, lambda: cold_start(db=folder / "kept.db")),
    }
    figures = []
    for name, (count, start) in starts.items():
        ours, raw = pairs(setting.times(count), start, setting.raw_boot)
        figures.append(ratio(name, ours, raw, 1.15))
    return figures


def against_start_local(setting: Setting) -> list[Figure]:
    """Cold start and the SDK's own development server, from the same executable."""
    ours, theirs = pairs(setting.times(10), cold_start, lambda: start_local(setting))
    return [ratio("cold start / start_local", ours, theirs, 0.85)]


def start_local(setting: Setting) -> float:
    """Seconds from nothing to the SDK's own development server with a client."""

    async def main() -> float:
        began = time.perf_counter()
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=setting.executable, dev_server_log_level="error"
        ):
            return time.perf_counter() - began

    return asyncio.run(main())


def first_use(setting: Setting) -> list[Figure]:
    """The first start of an executable: it is hashed, and its template is built."""
    cache = os.environ["TEMPORAL_DEVSERVER_CACHE_DIR"]
    seconds = []
    for number in range(setting.times(3)):
        empty = setting.root / f"c{number}"
        empty.mkdir(mode=0o700)
        os.environ["TEMPORAL_DEVSERVER_CACHE_DIR"] = str(empty)
        try:
            seconds.append(cold_start())
        finally:
            os.environ["TEMPORAL_DEVSERVER_CACHE_DIR"] = cache
    return [milliseconds("first use of an executable", seconds)]


_STARTER = """
import json, sys, time
from temporal_devserver import DevServer
server = DevServer(sys.argv[1])
print(flush=True)
sys.stdin.readline()
began = time.perf_counter()
server.start()
print(json.dumps([time.perf_counter() - began, server.address, server.status().pid]), flush=True)
sys.stdin.readline()
server.close()
"""


def starters(setting: Setting) -> list[Figure]:
    """Processes that wait at a barrier start the same name: one server; the slowest counts."""
    return [figure for count in STARTERS for figure in _starters(setting, count)]


def _starters(setting: Setting, count: int) -> list[Figure]:
    slowest, cold = [], []
    for number in range(setting.times(5)):
        cold.append(cold_start())
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", _STARTER, f"many-{count}-{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(count)
        ]
        for process in processes:
            _line(process)
        for process in processes:
            _say(process)
        answers = [json.loads(_line(process)) for process in processes]
        servers = {tuple(where) for _, *where in answers}
        assert len(servers) == 1, f"more than one server: {servers}"
        slowest.append(max(seconds for seconds, *_ in answers))
        for process in processes:
            process.communicate(b"\n")
    excess = [a - b for a, b in zip(slowest, cold, strict=True)]
    name = f"{count} starters at once: slowest minus cold start"
    return [milliseconds(name, excess, 500)]


def _say(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()
