"""Coming to a server that runs: in-process, by the command line; and what the import costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, milliseconds, pairs
from temporal_devserver import AsyncDevServer, DevServer

if TYPE_CHECKING:
    from setting import Setting


BARE = [sys.executable, "-I", "-c", "pass"]
"""An interpreter that does nothing."""


def attach(setting: Setting) -> list[Figure]:
    """`start()` of a further handle, on both faces."""
    count = 200
    with DevServer("attach"):
        blocking = [_blocking() for _ in range(setting.times(count))]
        on_loop = asyncio.run(_on_loop(setting.times(count)))
    return [
        milliseconds("attach, blocking", blocking, 1),
        milliseconds("attach, asyncio", on_loop, 1),
    ]


def _blocking() -> float:
    server = DevServer("attach")
    began = time.perf_counter()
    with server:
        return time.perf_counter() - began


async def _on_loop(count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        server = AsyncDevServer("attach")
        began = time.perf_counter()
        async with server:
            seconds.append(time.perf_counter() - began)
    return seconds


def command(setting: Setting) -> list[Figure]:
    """The whole command `temporal-devserver status`."""
    program = Path(sys.executable).with_name("temporal-devserver")
    with DevServer("attach"):
        words = [str(program), "status", "attach"]
        seconds = [run(words) for _ in range(setting.times(30))]
    return [milliseconds("command `status`, whole process", seconds, 40)]


def importing(setting: Setting) -> list[Figure]:
    """An interpreter that imports the package, minus one that does not; then both classes too."""
    count = setting.times(40)
    figures = []
    for name, target, statement in [
        ("import of the package", 5, "import temporal_devserver"),
        ("import and `DevServer`", None, "from temporal_devserver import DevServer"),
    ]:
        whole = [sys.executable, "-I", "-c", statement]
        with_it, without = pairs(count, lambda w=whole: run(w), lambda: run(BARE))  # type: ignore[misc]
        extra = [a - b for a, b in zip(with_it, without, strict=True)]
        figures.append(milliseconds(name, extra, target))
    return figures


def run(words: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
