"""A HELLO longer than a socket holds at once is said to its end, without another wake-up."""

import time
from pathlib import Path

from temporal_devserver import DevServer

# Nobody may wait for the supervisor's patience (5 s), after which it would count as hung.
DEADLINE = 4.0


def test_a_long_hello_gets_through(fake_temporal: Path) -> None:
    long = {f"some.key{number}": "x" * 1000 for number in range(800)}
    with DevServer("shared", executable=fake_temporal, dynamic_config=long) as first:
        began = time.monotonic()
        with DevServer("shared", executable=fake_temporal, dynamic_config=long) as second:
            assert second.status().pid == first.status().pid
        assert time.monotonic() - began < DEADLINE
