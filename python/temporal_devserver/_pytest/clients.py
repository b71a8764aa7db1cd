"""Clients that share one connection: another costs nothing."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from temporalio.client import Client


def over(connection: Client, options: Mapping[str, Any]) -> Client | None:
    """Returns a client over a connection; None where an option needs a connection of its own."""
    kind = type(connection)
    if not options.keys() <= inspect.signature(kind).parameters.keys():
        return None
    return kind(connection.service_client, **options)
