"""`--temporal-report FILE.html`: what the workflows of all tests did, drawn, in one page.

Each test's report carries the data; so the process that the user started has all of it, whoever ran
the tests, and writes the page at the end.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from ... import _clock
from .. import explain, letters

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..letters import Letter
    from .data import Entry

LONGEST = 6_000
"""Characters that are shown of the traceback of a failed test: the last ones."""

UNFINISHED = "unfinished"
"""Outcome of a test whose run was interrupted in it."""

SHORT = 600
"""Characters of its message: the first ones."""


def configure(config: pytest.Config, path: str) -> None:
    """Has the page written: not by a worker of pytest-xdist.

    Raises:
        UsageError: The path is a directory.
    """
    if os.path.isdir(path):
        message = f"temporal: the report cannot be written to the directory {path}; name a file"
        raise pytest.UsageError(message)
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(Collector(config, path), "temporal-report")


class Collector:
    """Collects the reports of a run."""

    def __init__(self, config: pytest.Config, path: str) -> None:
        self._config, self._path = config, path
        self._tests: dict[tuple[str, int], list[Entry]] = {}
        """By test and by the worker that ran it; several where it was run again."""
        self._said = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes a report."""
        key = report.nodeid, id(getattr(report, "node", None))
        runs = self._tests.setdefault(key, [])
        if report.when == "setup" or not runs:
            runs.append(_new(report.nodeid))
        _add(runs[-1], report)

    def take(self, letter: Letter) -> None:
        """Takes what is known of a test that has no report."""
        runs = [runs for (name, _), runs in self._tests.items() if name == letter["test"]]
        if not runs:
            runs.append(self._tests.setdefault((letter["test"], 0), [_new(letter["test"])]))
        test = runs[-1][-1]
        test["why"] = letter["why"]
        _draw(test, letter["drawing"])

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Writes the page, once the workers have ended."""
        yield
        for letter in letters.letterbox(self._config).letters():
            self.take(letter)
        self.write()

    def write(self) -> None:
        """Writes the page."""
        from . import page

        tests = [test for runs in self._tests.values() for test in runs]
        when = _clock.local(_clock.unix_now(), "%Y-%m-%d %H:%M:%S %z")
        text = page.page(f"Temporal report of {self._config.rootpath.name}", tests, when)
        try:
            _write(self._path, text)
        except OSError as error:
            self._said = f"the Temporal report cannot be written: {error}"
        else:
            self._said = f"Temporal report: {self._path}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says where it is."""
        terminalreporter.write_line(self._said)


def _new(name: str) -> Entry:
    return {
        "name": name, "outcome": UNFINISHED, "seconds": 0.0, "why": "", "text": "",
        "workflows": [], "problems": [],
    }  # fmt: skip


def _add(test: Entry, report: pytest.TestReport) -> None:
    test["seconds"] += report.duration
    outcome = _outcome(report)
    is_better = outcome == "passed" and (report.when != "call" or test["outcome"] != UNFINISHED)
    if not is_better and test["outcome"] not in {"failed", "error"}:
        test["outcome"] = outcome
    if report.failed and not test["text"]:
        test["why"], test["text"] = _why(report), _end(report.longreprtext)
    _draw(test, getattr(report, explain.ATTRIBUTE, None))


def _draw(test: Entry, drawing: dict[str, Any] | None) -> None:
    if drawing is not None:
        test["workflows"], test["problems"] = drawing["workflows"], drawing["problems"]


def _why(report: pytest.TestReport) -> str:
    """Returns the message of a failure, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(report.longrepr if crash is None else crash.message)[:SHORT]


def _end(text: str) -> str:
    """Returns the last lines of a traceback."""
    if len(text) <= LONGEST:
        return text
    return "…\n" + text[-LONGEST:].partition("\n")[2]


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when in {"setup", "teardown"}:
        return "error"
    return report.outcome


def _write(path: str, text: str) -> None:
    """Writes a file that is there wholly or not at all."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    draft = f"{path}.{os.getpid()}.tmp"
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
