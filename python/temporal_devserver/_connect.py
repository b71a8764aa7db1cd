"""The Temporal client of a server: the only place that imports `temporalio`."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from temporalio.client import Client


PATIENCE = 10.0
"""Seconds for which a server is connected to again that dies at that very moment."""

PAUSE = 0.05
"""Seconds that its death may take to be told: the kernel frees its memory first."""


async def connect(address: str, namespace: str, options: Mapping[str, Any]) -> Client:
    """Connects a client; `options` go to `temporalio.client.Client.connect`, and win.

    Raises:
        ImportError: `temporalio` is not installed.
    """
    if "temporalio.client" not in sys.modules:
        await _loaded()
    client = _client()
    chosen = {"namespace": namespace, **options}
    return await client.connect(chosen.pop("target_host", address), **chosen)


def connect_blocking(address: str, namespace: str, options: Mapping[str, Any]) -> Client:
    """Connects a client, see `connect`.

    In a loop of its own thread: the caller may run in a thread that has a loop. It is eager, so the
    client is complete and can be used from any loop.
    """
    from . import _aside  # asyncio: 25 ms that a program without a client need not spend

    return _aside.run(connect(address, namespace, options))


async def _loaded() -> None:
    """Imports `temporalio` in a thread: a quarter of a second is too long for the loop to stand."""
    from asyncio import get_running_loop

    loop = get_running_loop()
    loaded = loop.create_future()

    def tell() -> None:
        if not loaded.done():
            loaded.set_result(None)

    def run() -> None:
        with contextlib.suppress(ImportError):  # raised again by the import that follows
            _client()
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=run, name="temporal-devserver-import", daemon=True).start()
    await loaded


def _client() -> type[Client]:
    try:
        from temporalio.client import Client
    except ImportError as error:
        message = '`connect()` needs the Temporal SDK; pip install "temporal-devserver[temporalio]"'
        raise ImportError(message, name="temporalio") from error
    return Client
