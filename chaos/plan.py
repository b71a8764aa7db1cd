"""What will go wrong, and when: decided by the seed alone, or read from a trace."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIANTS = {
    "kill server": ("",),
    "stop server": ("",),
    "kill supervisor": ("",),
    "stop supervisor": ("",),
    "freeze everything": ("1.5 s, signals", "1.5 s, freezer", "5 s, freezer"),
    "no processor": ("3 s",),
    "steal port": ("polite", "reusing"),
    "fill disk": ("", "kill server"),
    "corrupt state": (
        "garbage, kill server",
        "half, kill server",
        "empty, kill server",
        "garbage, kill supervisor",
        "half, kill supervisor",
        "empty, kill supervisor",
    ),
    "delete a file": (
        "control.sock",
        "state.json",
        "spawn.lock",
        "supervisor.lock",
        "server.lock",
        "clients.lock",
    ),
    "fork": ("",),
    "client swarm": ("",),
    "kill client": ("holder", "worker"),
}
"""Every kind of fault, with its variants."""

ALONE = frozenset(
    {"freeze everything", "no processor", "steal port", "fill disk", "corrupt state", "state.json"}
)
"""Kinds and variants after which something is expected that a fault beside them would change."""


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, the variant of it, and the seconds until it comes in its round."""

    kind: str
    variant: str
    delay: float

    @property
    def is_alone(self) -> bool:
        """Whether it comes without others."""
        return bool(ALONE & {self.kind, self.variant})


@dataclass(frozen=True)
class Round:
    """Faults that come at once, and the seconds of peace before them."""

    pause: float
    faults: tuple[Fault, ...]


FULL_LENGTH = (
    Round(1.0, (Fault("freeze everything", "300 s, freezer", 0.0),)),
    Round(1.0, (Fault("no processor", "120 s", 0.0),)),
)
"""What a run with time for it begins with."""

TIME_FOR_IT = 15.0
"""Minutes that such a run has."""


def rounds(seed: int, minutes: float) -> Iterator[Round]:
    """Returns rounds without end: first every kind once in shuffled order, then at random."""
    if minutes >= TIME_FOR_IT:
        yield from FULL_LENGTH
    dice = random.Random(seed)  # noqa: S311  # it has to be repeatable, not secret
    kinds = [*VARIANTS]
    dice.shuffle(kinds)
    while True:
        coming = [
            Fault(kind, dice.choice(VARIANTS[kind]), round(dice.uniform(0, 0.3), 3))
            for kind in kinds
        ]
        while coming:
            count = _together(coming, dice.randint(1, 3))
            yield Round(round(dice.uniform(0.2, 1.0), 3), tuple(coming[:count]))
            coming = coming[count:]
        kinds = dice.choices([*VARIANTS], k=len(VARIANTS))


def _together(coming: list[Fault], at_most: int) -> int:
    """Returns how many of the coming faults can come at once: of different kinds, none alone."""
    if coming[0].is_alone:
        return 1
    count, kinds = 1, {coming[0].kind}
    for fault in coming[1:at_most]:
        if fault.is_alone or fault.kind in kinds:
            break
        kinds.add(fault.kind)
        count += 1
    return count


def replayed(trace: Path) -> tuple[int, list[Round]]:
    """Returns the seed and the rounds of a run from its trace."""
    head, *lines = map(json.loads, trace.read_text().splitlines())
    numbers = sorted({line["round"] for line in lines})
    found = []
    for number in numbers:
        mine = [line for line in lines if line["round"] == number]
        faults = [Fault(line["fault"], line["variant"], line["delay"]) for line in mine]
        found.append(Round(mine[0]["pause"], tuple(faults)))
    return int(head["seed"]), found
