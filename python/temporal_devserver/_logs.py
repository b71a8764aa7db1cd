"""Reads the server's log, block by block, so that a long one never holds up an event loop."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

BLOCK = 256 * 1024


def read(path: str, tail: int | None) -> Generator[None, None, list[str]]:
    """Reads the last lines of a file; yields after each block, and returns the lines.

    Args:
        path: The file. One that does not exist has no lines.
        tail: How many lines, None for all.
    """
    blocks: list[bytes] = []
    try:
        with open(path, "rb") as file:
            position = file.seek(0, os.SEEK_END)
            newlines = 0
            # One newline more than lines: the last line ends with one, and the first one begins
            # after one.
            while position > 0 and (tail is None or newlines <= tail):
                size = min(BLOCK, position)
                position = file.seek(position - size)
                blocks.append(file.read(size))
                newlines += blocks[-1].count(b"\n")
                yield
    except FileNotFoundError:
        return []
    lines: list[str] = []
    rest = b""
    for block in reversed(blocks):
        *complete, rest = (rest + block).split(b"\n")
        lines.extend(line.decode(errors="replace") for line in complete)
        yield
    if rest:
        lines.append(rest.decode(errors="replace"))
    return lines if tail is None else lines[max(0, len(lines) - tail) :]
