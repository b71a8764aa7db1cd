"""Getting the `temporal` executable: on request, and where a server is started and there is none.

All of it is the standard library's, and nothing of it is imported before something is downloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from . import digests, get
from . import progress as reporters

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


def install(
    version: str | None = None,
    *,
    sha256: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> pathlib.Path:
    """Downloads the `temporal` executable, unless it is there already, and returns its path.

    Any number of processes may do so at once: one downloads, the others wait for it. What was
    begun and broken off is gone on with.

    Args:
        version: Which one, like `1.8.3`; None for the one that this package is tested with.
        sha256: Digest that the archive must have, in hexadecimal digits. Without one it must be
            what it was when this user first downloaded that version.
        progress: Called with the bytes that are there, and those there will be, None where that is
            not known. What it raises breaks the download off.

    Raises:
        DownloadError: It could not be downloaded, or is not what it should be.
        ConfigError: The version or the digest is none.
        StateDirError: The cache cannot be used.
        UnsupportedPlatformError: There is none for this machine.
    """
    expected = None
    if sha256 is not None:
        expected = digests.Expected(digests.checked(sha256), "was given")
    wanted = _core.SERVER_VERSION if version is None else version
    return get.get(wanted, expected, reporters.Callback(progress)).path


install.__module__ = "temporal_devserver"
