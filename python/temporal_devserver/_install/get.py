"""The way of a version into the store: asked for, fetched, compared, unpacked, proved, put there.

All of it is done by whoever holds the lock of the version; the others wait for it and find the
result.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from .. import _core
from .._errors import DownloadError
from .failure import Trouble, writing
from .store import Installed, Store

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from .digests import Expected
    from .pace import Pace
    from .progress import Reporter

OFFLINE = "TEMPORAL_DEVSERVER_OFFLINE"


def is_offline() -> bool:
    """Tells whether nothing may be downloaded."""
    return os.environ.get(OFFLINE, "").lower() not in ("", "0", "false", "no")


def get(
    version: str, expected: Expected | None, reporter: Reporter, pace: Pace | None = None
) -> Installed:
    """Returns a version from the store, where it is put first if need be.

    Raises:
        DownloadError: It cannot be had, or is not what is expected.
        ConfigError: The version is none.
        StateDirError: The store cannot be used.
        UnsupportedPlatformError: There is none for this machine.
    """
    _core.check_version(version)
    store = Store()
    with told(version), closing(reporter):
        found = store.find(version)
        if found is None:
            if is_offline():
                remedy = f"unset it, or put an executable at {store.path / version}/temporal"
                raise Trouble(f"{OFFLINE} is set", remedy)
            with store.alone(version, reporter):
                found = store.find(version) or _download(store, version, expected, reporter, pace)
        if expected is not None and found.sha256 != expected.sha256:
            problem = f"it came in an archive with SHA-256 {found.sha256}, but {_other(expected)}"
            raise Trouble(problem, f"if that is right, remove {found.path.parent} and install anew")
    return found


@contextmanager
def told(version: str) -> Iterator[None]:
    """Makes what goes wrong an error that says of which version."""
    try:
        yield
    except Trouble as trouble:
        problem, remedy = trouble.problem, trouble.remedy
        message = f"temporal {version} was not installed: {problem}; {remedy}"
        raise DownloadError(message, version=version, problem=problem, remedy=remedy) from trouble


def _download(
    store: Store, version: str, expected: Expected | None, reporter: Reporter, pace: Pace | None
) -> Installed:
    from . import digests, fetch, proof, source, unpack
    from .pace import Pace

    pace = pace or Pace()
    machine = source.machine()
    found = source.find(version, reporter, pace)
    part = fetch.Partial(store.place(version, "part"))
    reporter.say(f"downloading temporal {version} from {found.archive}")
    fetch.fetch(found.archive, part, pace, reporter)
    sha256 = digests.of(part.path)
    pinned = store.pinned(version, machine)
    wanted = expected or pinned
    if wanted is not None and wanted.sha256 != sha256:
        refused = store.place(version, "refused")
        part.path.replace(refused)
        part.forget()
        raise Trouble(
            f"the archive {found.archive} has SHA-256 {sha256}, but {_other(wanted)}",
            f"it was not used and is kept as {refused}; find out which digest is right",
        )

    def make(executable: pathlib.Path) -> None:
        try:
            unpack.unpack(part.path, found.file, executable)
            proof.prove(executable, version)
        except Trouble:
            part.forget()  # else every further try would begin with what is wrong
            raise

    store.put(version, found.archive, sha256, make)
    if pinned is None or pinned.sha256 != sha256:
        pin = store.place(version, "pin")
        with writing(pin):
            digests.write(pin, version, machine, sha256)
    part.forget()
    reporter.say(f"temporal {version} is installed (the archive's SHA-256 is {sha256})")
    return store.find(version) or _vanished()


def _other(expected: Expected) -> str:
    return f"{expected.sha256} {expected.by}"


def _vanished() -> Installed:
    raise Trouble("it was removed in the same moment", "install it again")
