"""The command line in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

CLI = str(Path(sysconfig.get_path("scripts"), "temporal-devserver"))


def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run([CLI, *arguments], capture_output=True, text=True, timeout=40)


@contextlib.contextmanager
def cli_process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs a command that lasts; ends it, whatever it does."""
    process = subprocess.Popen([CLI, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def lines_until(
    process: subprocess.Popen[str], part: str, stream: IO[str] | None = None
) -> list[str]:
    """Reads what it prints, there or on its standard output, up to a line that has `part` in it."""
    lines: list[str] = []
    stream = stream or process.stdout
    assert stream is not None
    for line in stream:
        lines.append(line)
        if part in line:
            return lines
    message = f"it ended without {part!r}: {lines}"
    raise AssertionError(message)
