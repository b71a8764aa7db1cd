"""The executables that were downloaded: `<cache>/executables/<version>/temporal`.

A version comes into the store by one rename and goes out of it by one, so what bears its name is
whole. What else lies there begins with a dot: `.1.9.1.lock` (held by who changes it), `.1.9.1.use`
(held by who uses it), `.1.9.1.part` (an archive that is being fetched), `.1.9.1.new` (what is being
unpacked), `.1.9.1.refused` (an archive with a wrong digest), `.1.9.1.pin` (what its digest was the
first time). What stays of a killed process is used, or overwritten, by the next.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from .. import _core
from .._errors import ConfigError
from . import digests, locks
from .failure import Trouble, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from .progress import Reporter

NAME = "temporal"
ORIGIN = "origin.json"


class Installed(NamedTuple):
    """A version that is there."""

    version: str
    path: pathlib.Path
    sha256: str | None
    """Digest of the archive that it came in; None where nobody knows any more."""
    size: int
    """Bytes of the executable."""


class Store:
    """The directory of the executables."""

    def __init__(self) -> None:
        """Makes it where it is missing.

        Raises:
            StateDirError: It cannot be made, or others may write to it.
        """
        path, self._versions = _core.executable_store()
        self.path = pathlib.Path(path)

    def place(self, version: str, kind: str) -> pathlib.Path:
        """Returns where something that belongs to a version lies."""
        return self.path / f".{version}.{kind}"

    def find(self, version: str) -> Installed | None:
        """Returns a version, None where it is not there."""
        path = self.path / version / NAME
        try:
            size = path.stat().st_size
        except OSError:
            return None
        try:
            sha256 = str(json.loads((self.path / version / ORIGIN).read_text())["sha256"])
        except (OSError, ValueError, TypeError, KeyError):
            sha256 = None
        return Installed(version, path, sha256, size)

    def all(self) -> list[Installed]:
        """Returns what is there, the newest first."""
        found = [self.find(version) for version in self._versions]
        return [version for version in found if version is not None]

    def alone(self, version: str, reporter: Reporter) -> AbstractContextManager[None]:
        """Holds the lock of who changes a version, waited for."""
        return locks.alone(self.place(version, "lock"), reporter)

    def is_used(self, version: str) -> bool:
        """Tells whether a server runs on a version."""
        with locks.alone_now(self.place(version, "use")) as mine:
            return not mine

    def pinned(self, version: str, machine: str) -> digests.Expected | None:
        """Returns what the archive of a version was the first time."""
        path = self.place(version, "pin")
        try:
            sha256 = digests.read(path, version, machine)
        except ConfigError as error:
            raise Trouble(error.problem, f"remove {path}") from error
        return digests.Expected(sha256, f"it had the first time, says {path}") if sha256 else None

    def put(
        self, version: str, url: str, sha256: str, make: Callable[[pathlib.Path], None]
    ) -> None:
        """Puts a version into its place when `make` has made its executable at the path it gets."""
        new = self.place(version, "new")
        with writing(new):
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
        try:
            make(new / NAME)
            with writing(new):
                with (new / ORIGIN).open("w") as file:
                    json.dump({"url": url, "sha256": sha256}, file)
                    file.flush()
                    os.fsync(file.fileno())
                _sync(new)
                shutil.rmtree(self.path / version, ignore_errors=True)
                new.rename(self.path / version)
                _sync(self.path)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def prune(self) -> list[Installed]:
        """Removes all versions but the newest, and but those in use; returns the removed.

        What downloads left goes, too: all but the pins, and the locks, which are never removed.
        """
        removed = []
        for old in self.all()[1:]:
            with self._to_remove(old.version) as mine:
                if mine:
                    self._remove(old.version)
                    removed.append(old)
        for lock in self.path.glob(".*.lock"):
            with locks.alone_now(lock) as mine:
                if mine:
                    for kind in ("part", "part.json", "refused"):
                        lock.with_suffix(f".{kind}").unlink(missing_ok=True)
                    shutil.rmtree(lock.with_suffix(".new"), ignore_errors=True)
        return removed

    @contextmanager
    def _to_remove(self, version: str) -> Iterator[bool]:
        """Holds both locks of a version, where they can be had at once; tells whether it does."""
        with (
            locks.alone_now(self.place(version, "lock")) as unchanged,
            locks.alone_now(self.place(version, "use")) as unused,
        ):
            yield unchanged and unused

    def _remove(self, version: str) -> None:
        new = self.place(version, "new")
        try:
            shutil.rmtree(new, ignore_errors=True)
            (self.path / version).rename(new)
            shutil.rmtree(new)
        except OSError as error:
            problem = f"{error.filename} cannot be removed: {error.strerror}"
            raise Trouble(problem, f"remove {self.path / version} by hand") from error


def _sync(path: pathlib.Path) -> None:
    """Makes what was done in a directory last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
