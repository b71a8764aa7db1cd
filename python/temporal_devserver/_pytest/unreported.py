"""Tests that end without a report: by Ctrl-C, or by the thread of pytest-timeout.

What Temporal says about such a test is found out at that moment, for later its servers are gone. It
is shown at once, where there is a terminal. A worker of pytest-xdist has none, and sends a letter.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from . import explain, letters, longrepr, run

if TYPE_CHECKING:
    import pytest

    from .letters import Letter
    from .report import Collector


def interrupted(item: pytest.Item) -> None:
    """Explains a test in which the run is interrupted."""
    with contextlib.suppress(Exception):  # the interrupt goes on, whatever fails here
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


def add_to(report: pytest.TestReport, config: pytest.Config) -> None:
    """Adds to the report of a lost worker what it has left about its test."""
    for letter in letters.letterbox(config).take(report.nodeid):
        longrepr.add(report, letter["sections"])
        setattr(report, explain.ATTRIBUTE, letter["drawing"])


def _letter(item: pytest.Item, why: str) -> Letter:
    found = explain.find(run.of(item.config), item, failed=True, is_last=True)
    return {
        "test": item.nodeid, "why": why, "sections": found.sections, "drawing": found.drawing,
    }  # fmt: skip


def _leave(item: pytest.Item, letter: Letter) -> None:
    address = getattr(item.config, "workerinput", {}).get(letters.WORKER_INPUT)
    if address is None:
        letters.show(item.config, letter)
        if (collector := _collector(item.config)) is not None:
            collector.take(letter)
        return
    letters.send(letter, *address)


def _collector(config: pytest.Config) -> Collector | None:
    found: Collector | None = config.pluginmanager.get_plugin("temporal-report")
    return found
