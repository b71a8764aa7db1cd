"""The words of bars that decide how they are drawn."""

from __future__ import annotations

TASK = "workflow task"

TAKEN = frozenset({TASK, "activity", "nexus"})
"""Kinds that wait until a worker takes them."""

GOOD = frozenset({"completed", "fired", "delivered", "received", "recorded"})

BAD = frozenset({"failed", "timed out", "terminated", "not started"})
