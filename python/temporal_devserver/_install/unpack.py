"""Takes the one file out of an archive that it is fetched for.

No name from the archive ever becomes a path, so it does not matter where its names lead to. What
comes out is counted, for a few bytes may say that they are a disk full.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from posixpath import normpath
from typing import IO, TYPE_CHECKING, cast

from .failure import SUSPECT, Trouble, writing

if TYPE_CHECKING:
    import pathlib

LIMIT = 1 << 30
"""Bytes that an archive may have when it is unpacked."""

CHUNK = 1 << 20


class _Counted:
    """What comes out of the compression, up to the limit."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self._left = file, LIMIT

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            problem = f"the archive unpacks to more than {LIMIT >> 20} MiB, which temporal never is"
            raise Trouble(problem, SUSPECT)
        return chunk


def unpack(archive: pathlib.Path, name: str, to: pathlib.Path) -> None:
    """Writes the file `name` of the archive to the path `to`, as an executable, onto the disk.

    Raises:
        Trouble: The archive is damaged, or has no such file.
    """
    try:
        with gzip.open(archive) as file:
            counted = cast("IO[bytes]", _Counted(file))
            with tarfile.open(fileobj=counted, mode="r|") as members:
                _take(members, name, to)
            while counted.read(CHUNK):  # at the end stands the check sum
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        remedy = "try again; if that happens again, a proxy or mirror on the way changes it"
        raise Trouble(f"the archive is damaged: {error}", remedy) from error


def _take(members: tarfile.TarFile, name: str, to: pathlib.Path) -> None:
    for member in members:
        if normpath(member.name) != normpath(name):
            continue
        source = members.extractfile(member) if member.isreg() else None
        if source is None:
            problem = f"`{name}` in the archive is no file but a link, a directory or a device"
            raise Trouble(problem, SUSPECT)
        with source:
            _write(source, to)
        return
    raise Trouble(f"the archive has no file `{name}`", SUSPECT)


def _write(source: IO[bytes], to: pathlib.Path) -> None:
    with writing(to):
        file = open(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700), "wb")  # noqa: SIM115
    with file:
        while chunk := source.read(CHUNK):
            with writing(to):
                file.write(chunk)
        with writing(to):
            file.flush()
            os.fsync(file.fileno())
