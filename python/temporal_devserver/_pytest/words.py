"""Reads the values of options. What cannot be is a ValueError that ends with what would be one."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {
    "": 1.0,
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}


def text(value: str, _base: Path) -> str:
    """Reads any text."""
    return value


def path(value: str, base: Path) -> str:
    """Reads a path; a relative one is relative to `base`, and `~` is the home directory."""
    return str(base / os.path.expanduser(value))


def duration(value: str, _base: Path) -> float:
    """Reads a time; returns seconds."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]*)", value.strip().lower())
    if found is None or found[2] not in _UNITS:
        message = f"{value!r} is no time; use a number and a unit, like 30s, 10min, 2h or 1d"
        raise ValueError(message)
    return float(found[1]) * _UNITS[found[2]]


SHORTEST_RETENTION = 3600.0
"""Seconds. The server refuses a namespace that keeps closed workflows for less."""


def retention(value: str, base: Path) -> float:
    """Reads how long a namespace keeps closed workflows; returns seconds."""
    seconds = duration(value, base)
    if seconds < SHORTEST_RETENTION:
        message = f"{value!r} is too short for a Temporal server; use 1h or more"
        raise ValueError(message)
    return seconds


FAILURES = 3
"""Failures of a workflow task in a row that end a wait, unless chosen otherwise."""


def failures(value: str, base: Path) -> int:
    """Reads a number of failures in a row; `yes` is `FAILURES`, `no` is 0: never."""
    if re.fullmatch(r"[1-9]\d{0,5}", value, re.ASCII):
        return int(value)
    try:
        return FAILURES if yes_or_no(value, base) else 0
    except ValueError:
        message = f"{value!r} is no number of failures; use yes, no, or a number like 3"
        raise ValueError(message) from None


def yes_or_no(value: str, _base: Path) -> bool:
    """Reads a switch."""
    known = {
        "yes": True,
        "true": True,
        "1": True,
        "on": True,
        "no": False,
        "false": False,
        "0": False,
        "off": False,
    }
    return _one_of(value.lower(), known, "yes or no")


def failed_or_all(value: str, _base: Path) -> str:
    """Reads for which tests something is done."""
    return _one_of(value, {"failed": "failed", "all": "all"}, "failed or all")


def key_and_json(value: str, _base: Path) -> tuple[str, object]:
    """Reads a key and its value in JSON; what is no JSON is text."""
    key, assigned = _pair(value, "frontend.enableUpdateWorkflowExecution=true")
    try:
        return key, json.loads(assigned)
    except json.JSONDecodeError:
        return key, assigned


def name_and_type(value: str, _base: Path) -> tuple[str, str]:
    """Reads a search attribute."""
    return _pair(value, "customer=Keyword")


def address(value: str, _base: Path) -> str:
    """Reads host and port."""
    found = re.fullmatch(r"[^\s/]+:(\d{1,5})", value, re.ASCII)
    if found is None or not 0 < int(found[1]) < 65536:
        message = f"{value!r} is no address; use HOST:PORT, like localhost:7233"
        raise ValueError(message)
    return value


def _pair(value: str, example: str) -> tuple[str, str]:
    left, equals, right = (part.strip() for part in value.partition("="))
    if not left or not equals or not right:
        message = f"{value!r} has no `=` with something on both sides; use it as in {example}"
        raise ValueError(message)
    return left, right


def _one_of(value: str, known: dict[str, T], choices: str) -> T:
    if value not in known:
        message = f"{value!r} is neither; use {choices}"
        raise ValueError(message)
    return known[value]
