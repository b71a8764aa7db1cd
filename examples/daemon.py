"""A long-lived asyncio service that brings its Temporal server up with itself.

    python examples/daemon.py [NAME]

The server is shared under NAME and its data is kept: several services may run this, the first one
starts the server, the last one ends it, and workflows go on where they were. The service never
depends on it: while there is no server it is *degraded*, says so, does its other work, and tries
again. Every transition of the server is logged by `temporal_devserver` itself.

SIGTERM and Ctrl-C cancel the service; then no task, process or socket is left.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.service import RPCError

from temporal_devserver import AsyncDevServer, DevServerError

if TYPE_CHECKING:
    from temporalio.client import Client

WORKING = ("ready", "recovered", "resumed")
"""The events after which the server does its work; after any other it does not, or not well."""

LIMIT = timedelta(seconds=2)
"""How long the server may take to answer a request of ours."""

log = logging.getLogger("daemon")


class Service:
    """The service; `run()` it until it is cancelled."""

    def __init__(self, name: str, *, interval: float = 1.0, retry: float = 10.0) -> None:
        """Takes what can be chosen.

        Args:
            name: Name of the server, the same for all who share it.
            interval: Seconds between two rounds of work.
            retry: Seconds until the next try, where there is no server.
        """
        self._name = name
        self._interval = interval
        self._retry = retry
        self._client: Client | None = None  # None: degraded

    async def run(self) -> None:
        """Works until cancelled, with a server or without."""
        keeper = asyncio.create_task(self._keep_server(), name="keep-server")
        try:
            while True:
                await self._work()
                await asyncio.sleep(self._interval)
        finally:
            keeper.cancel()
            # Not the end before the lease is given up, and with the last one the server.
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def _keep_server(self) -> None:
        """Holds a lease on the server; where it fails, gives up the lease and later begins anew."""
        while True:
            try:
                async with AsyncDevServer(self._name, db=True) as server:
                    await self._follow(server)
            except (DevServerError, OSError, RuntimeError) as error:
                log.error("no server: %s", error)  # noqa: TRY400  # the error says all
            finally:
                self._client = None
            log.warning("degraded; the next try is in %g s", self._retry)
            await asyncio.sleep(self._retry)

    async def _follow(self, server: AsyncDevServer) -> None:
        """Follows the server until it is given up (`failed`), or stopped by somebody."""
        events = server.events()  # first, so that nothing is missed while the client connects
        client = self._client = await server.connect()
        log.info("server is up at %s", server.address)
        async for event in events:
            # The address never changes, so the client is good for all of the server's lives.
            self._client = client if event.kind in WORKING else None
            if event.kind == "failed":
                return

    async def _work(self) -> None:
        """Does one round of work; here it counts workflows, where there is a server to ask."""
        if self._client is None:
            log.warning("works without the server")
            return
        try:
            counted = await self._client.count_workflows(rpc_timeout=LIMIT)
        except RPCError as error:
            log.error("the server does not answer: %s", error)  # noqa: TRY400
        else:
            log.info("works; workflows so far: %d", counted.count)


async def main(service: Service) -> None:
    """Runs the service until SIGTERM or Ctrl-C."""
    task = asyncio.create_task(service.run(), name="service")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    log.info("the end; tasks left: %d", len(asyncio.all_tasks()) - 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A service that brings its own Temporal server.")
    parser.add_argument("name", nargs="?", default="daemon", help="name of the server")
    parser.add_argument(
        "--interval", type=float, default=1.0, help="seconds between rounds of work"
    )
    parser.add_argument("--retry", type=float, default=10.0, help="seconds until the next try")
    arguments = vars(parser.parse_args())
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    asyncio.run(main(Service(**arguments)))
