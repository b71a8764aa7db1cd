"""The Temporal client of a server: the only place that imports `temporalio`."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from ._errors import ConfigError

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
        RuntimeError: It cannot connect.
    """
    if "temporalio.client" not in sys.modules:
        await _loaded()
    client = _client()
    chosen = {"namespace": namespace, **options}
    return await client.connect(chosen.pop("target_host", address), **chosen)


def is_of_the_sdk(error: Exception) -> bool:
    """Tells whether the SDK's core has raised an error; its class is `RuntimeError` itself."""
    return type(error) is RuntimeError


async def explained(
    error: RuntimeError, address: str, namespace: str, options: Mapping[str, Any]
) -> RuntimeError | ConfigError:
    """Returns why a client of a server of ours could not connect.

    A client without options connects where the server is well: then the options are to blame.
    """
    if not options or not is_of_the_sdk(error):
        return error
    try:
        await connect(address, namespace, {})
    except RuntimeError:
        return error
    return _unfit(options, error)


def explained_blocking(
    error: RuntimeError, address: str, namespace: str, options: Mapping[str, Any]
) -> RuntimeError | ConfigError:
    """Returns why a client could not connect, see `explained`."""
    if not options or not is_of_the_sdk(error):
        return error
    from . import _aside

    return _aside.run(explained(error, address, namespace, options))


def _unfit(options: Mapping[str, Any], error: RuntimeError) -> ConfigError:
    """Returns the error of options with which a client cannot connect, and can without them."""
    given = [name for name, value in options.items() if value is not None] or [*options]
    implied = options.get("tls") is None and options.get("api_key") is not None
    named: list[str] = [
        name for name in ("tls", "api_key") if options.get(name) not in (None, False)
    ]
    if options.get("tls") or implied:
        problem = "the dev server speaks plaintext and asks for no key"
        remedy = f"leave {' and '.join(named)} out" + (", or add `tls=False`" if implied else "")
    else:
        named = given
        problem = "a client without it connects" if len(named) == 1 else "a client without connects"
        remedy = f"leave {' and '.join(named)} out, or correct it"
    option = ", ".join(named)
    said = str(error).partition("\n")[0][:300]
    message = f"option `{option}`: {problem} ({said}); {remedy}"
    unfit = ConfigError(message, option=option, problem=problem, remedy=remedy)
    unfit.__cause__ = error
    return unfit


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

    try:
        threading.Thread(target=run, name="temporal-devserver-import", daemon=True).start()
    except RuntimeError:  # out of threads: the import that follows takes its time in this one
        return
    await loaded


def _client() -> type[Client]:
    try:
        from temporalio.client import Client
    except ImportError as error:
        message = '`connect()` needs the Temporal SDK; pip install "temporal-devserver[temporalio]"'
        raise ImportError(message, name="temporalio") from error
    return Client
