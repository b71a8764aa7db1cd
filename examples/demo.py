"""Kill anything: it heals. Kill everything: nothing is left. Watch it: `make demo`.

An order of six steps is under way when first its Temporal server and then that server's supervisor
are killed with `kill -9`; it ends with the right result all the same. Then a program that has a
server of its own is killed, and nothing of it is left. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Worker

from demo_support import Crash, Owner, Paper, gone
from order import AFTER_TIMER, BEFORE_TIMER, RECEIPTS, TIMER, Desk, Order
from raw_server import command_of, raw_boot
from temporal_devserver import AsyncDevServer

if TYPE_CHECKING:
    from temporalio.client import Client

    from temporal_devserver import Status

PATIENCE = 20.0
"""Seconds within which the order has to end."""

GONE_WITHIN = 2.0
"""Seconds after which nothing may be left of a killed program's server."""

paper = Paper()


async def kill_anything() -> None:
    """Kills the server and its supervisor under an order, which ends as if nothing had been."""
    paper.title("Kill anything: it heals.")
    began = time.perf_counter()
    async with AsyncDevServer() as server:
        took = time.perf_counter() - began
        status = await server.status()
        paper.line("start", f"a server at {server.address}, pid {status.pid}", took)
        paper.line(
            "", f"temporal {status.version} by itself, on the same database", raw(status), "dim"
        )

        # A client and a worker as anybody's; only the SDK's own log of lost connections is off.
        quiet = Runtime(telemetry=TelemetryConfig(logging=None))
        client = await server.connect(runtime=quiet)
        desk = Desk()
        async with Worker(client, task_queue="orders", workflows=[Order], activities=[desk.do]):
            await asyncio.wait_for(order_under_fire(server, client, desk), PATIENCE)


async def order_under_fire(server: AsyncDevServer, client: Client, desk: Desk) -> None:
    """Runs one order; kills the server between two steps, and the supervisor during the timer."""
    crash = Crash(server.events())
    address = server.address
    began = time.perf_counter()
    order = await client.start_workflow(
        Order.run, id="order-1", task_queue="orders", task_timeout=timedelta(seconds=1)
    )
    await steps(desk, BEFORE_TIMER[:2])

    status = await server.status()
    crash.kill(status.pid)
    await crash.told("exited")
    paper.line(
        "kill -9", f"the server, pid {status.pid}: the program is told", crash.seconds, "red"
    )
    healed = await crash.told("ready")
    assert server.address == address, "the server came back at another address"
    paper.line("healed", f"same address, same data, now pid {healed.pid}", crash.seconds, "green")
    await steps(desk, BEFORE_TIMER[2:])

    status = await server.status()
    crash.kill(status.supervisor_pid)
    await crash.told("exited")
    who = f"the supervisor, pid {status.supervisor_pid}, and the server dies with it"
    paper.line("kill -9", who, crash.seconds, "red")
    await crash.told("ready")
    assert server.address == address, "the server came back at another address"
    status = await server.status()
    who = f"same address, same data, new supervisor {status.supervisor_pid}"
    paper.line("healed", who, crash.seconds, "green")
    paper.line("order", f"a timer of {TIMER.total_seconds():g} s goes on")
    await steps(desk, AFTER_TIMER)

    receipts = await order.result()
    assert receipts == RECEIPTS, f"the order ended with {receipts}"
    paper.line(
        "result", "all six receipts, as if nothing had been", time.perf_counter() - began, "green"
    )


async def steps(desk: Desk, expected: tuple[str, ...]) -> None:
    """Tells of the steps until all these are done; one that a crash interrupted is done again."""
    missing = set(expected)
    while missing:
        step, seconds = await desk.done.get()
        paper.line("order", step, seconds)
        missing.discard(step)


def kill_everything() -> None:
    """Kills a program that has a server, and looks for what is left of it."""
    paper.title("Kill everything: nothing is left.")
    owner = Owner()
    traces = owner.traces()
    paper.line("start", f"a program, pid {owner.pid}, with a server of its own")
    began = time.perf_counter()
    owner.kill()
    paper.line("kill -9", f"the program, pid {owner.pid}", None, "red")
    for kind, seconds in gone(traces, began, GONE_WITHIN).items():
        assert seconds is not None, f"{kind} left behind: {traces[kind]}"
        paper.line("gone", f"its {kind}", seconds, "green")


def raw(status: Status) -> float:
    """Returns how long the same executable takes to boot by itself: the median of three."""
    assert status.pid
    assert status.db_path
    command, database = command_of(status.pid), Path(status.db_path)
    return sorted(raw_boot(command, database) for _ in range(3))[1]


def main() -> int:
    """Tells the story; returns the exit code."""
    # What the package logs, a warning for each crash, is told here in other words.
    logging.getLogger("temporal_devserver").addHandler(logging.NullHandler())
    try:
        asyncio.run(kill_anything())
        kill_everything()
    except Exception as error:  # whatever it is, the promise was broken
        paper.line("broken", f"{type(error).__name__}: {error}", None, "red")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
