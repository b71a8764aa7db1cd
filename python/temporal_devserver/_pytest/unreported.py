"""Tests that end without a report: by Ctrl-C, or by the thread of pytest-timeout.

What Temporal says about such a test is found out at that moment, for later its servers are gone. It
is shown at once, where there is a terminal. A worker of pytest-xdist has none: it leaves a letter
in a file in memory that the controller has opened. The kernel frees that file with its last user,
so nothing is left, whichever process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

from . import explain, longrepr, run

if TYPE_CHECKING:
    from .report import Collector

WORKER_INPUT = "temporal_devserver_letters"
"""Where a worker finds the path of the file."""


class Letter(TypedDict):
    """What is said about a test."""

    test: str
    why: str
    """Why it has no report."""
    sections: list[explain.Section]
    drawing: dict[str, Any] | None


class Letterbox:
    """The letters of all workers."""

    def __init__(self) -> None:
        self._file = os.memfd_create("temporal-devserver-letters")
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        self._shown: set[str] = set()

    def letters(self) -> list[Letter]:
        """Returns the letters about tests of which nothing was shown."""
        text = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole, _, _under_way = text.rpartition(b"\n")
        found: list[Letter] = [json.loads(line) for line in whole.splitlines()]
        return [letter for letter in found if letter["test"] not in self._shown]

    def take(self, test: str) -> list[Letter]:
        """Returns the letters about a test; from now on they count as shown."""
        found = [letter for letter in self.letters() if letter["test"] == test]
        self._shown.add(test)
        return found


KEY = pytest.StashKey[Letterbox]()


def letterbox(config: pytest.Config) -> Letterbox:
    """Returns that of the controller."""
    if KEY not in config.stash:
        config.stash[KEY] = Letterbox()
    return config.stash[KEY]


def interrupted(item: pytest.Item) -> None:
    """Explains a test in which the run is interrupted."""
    explain.stop_the_clock(item)
    _leave(item, _letter(item, "interrupted"))


def set_timer(item: pytest.Item, settings: Any) -> bool:  # noqa: ANN401  # pytest-timeout's
    """Sets the timer of pytest-timeout's thread method, with an explanation before its end."""
    # Its lock waits in the kernel: a frozen clock does not reach it.
    timer = threading.Timer(settings.timeout, _time_is_up, (item, settings))  # noqa: TID251
    timer.name = f"temporal-devserver-timeout {item.nodeid}"

    def cancel() -> None:
        timer.cancel()
        timer.join()

    item.cancel_timeout = cancel  # type: ignore[attr-defined]  # what pytest-timeout calls
    timer.start()
    return True


def _time_is_up(item: pytest.Item, settings: Any) -> None:  # noqa: ANN401
    """Explains a test, then has pytest-timeout dump all stacks and end the process."""
    import pytest_timeout  # type: ignore[import-untyped]

    if not settings.disable_debugger_detection and pytest_timeout.is_debugging():
        return
    try:
        letter = _letter(item, f"ended after {settings.timeout:g} s")
        capture = item.config.pluginmanager.getplugin("capturemanager")
        if capture:
            capture.suspend_global_capture(in_=True)
        _leave(item, letter)
        if (collector := _collector(item.config)) is not None:
            collector.write()
    finally:
        pytest_timeout.timeout_timer(item, settings)


def show_letters(config: pytest.Config) -> None:
    """Shows the letters of workers whose tests have no report."""
    if KEY in config.stash:
        for letter in config.stash[KEY].letters():
            _show(config, letter)


def add_to(report: pytest.TestReport, config: pytest.Config) -> None:
    """Adds to the report of a lost worker what it has left about its test."""
    for letter in letterbox(config).take(report.nodeid):
        longrepr.add(report, letter["sections"])
        setattr(report, explain.ATTRIBUTE, letter["drawing"])


def _letter(item: pytest.Item, why: str) -> Letter:
    found = explain.find(run.of(item.config), item, failed=True, is_last=True)
    return {
        "test": item.nodeid, "why": why, "sections": found.sections, "drawing": found.drawing,
    }  # fmt: skip


def _leave(item: pytest.Item, letter: Letter) -> None:
    path = getattr(item.config, "workerinput", {}).get(WORKER_INPUT)
    if path is None:
        _show(item.config, letter)
        if (collector := _collector(item.config)) is not None:
            collector.take(letter)
        return
    with contextlib.suppress(OSError), open(path, "ab", buffering=0) as box:
        box.write(f"{json.dumps(letter)}\n".encode())  # which a worker on another machine cannot


def _show(config: pytest.Config, letter: Letter) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and letter["sections"]:
        longrepr.write(terminal, f"{letter['test']} ({letter['why']})", letter["sections"])


def _collector(config: pytest.Config) -> Collector | None:
    found: Collector | None = config.pluginmanager.get_plugin("temporal-report")
    return found
