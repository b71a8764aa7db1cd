"""The two faces: the same verbs, the same parameters, the same documentation."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from temporal_devserver import AsyncDevServer, DevServer

VERBS = sorted(
    name for name, value in vars(DevServer).items() if not name.startswith("_") and callable(value)
)
PLAIN = {"events", "outage"}
"""Plain methods in both faces: what they return is asynchronous."""


def verbs(face: type) -> dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in vars(face).items()
        if not name.startswith("_") and callable(value)
    }


def test_verbs_are_the_same() -> None:
    assert sorted(verbs(AsyncDevServer)) == VERBS
    assert "start" in VERBS


@pytest.mark.parametrize("name", VERBS)
def test_twin_differs_only_in_how_it_waits(name: str) -> None:
    blocking, asynchronous = verbs(DevServer)[name], verbs(AsyncDevServer)[name]
    assert inspect.iscoroutinefunction(asynchronous) is (name not in PLAIN)
    assert not inspect.iscoroutinefunction(blocking)
    assert blocking.__doc__ == asynchronous.__doc__
    ours, theirs = inspect.signature(blocking), inspect.signature(asynchronous)
    assert ours.parameters == theirs.parameters
