"""`os.fork()` in the host: the child can use the server; its life and end are not the parent's."""

import asyncio
import multiprocessing
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from support import Host, Sandbox, eventually, is_alive
from temporal_devserver import AsyncDevServer, DevServer

PARENT = """
import json, os, sys, time
server = DevServer(sys.argv[2] or None, executable=sys.argv[1])
server.start()
child = os.fork()
if child == 0:
    time.sleep(100)
    os._exit(0)
print(json.dumps([child, server.status().pid]), flush=True)
time.sleep(100)
"""


def in_child(work: Callable[[], None]) -> int:
    """Forks, works in the child, and returns its exit code; a warning is an error."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_of_a_blocking_handle(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        before = server.status()

        def work() -> None:
            assert server.address == before.address
            status = server.status()
            assert status.pid == before.pid
            assert {lease.pid for lease in status.leases} == {os.getppid(), os.getpid()}
            server.list_namespaces()

        for _ in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert in_child(work) == 0
        after = server.status()
        assert (after.pid, after.restarts) == (before.pid, 0)
        eventually("the child's lease is gone", lambda: len(server.status().leases) == 1)


def test_a_child_that_closes_takes_nothing_from_the_parent(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        pid = server.status().pid
        assert in_child(server.close) == 0
        assert in_child(lambda: None) == 0
        assert server.status().pid == pid


def test_a_child_that_outlives_the_parents_lease_holds_nothing(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    server = DevServer(executable=fake_temporal)
    server.start()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    try:
        server.close()
        eventually("the server is gone", lambda: not sandbox.servers(), 3)
        assert not sandbox.left()
    finally:
        os.close(write)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("name", ["", "shared"])
def test_a_child_that_outlives_its_killed_parent_holds_nothing(
    fake_temporal: Path, sandbox: Sandbox, name: str
) -> None:
    with Host(PARENT, str(fake_temporal), name) as host:
        child, server = host.told()
        try:
            host.kill()
            eventually("the server is gone", lambda: not is_alive(server), 3)
            eventually("all but the child is gone", lambda: [*sandbox.processes()] == [child], 3)
            assert not sandbox.left()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_child_of_an_async_handle(fake_temporal: Path) -> None:
    async def main() -> None:
        async with AsyncDevServer(executable=fake_temporal) as server:
            before = await server.status()

            async def use() -> None:
                status = await server.status()
                assert status.pid == before.pid
                assert len(status.leases) == 2
                await server.close()

            def work() -> None:
                # What a forked child does first: the parent's loop is not its own.
                asyncio.events._set_running_loop(None)
                asyncio.run(use())

            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert in_child(work) == 0
            assert (await server.status()).pid == before.pid

    asyncio.run(main())


def test_multiprocessing(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        before = server.status()
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()

        def work() -> None:
            queue.put((server.address, server.status().pid))

        processes = [context.Process(target=work) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(20)
            assert process.exitcode == 0
        assert {queue.get() for _ in processes} == {(before.address, before.pid)}
        assert server.status().pid == before.pid
        queue.close()
        for process in processes:
            process.close()


def test_events_go_on_in_the_parent(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        events = server.events()
        assert in_child(lambda: None) == 0
        server.kill()
        assert next(events).kind == "exited"
        assert server.wait_ready(20).restarts == 1
