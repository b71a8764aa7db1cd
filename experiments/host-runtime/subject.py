"""One host process on trial: `subject.py fork|exit runtime|reader EXTENSION`.

`runtime` awaits futures that tokio completes on its threads, by pyo3-async-runtimes. `reader` is
the control: as many things complete at the same times, but they are bytes on sockets, which
another process writes and asyncio's own `add_reader` sees.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    Start = Callable[[Sequence[float]], Sequence[asyncio.Future[Any]]]

FUTURES = 200
SPREAD = 0.05  # seconds over which the futures complete
HANGS = 3.0  # seconds after which an await counts as hung
HUNG = 3  # exit status that says so


def load(path: str) -> ModuleType:
    """Load the extension from where cargo left it."""
    loader = ExtensionFileLoader("host_runtime", path)
    spec = spec_from_loader("host_runtime", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def runtime(path: str) -> Start:
    """Futures that tokio completes."""
    module = load(path)
    return lambda delays: [module.after(delay) for delay in delays]


def reader(_path: str) -> Start:
    """Futures that `add_reader` completes, when another process has written a byte."""

    def start(delays: Sequence[float]) -> Sequence[asyncio.Future[Any]]:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in delays]
        write_from_another_process([theirs for _, theirs in pairs], delays)
        return [readable(loop, ours) for ours, _ in pairs]

    return start


def write_from_another_process(sockets: list[socket.socket], delays: Sequence[float]) -> None:
    """Write one byte to each socket when its time has come; delays are in ascending order."""
    if os.fork():
        return
    begin = time.monotonic()
    for each, delay in zip(sockets, delays, strict=True):
        time.sleep(max(0.0, begin + delay - time.monotonic()))
        each.send(b"x")
    os._exit(0)


def readable(loop: asyncio.AbstractEventLoop, ours: socket.socket) -> asyncio.Future[bytes]:
    """Return a future for the next byte on this socket."""
    future: asyncio.Future[bytes] = loop.create_future()

    def on_readable() -> None:
        loop.remove_reader(ours)
        future.set_result(ours.recv(1))

    loop.add_reader(ours, on_readable)
    return future


def fork(start: Start) -> int:
    """Await in this process, fork, await in the child: 0 when the child's await returned."""

    async def once() -> None:
        await asyncio.wait_for(start([0.001])[0], HANGS)

    asyncio.run(once())
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(once())
        except asyncio.TimeoutError:
            os._exit(HUNG)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def exit_early(start: Start) -> int:
    """Leave the interpreter while most of the futures are still to complete."""

    async def some() -> None:
        await start([SPREAD * i / FUTURES for i in range(FUTURES)])[FUTURES // 10]

    asyncio.run(some())
    return 0


if __name__ == "__main__":
    trial, way, extension = sys.argv[1:]
    sys.exit(
        {"fork": fork, "exit": exit_early}[trial](
            {"runtime": runtime, "reader": reader}[way](extension)
        )
    )
