"""The worker, in its own process: runs workflows, and starts numbered ones all the time.

`python -m chaos.worker FIRST ACKNOWLEDGED`: the first number, and the file to which the id of each
workflow is added as soon as the server has said that it is started. Standard input: `rest` (no new
workflows), `start` (after a failure), anything else (how is the server?); its end is the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import Worker

from temporal_devserver import AsyncDevServer, DevServerError

from .flow import Flow, double
from .settings import BUDGET, NAME, QUEUE, options

if TYPE_CHECKING:
    from temporalio.client import Client

PACE = 0.3
"""Seconds from one workflow to the next."""


async def start_workflows(
    client: Client, first: int, acknowledged: Path, rest: asyncio.Event
) -> None:
    """Starts one workflow after the other; remembers those that the server says are started."""
    number = first
    with acknowledged.open("a") as file:
        while not rest.is_set():
            number += 1
            with contextlib.suppress(RPCError):  # not acknowledged: then it may be there or not
                await client.start_workflow(
                    Flow.run,
                    number,
                    id=f"chaos-{number}",
                    task_queue=QUEUE,
                    task_timeout=timedelta(seconds=2),
                    rpc_timeout=timedelta(seconds=5),
                )
                file.write(f"{number}\n")
                file.flush()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(rest.wait(), PACE)


async def obey(server: AsyncDevServer, rest: asyncio.Event) -> None:
    """Does what the lines of the standard input say, until it ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        if line == "rest":
            rest.set()
        try:
            if line == "start":
                await server.start()
            told = {"state": (await server.status()).state}
        except DevServerError as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


async def connected(server: AsyncDevServer, runtime: Runtime) -> Client:
    """Connects; where the server dies just then the SDK says so by a RuntimeError: once more."""
    until = time.monotonic() + BUDGET
    while True:
        await server.wait_ready(BUDGET)
        try:
            return await server.connect(runtime=runtime)
        except RuntimeError:
            if time.monotonic() > until:
                raise


async def main(first: int, acknowledged: Path) -> None:
    """Works until the standard input ends."""
    quiet = Runtime(telemetry=TelemetryConfig(logging=None))
    async with AsyncDevServer(NAME, **options()) as server:
        client = await connected(server, quiet)
        rest = asyncio.Event()
        async with Worker(client, task_queue=QUEUE, workflows=[Flow], activities=[double]):
            print(json.dumps({"address": server.address}), flush=True)
            starting = asyncio.create_task(start_workflows(client, first, acknowledged, rest))
            await obey(server, rest)
            rest.set()
            await starting


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format=f"%(asctime)s worker {os.getpid()} %(message)s")
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
    # The SDK's own threads now and then crash an interpreter that finalizes (SIGABRT).
    os._exit(0)
