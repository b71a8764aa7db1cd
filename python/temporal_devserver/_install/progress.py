"""How far a download is: as a bar on a terminal, as lines elsewhere, to a log, to a program."""

from __future__ import annotations

import os
import shutil
from typing import IO, TYPE_CHECKING

from .. import _clock

if TYPE_CHECKING:
    from collections.abc import Callable

REDRAW = 0.1
"""Seconds between two pictures of the bar."""

NEWS = 5.0
"""Seconds between two lines."""


class Reporter:
    """Tells nobody anything."""

    def say(self, what: str) -> None:
        """Tells what is done now."""

    def progress(self, done: int, total: int | None) -> None:
        """Tells how many bytes are there, and how many there will be, None for unknown."""

    def wait(self) -> None:
        """Is called again and again while another process is waited for."""

    def close(self) -> None:
        """Is called at the end, whichever."""


class Callback(Reporter):
    """Tells a program. What that raises breaks the download off."""

    def __init__(self, tell: Callable[[int, int | None], None] | None) -> None:
        self._tell = tell

    def progress(self, done: int, total: int | None) -> None:
        """Passes it on."""
        if self._tell is not None:
            self._tell(done, total)


class Pictured(Reporter):
    """What can be read: how much, how fast, how long yet."""

    def __init__(self, pause: float, clock: Callable[[], float]) -> None:
        self._pause, self._clock = pause, clock
        self._begun: tuple[float, int] | None = None
        self._next = 0.0

    def progress(self, done: int, total: int | None) -> None:
        """Shows it now and then, and when all is there."""
        now = self._clock()
        if self._begun is None or done < self._begun[1]:
            self._begun = (now, done)
        if now >= self._next or done == total:
            self._next = now + self._pause
            since, first = self._begun
            rate = (done - first) / (now - since) if now > since else 0.0
            self.show(done, total, _words(done, total, rate))

    def show(self, done: int, total: int | None, words: str) -> None:
        """Shows how far it is."""


class Lines(Pictured):
    """Lines for a person who reads them later, or in a log."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float] = _clock.monotonic
    ) -> None:
        super().__init__(NEWS, clock)
        self._write = write
        self._shown = ""

    def say(self, what: str) -> None:
        """Writes a line."""
        self._write(what)

    def show(self, done: int, total: int | None, words: str) -> None:  # noqa: ARG002  # as a bar
        """Writes a line, unless it is the same again."""
        if words != self._shown:
            self._write(words)
        self._shown = words


class Bar(Pictured):
    """A bar in the last line of a terminal."""

    def __init__(self, terminal: IO[str], clock: Callable[[], float] = _clock.monotonic) -> None:
        super().__init__(REDRAW, clock)
        self._terminal = terminal
        self._drawn = False

    def say(self, what: str) -> None:
        """Writes a line, which stays."""
        self.close()
        self._print(f"{what}\n")

    def show(self, done: int, total: int | None, words: str) -> None:
        """Draws it."""
        width = shutil.get_terminal_size().columns - 1
        room = min(40, width - len(words) - 3)
        bar = ""
        if total and room >= 10:
            full = room * done // total
            bar = f"[{'#' * full}{' ' * (room - full)}] "
        self._print(f"\r{(bar + words)[:width]}\x1b[K")
        self._drawn = True

    def close(self) -> None:
        """Lets the last picture stand."""
        if self._drawn:
            self._print("\n")
        self._drawn = False

    def _print(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


def for_stream(stream: IO[str]) -> Reporter:
    """Returns what fits an output of text: a bar where it is a terminal, else lines."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return Bar(stream)

    def write(line: str) -> None:
        stream.write(f"{line}\n")
        stream.flush()

    return Lines(write)


def for_log() -> Reporter:
    """Returns what tells the logger `temporal_devserver`; a download is no everyday thing."""
    import logging

    return Lines(logging.getLogger("temporal_devserver").warning)


def _words(done: int, total: int | None, rate: float) -> str:
    size = f"{_megabytes(done)} of {_megabytes(total)} MB" if total else f"{_megabytes(done)} MB"
    if not rate:
        return size
    left = "" if total is None or done == total else f", {_time((total - done) / rate)} left"
    return f"{size}, {_megabytes(rate)} MB/s{left}"


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f}"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
