"""A lingering real server with many namespaces is reset once for all who come at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from temporal_devserver import DevServer

NEWCOMERS = 8


@pytest.mark.real_server
def test_eight_come_at_once(real_temporal: Path) -> None:
    options = {"executable": real_temporal, "linger": 60, "reset_above": 5}
    with DevServer("warm", **options) as server:  # type: ignore[arg-type]
        before = server.status()
        for number in range(5):
            server.create_namespace(f"n{number}")
    barrier = Barrier(NEWCOMERS)

    def come(_: int) -> tuple[object, ...]:
        newcomer = DevServer("warm", **options)  # type: ignore[arg-type]
        barrier.wait(20)
        with newcomer as server:
            status = server.status()
            seen = (status.pid, status.address, tuple(server.list_namespaces()))
            barrier.wait(20)
            past = server.events(since=("", 0))
            kinds = [next(iter(past)).kind]
            while kinds[-1] != "reset":
                kinds.append(next(iter(past)).kind)
            return (*seen, kinds.count("ready"))

    with ThreadPoolExecutor(NEWCOMERS) as pool:
        seen = set(pool.map(come, range(NEWCOMERS)))
    with DevServer("warm") as server:
        after = server.status()
        server.stop()
    assert seen == {(after.pid, before.address, ("default",), 1)}
    assert after.pid != before.pid
