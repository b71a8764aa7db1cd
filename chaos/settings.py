"""What all processes of a run agree on: names, options, the budget of patience."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporal_devserver._options import Options

NAME = "chaos"
"""Name of the server."""

QUEUE = "chaos"
"""Task queue of the workflows."""

DATABASE = "CHAOS_DATABASE"
"""Environment variable that names the database."""

BUDGET = 30.0
"""Seconds for which the address may refuse, or a fault may take to heal."""

SWARM_NAMES = ("swarm-a", "swarm-b", "swarm-c")
"""Names of the servers for which the swarm comes."""


def options() -> Options:
    """Returns the options of the server: quick probes, and restarts and heals without end.

    A probe may take a second, and five have to fail in a row: so much a loaded machine needs, too.
    """
    return {
        "db": os.environ[DATABASE],
        "health": {"interval": 0.5, "timeout": 1.0, "failures": 5},
        "restart": {"limit": 100_000, "max_delay": 0.5, "reset_after": 1.0},
        "stop_timeout": 2.0,
    }
