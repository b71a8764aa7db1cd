"""Is it healed? A fresh client of the SDK asks the address, and `status` is asked besides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError

from .settings import BUDGET, NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from .world import World

PATIENCE = 1.0
"""Seconds that one request may take."""

COMMAND = str(Path(sys.executable).with_name("temporal-devserver"))


class Broken(Exception):  # noqa: N818  # no mistake of ours: what the run is looking for
    """The product did not keep a promise."""


class Prober:
    """Asks whether the server at one address does its work."""

    def __init__(self, world: World, address: str) -> None:
        self.address = address
        self._world = world
        self._runtime = Runtime(telemetry=TelemetryConfig(logging=None))

    async def connect(self) -> Client:
        """Returns a fresh client."""
        return await Client.connect(self.address, runtime=self._runtime)

    def answered(self, what: str) -> float:
        """Waits until a fresh request is answered; returns when that was."""
        return eventually(f"a fresh request is answered after `{what}`", self._ask)

    def status(self) -> dict[str, Any]:
        """Returns what `temporal-devserver status` says; its complaint where that is no status."""
        done = subprocess.run(
            [COMMAND, "status", NAME, "--json"],
            env=self._world.environment(),
            capture_output=True,
            text=True,
            timeout=2 * BUDGET,  # it has one of its own
            check=False,
        )
        if done.returncode:
            return {"state": f"unknown: {done.stderr.strip()}", "leases": []}
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def whole(self, clients: set[int]) -> float:
        """Waits until the server is ready and has the leases of these clients."""
        last: dict[str, Any] = {}

        def is_whole() -> bool:
            last.update(self.status())
            leases = {lease["pid"] for lease in last["leases"]}
            return last["state"] == "ready" and clients <= leases

        def says() -> str:
            return f"it is {last['state']}, leases {[lease['pid'] for lease in last['leases']]}"

        what = f"it is ready, and clients {sorted(clients)} have their leases"
        return eventually(what, is_whole, says)

    def _ask(self) -> bool:
        with contextlib.suppress(RPCError, RuntimeError, asyncio.TimeoutError):
            asyncio.run(asyncio.wait_for(self._count(), PATIENCE))
            return True
        return False

    async def _count(self) -> None:
        client = await self.connect()
        await client.count_workflows("", rpc_timeout=timedelta(seconds=PATIENCE))


def eventually(what: str, condition: Callable[[], bool], says: Callable[[], str] = str) -> float:
    """Waits until a condition holds; returns when that was.

    Raises:
        Broken: It did not in time.
    """
    until = time.monotonic() + BUDGET
    while not condition():
        if time.monotonic() > until:
            message = f"not within {BUDGET:g} s: {what}; {says()}"
            raise Broken(message)
        time.sleep(0.01)
    return time.monotonic()
