"""What a report says about Temporal where a test failed: workflows, events, the server's log.

Nothing here may make matters worse: what cannot be found out in a few seconds is said to be so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .. import _aside
from . import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import pytest

    from .run import Run, Server

PATIENCE = 5.0
"""Seconds that the server has to tell of the workflows of one test."""

Section: TypeAlias = "tuple[str, str]"

Ask: TypeAlias = "Callable[[Server, str, list[str]], Coroutine[object, object, None]]"
"""Asks the server about a namespace, and adds what it tells to the lines."""


def sections(ours: Run, item: pytest.Item, report: pytest.TestReport) -> Iterator[Section]:
    """Returns the sections of a report; of a test that passed only what the server went through."""
    wanted = report.failed and ours.settings.explain
    if wanted:
        yield from _workflows(ours, item)
    for watched in {watched.name: watched for watched in ours.watched}.values():
        if events := watched.events():
            yield f"Temporal events of {watched.name}", "\n".join(events)
        if wanted and (log := watched.log()):
            yield f"Temporal log of {watched.name}", "\n".join(log)
    histories = ours.settings.histories
    of_all = ours.settings.histories_of == "all" and report.when == "call"
    if histories and (report.failed or of_all):
        yield from _histories(ours, item, histories)


def _workflows(ours: Run, item: pytest.Item) -> Iterator[Section]:
    async def tell(server: Server, namespace: str, lines: list[str]) -> None:
        if ours.settings.keep and server.ui_url:
            lines.append(f"{server.ui_url}/namespaces/{namespace}/workflows")
        client = ours.client(server, namespace, {})
        from . import workflows

        async for line in workflows.told(client):
            lines.append(line)  # noqa: PERF401  # what is told before the time is up remains

    yield from _asked("Temporal workflows in", item, tell)


def _histories(ours: Run, item: pytest.Item, directory: str) -> Iterator[Section]:
    async def save(server: Server, namespace: str, lines: list[str]) -> None:
        client = ours.client(server, namespace, {})
        from . import histories

        lines.append(await histories.save(client, directory, item.nodeid))

    yield from _asked("Temporal histories of", item, save)


def _asked(title: str, item: pytest.Item, ask: Ask) -> Iterator[Section]:
    """Asks about each namespace that a test has used: a section of lines for each."""
    for server, namespace in run.used(item):
        lines: list[str] = []
        lines += told(ask(server, namespace, lines))
        yield f"{title} {namespace}", "\n".join(lines)


def told(work: Coroutine[object, object, None]) -> list[str]:
    """Has a coroutine ask the server; returns what went wrong, if anything."""
    try:
        _aside.run(work, PATIENCE)
    except ImportError as error:
        return [str(error)]
    except Exception as error:  # whatever it is, the test's own failure matters more
        return [f"more could not be found out: {type(error).__name__} {error}".rstrip()]
    return []
