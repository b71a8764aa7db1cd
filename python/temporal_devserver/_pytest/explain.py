"""What Temporal says about a test: workflows, events, the server's log, histories, the drawing.

All places that were handed out to the test are asked at once, in a thread, for five seconds at
most. Nothing here may make matters worse: what cannot be found out in that time is said to be so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .. import _aside, _timer
from . import longrepr

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import pytest
    from temporalio.client import Client

    from .decoding import Decoder
    from .handed import Place
    from .run import Run

PATIENCE = 5.0
"""Seconds that the servers have to tell of one test."""

SLACK = 0.5
"""Seconds that the asking may take to notice that its time is up."""

LAG = 0.05
"""Seconds for which a server that lists no workflow is asked again: what has just started lags."""

FAILED_LAG = 0.5
"""The same, where a test failed; on a machine that has much to do, some take that long."""

CLOCKS = 5.0
"""Seconds by which the clock of an existing server may be behind that of this machine."""

ATTRIBUTE = "temporal_devserver"
"""Where a report carries what is drawn."""

Section: TypeAlias = "tuple[str, str]"

Work: TypeAlias = "Callable[[Subject, list[str]], Coroutine[object, object, None]]"
"""Asks about a namespace, and adds what is told to the lines."""


class Subject(NamedTuple):
    """A namespace that is asked about."""

    client: Client
    decoder: Decoder
    since: float | None
    """From when on what happened in it matters; None: all of it."""
    lag: float
    """For how long a server that lists nothing is asked again."""


class Ask:
    """A question about a place, and what has been told so far."""

    def __init__(self, place: Place, work: Work, lag: float) -> None:
        self.place, self._work, self._lag = place, work, lag
        self.lines: list[str] = []
        self.is_answered = False

    async def make(self, ours: Run) -> None:
        """Asks; what goes wrong is told like an answer."""
        try:
            await _timer.limited(self._asked(ours), PATIENCE)
        except Exception as error:  # whatever it is, the test's own failure matters more
            self.end(error)
        self.is_answered = True

    def end(self, error: Exception) -> None:
        """Notes why it is not answered wholly."""
        if self.is_answered:
            return
        if isinstance(error, ImportError):
            self.lines.append(str(error))
        else:
            why = f"{type(error).__name__} {error}".rstrip()
            self.lines.append(f"more could not be found out: {why}")

    async def _asked(self, ours: Run) -> None:
        from . import decoding

        place = self.place
        if place.decoder is None:
            place.decoder = decoding.Decoder(place.converters, place.namespace)
        slack = CLOCKS if ours.settings.is_external else 0.0
        began = ours.handed.began
        since = None if place.is_fresh or began is None else began - slack
        client = await ours.asking_client(place.server, place.namespace)
        await self._work(Subject(client, place.decoder, since, self._lag), self.lines)


class Findings:
    """What was found out about a test."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.drawing: dict[str, Any] | None = None
        """What the page of `--temporal-report` draws; None where nothing was asked for it."""


def attach(ours: Run, item: pytest.Item, report: pytest.TestReport) -> None:
    """Has a report tell what was found out: a failure carries it itself."""
    if report.failed:
        stop_the_clock(item)
    is_last = report.when == "call" or (report.when == "setup" and not report.passed)
    found = find(ours, item, failed=report.failed, is_last=is_last)
    if report.failed:
        longrepr.add(report, found.sections)
    else:
        report.sections.extend(found.sections)
    if found.drawing is not None:
        setattr(report, ATTRIBUTE, found.drawing)


def find(ours: Run, item: pytest.Item, *, failed: bool, is_last: bool) -> Findings:
    """Finds out what is wanted.

    Args:
        ours: What this process has of Temporal.
        item: The test.
        failed: Whether it failed; of one that passed, only what its servers went through is said.
        is_last: Whether its servers will have gone when it is reported the next time.
    """
    wanted, settings, found = failed and ours.settings.explain, ours.settings, Findings()
    of_all = settings.histories_of == "all" and is_last
    lag = FAILED_LAG if failed else LAG
    places = ours.handed.of(item)
    told = [Ask(place, _workflows(ours, place), lag) for place in places if wanted]
    saved = [
        Ask(place, _histories(directory, item.nodeid), lag)
        for place in places
        if (directory := settings.histories) and (failed or of_all)
    ]
    drawn: list[Any] = []
    drawings = [Ask(place, _drawing(drawn), lag) for place in places if settings.report and is_last]
    _make(ours, [*told, *saved, *drawings])
    found.sections += _told("Temporal workflows in", told)
    found.sections += _watched(ours, with_log=wanted)
    found.sections += _told("Temporal histories of", saved)
    if drawings:
        problems = [line for ask in drawings for line in ask.lines]
        drawn = sorted(drawn, key=lambda workflow: float(workflow["begin"]))
        found.drawing = {"workflows": drawn, "problems": problems}
    return found


def _make(ours: Run, asks: list[Ask]) -> None:
    """Makes all asks at once."""

    async def make_all() -> None:
        await asyncio.gather(*(ask.make(ours) for ask in asks))

    if not asks:
        return
    try:
        _aside.start(make_all()).result(PATIENCE + SLACK)
    except Exception as error:  # there can be no loop, or something blocks it
        for ask in asks:
            ask.end(error)


def stop_the_clock(item: pytest.Item) -> None:
    """Has pytest-timeout wait no longer, as it does itself once a failure is reported."""
    if (cancel := getattr(item.config.hook, "pytest_timeout_cancel_timer", None)) is not None:
        cancel(item=item)


def _workflows(ours: Run, place: Place) -> Work:
    async def tell(subject: Subject, lines: list[str]) -> None:
        from . import workflows

        if ours.settings.keep and place.server.ui_url:
            lines.append(f"{place.server.ui_url}/namespaces/{place.namespace}/workflows")
        async for line in workflows.told(subject):
            lines.append(line)  # noqa: PERF401  # what is told before the time is up remains

    return tell


def _histories(directory: str, test: str) -> Work:
    async def save(subject: Subject, lines: list[str]) -> None:
        from . import histories

        await histories.save(subject, directory, test, lines)

    return save


def _drawing(drawn: list[Any]) -> Work:
    async def draw(subject: Subject, lines: list[str]) -> None:
        from .report import gather

        await gather.gather(subject, drawn, lines)

    return draw


def _told(title: str, asks: list[Ask]) -> Iterator[Section]:
    """Returns a section for each place; its server is named where the namespace does not tell."""
    names = [ask.place.namespace for ask in asks]
    for ask in asks:
        place = ask.place
        other = f" of {place.server.name}" if names.count(place.namespace) > 1 else ""
        yield f"{title} {place.namespace}{other}", "\n".join([*ask.lines])


def _watched(ours: Run, *, with_log: bool) -> Iterator[Section]:
    for watched in {watched.name: watched for watched in ours.watched}.values():
        if events := watched.events():
            yield f"Temporal events of {watched.name}", "\n".join(events)
        if with_log and (log := watched.log()):
            yield f"Temporal log of {watched.name}", "\n".join(log)
