"""Eight threads on one blocking handle."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support import accepts, eventually
from temporal_devserver import DevServer


@pytest.mark.parametrize("watch", [True, False])
def test_verbs(fake_temporal: Path, watch: bool) -> None:  # a parameter of pytest
    with DevServer(executable=fake_temporal, watch=watch) as server:
        pid = server.status().pid
        barrier = threading.Barrier(8)

        def work(number: int) -> bool:
            barrier.wait()
            for index in range(15):
                assert server.status().pid == pid
                server.create_namespace(f"n{number}-{index}")
                assert f"n{number}-{index}" in server.list_namespaces()
                server.logs(3)
            return True

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
        assert len(server.list_namespaces()) >= 8 * 15


@pytest.mark.parametrize("watch", [True, False])
def test_start_and_close(fake_temporal: Path, watch: bool) -> None:
    server = DevServer(executable=fake_temporal, watch=watch)
    for action in (server.start, server.close) * 3:
        together(8, action)
    server.start()
    server.close()


@pytest.mark.parametrize("watch", [True, False])
def test_all_wait_through_a_crash(fake_temporal: Path, watch: bool) -> None:
    with DevServer(executable=fake_temporal, watch=watch) as server:
        events = [server.events() for _ in range(4)]
        kinds: list[str] = []

        def read(index: int) -> None:
            for event in events[index]:
                if event.kind == "ready":
                    kinds.append(event.kind)
                    return

        threads = [threading.Thread(target=read, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        server.kill()
        together(4, lambda: server.wait_ready(20))
        for thread in threads:
            thread.join(20)
        assert kinds == ["ready"] * 4


def together(count: int, action: Callable[[], object]) -> None:
    barrier = threading.Barrier(count)

    def work(_: int) -> None:
        barrier.wait()
        action()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def test_readers_end_when_another_thread_closes(fake_temporal: Path) -> None:
    server = DevServer(executable=fake_temporal)
    server.start()
    events = server.events()
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    server.close()
    reader.join(10)
    assert not reader.is_alive()


def test_a_start_is_over_when_all_of_it_is_known(fake_temporal: Path) -> None:
    """Who sees a lease sees all that came with it, however slowly another thread tells of it."""

    class Slow(DevServer):
        def _take(self, notice: Mapping[str, Any]) -> None:
            time.sleep(0.3)
            super()._take(notice)

    with ThreadPoolExecutor(1) as pool, Slow(executable=fake_temporal) as server:
        for _ in range(2):
            server.close()
            starting = pool.submit(server.start)
            eventually("it starts", lambda: not server._idle())
            eventually("it is started", server._at_rest)
            assert accepts(server.address)
            starting.result(20)
