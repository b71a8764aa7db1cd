"""Runs `examples/daemon.py` as a real process, and reads what it logs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support import eventually

if TYPE_CHECKING:
    import signal

    from typing_extensions import Self

DAEMON = Path(__file__).parents[2] / "examples/daemon.py"


class Daemon:
    """The service in a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        program = [sys.executable, str(DAEMON), "service", "--interval", "0.1", "--retry", "0.3"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stderr=file)

    def logs(self, pattern: str, seconds: float = 15.0) -> re.Match[str]:
        """Waits for the next line that matches; the lines before it count as read."""

        def found() -> re.Match[str] | None:
            return re.compile(pattern).search(self._log.read_text(), self._read)

        try:
            match = eventually(f"{pattern!r} in the log", found, seconds)
        except AssertionError as error:
            message = f"{error}:\n{self._log.read_text()[self._read :]}"
            raise AssertionError(message) from None
        assert match is not None
        self._read = match.end()
        return match

    def end(self, number: signal.Signals) -> str:
        """Ends it by a signal; returns all that it logged."""
        self.process.send_signal(number)
        assert self.process.wait(15) == 0, self._log.read_text()
        return self._log.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
