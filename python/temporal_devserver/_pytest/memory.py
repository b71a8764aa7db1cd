"""Files that lie in memory: one on a disk would stay where pytest is killed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def file(name: str, text: str) -> Iterator[str]:
    """Makes a file, and gives a path by which other processes open it, too.

    It can be executed: this process has it open for reading only.
    """
    with os.fdopen(os.memfd_create(name), "w") as written:
        written.write(text)
        written.flush()
        number = os.open(f"/proc/self/fd/{written.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield f"/proc/{os.getpid()}/fd/{number}"
    finally:
        os.close(number)
