"""Has a failure itself carry what Temporal says about it.

Pytest filters the sections of a report by their names (`--show-capture`), and a debugger's prompt
shows none. It always shows the failure, `report.longrepr`, in which a traceback may have sections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest._io import TerminalWriter


def add(report: pytest.TestReport, sections: Iterable[tuple[str, str]]) -> None:
    """Adds sections to the failure of a report, which is then a failure with sections."""
    for name, content in sections:
        if not hasattr(report.longrepr, "addsection"):
            report.longrepr = Failure(report.longrepr)  # type: ignore[assignment]
        report.longrepr.addsection(name, printable(content))  # type: ignore[union-attr]


def show(terminal: pytest.TerminalReporter) -> None:
    """Shows the sections of the failures that pytest prints without them, or not at all."""
    style = terminal.config.option.tbstyle
    if terminal.config.option.no_summary:
        kinds = []
    elif style == "no":
        kinds = ["error", "failed"]
    else:  # older ones print a mere line
        kinds = ["failed"] if style == "line" and pytest.version_tuple < (9,) else []
    for report in (report for kind in kinds for report in terminal.stats.get(kind, [])):
        if sections := getattr(report.longrepr, "sections", None):
            write(terminal, report.nodeid, sections)


def write(
    terminal: pytest.TerminalReporter, title: str, sections: Iterable[tuple[str, ...]]
) -> None:
    """Writes sections below a title."""
    terminal.ensure_newline()
    terminal.write_sep("_", title, bold=True)
    for name, content, *_ in sections:
        terminal.write_sep("-", name)
        terminal.write_line(printable(content))


def printable(text: str) -> str:
    """Returns a text that any terminal and any channel of pytest-xdist takes."""
    return text.encode(errors="backslashreplace").decode()


class Failure:
    """A failure that has no traceback (a text, a doctest's, a fixture's), and its sections.

    Pytest asks such an object for `toterminal` and `__str__`; all else is the failure's own.
    """

    def __init__(self, failure: Any) -> None:  # noqa: ANN401  # pytest allows anything
        self._failure = failure
        self.sections: list[tuple[str, str]] = []
        if isinstance(failure, str):
            self.reprcrash = _Crash(failure)

    def addsection(self, name: str, content: str) -> None:
        """Adds a section."""
        self.sections.append((name, content))

    def toterminal(self, out: TerminalWriter) -> None:
        """Prints the failure, then its sections."""
        if hasattr(self._failure, "toterminal"):
            self._failure.toterminal(out)
        elif self._failure is not None:
            out.line(str(self._failure))
        for name, content in self.sections:
            out.sep("-", name)
            out.line(content)

    def __str__(self) -> str:
        parts = [] if self._failure is None else [str(self._failure)]
        parts += [f"--- {name} ---\n{content}" for name, content in self.sections]
        return "\n".join(parts)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name == "_failure" or name.startswith("__"):  # `copy` and `pickle` ask before __init__
            raise AttributeError(name)
        return getattr(self._failure, name)


class _Crash(str):
    """The text of a failure, where pytest looks for its message."""

    __slots__ = ()

    @property
    def message(self) -> str:
        return str(self)
