"""How a verb is written once for both faces.

A verb is a generator (a `Script`) that yields a `Wait` wherever it has to wait and returns its
result. The blocking face waits in `poll`, the asyncio face on its loop; an interrupt or a
cancellation is thrown into the script where it waits. So what has to be undone is stated once, next
to what it undoes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")


class Wait(NamedTuple):
    """What a script waits for."""

    seen: int
    """The session's `changes` that the script knows of: more of them end the wait."""
    seconds: float | None = None
    """How long at the most."""
    descriptor: int = -1
    """The descriptor (of a call) to become readable instead; -1: none."""
    shielded: bool = False
    """Whether a cancellation has to wait for the end of the script."""


Script: TypeAlias = Generator[Wait, None, T]
