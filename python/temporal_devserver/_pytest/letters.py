"""What workers of pytest-xdist say about tests that have no report: letters to the controller.

A worker has no terminal. It leaves a letter in a file in memory that the controller has opened. The
kernel frees that file with its last user, so nothing is left, whichever process is killed.

A path below `/proc` may lead a worker elsewhere: in another PID namespace or on another machine the
same number is another process. So the file's name, which the kernel keeps, has to be the secret one
that the controller gave it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

from . import longrepr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .explain import Section

WORKER_INPUT = "temporal_devserver_letters"
"""Where a worker finds the path and the name of the file."""


class Letter(TypedDict):
    """What is said about a test."""

    test: str
    why: str
    """Why it has no report."""
    sections: list[Section]
    drawing: dict[str, Any] | None


class Letterbox:
    """The letters of all workers."""

    def __init__(self) -> None:
        name = f"temporal-devserver-letters-{secrets.token_hex(8)}"
        self._file = os.fdopen(os.memfd_create(name), "rb")
        self.address = [f"/proc/{os.getpid()}/fd/{self._file.fileno()}", name]
        """The path and the name of the file, for `send`."""
        self._shown: set[str] = set()

    def close(self) -> None:
        """Frees the file."""
        self._file.close()

    def letters(self) -> list[Letter]:
        """Returns the letters about tests of which nothing was shown."""
        number = self._file.fileno()
        text = os.pread(number, os.fstat(number).st_size, 0)
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
        config.add_cleanup(config.stash[KEY].close)
    return config.stash[KEY]


def send(letter: Letter, path: str, name: str) -> None:
    """Leaves a letter in the box of that name, if the path leads to it from here."""
    with contextlib.suppress(OSError), _found(path) as place:
        # A descriptor of `O_PATH` holds the very file whose name is read, and opens nothing.
        if os.readlink(place).startswith(f"/memfd:{name}"):
            with open(place, "ab", buffering=0) as box:
                box.write(f"{json.dumps(letter)}\n".encode())


@contextlib.contextmanager
def _found(path: str) -> Iterator[str]:
    number = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


def show_all(config: pytest.Config) -> None:
    """Shows the letters of workers whose tests have no report."""
    if KEY in config.stash:
        for letter in config.stash[KEY].letters():
            show(config, letter)


def show(config: pytest.Config, letter: Letter) -> None:
    """Shows a letter, where there is a terminal."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and letter["sections"]:
        longrepr.write(terminal, f"{letter['test']} ({letter['why']})", letter["sections"])
