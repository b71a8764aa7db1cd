"""What the page is made from: plain JSON, which pytest-xdist carries to the controller."""

from __future__ import annotations

from typing import TypedDict


class Bar(TypedDict):
    """What has a begin and, unless it is open, an end; in seconds since 1970."""

    kind: str
    name: str
    begin: float
    start: float | None
    """When the last attempt started; what is before is waiting."""
    end: float | None
    outcome: str
    attempts: int
    note: str
    link: str
    """The run of the child, where it is one."""


class Workflow(TypedDict):
    """One run of a workflow."""

    id: str
    run: str
    parent: str
    """The run of its parent."""
    next: str
    """The run that continues it."""
    type: str
    queue: str
    status: str
    begin: float
    end: float | None
    asked: float
    """When the server was asked: there, what is open ends in the drawing."""
    note: str
    bars: list[Bar]
    more: int
    """How many bars were left out."""


class Entry(TypedDict):
    """What became of a test."""

    name: str
    outcome: str
    seconds: float
    why: str
    """Why it failed, in a line or two."""
    text: str
    """The same, with the traceback."""
    workflows: list[Workflow]
    problems: list[str]
    """What could not be found out."""
