"""Where an executable comes from: Temporal's own download service, or a mirror of it."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from .._errors import UnsupportedPlatformError
from .failure import Trouble
from .pace import persist
from .transport import Missing, check, open_url

if TYPE_CHECKING:
    from .pace import Pace
    from .progress import Reporter

OFFICIAL = "https://temporal.download"
VARIABLE = "TEMPORAL_DEVSERVER_DOWNLOAD_URL"
"""Names a mirror in the place of the official address."""

ANSWER_LIMIT = 1 << 16
"""Bytes that the service's answer may have."""

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Source(NamedTuple):
    """What the service says."""

    archive: str
    """Address of the archive."""
    file: str
    """Name of the executable in it."""


def machine() -> str:
    """Returns platform and architecture as the service calls them.

    Raises:
        UnsupportedPlatformError: There is no executable for this machine.
    """
    name = platform.machine().lower()
    if name not in _MACHINES:
        problem = f"there is no `temporal` executable for {name or 'this machine'}"
        remedy = "name one of your own by `executable=`"
        raise UnsupportedPlatformError(f"{problem}; {remedy}", problem=problem, remedy=remedy)
    return f"linux-{_MACHINES[name]}"


def find(version: str, reporter: Reporter, pace: Pace) -> Source:
    """Asks the service for a version.

    Raises:
        Trouble: It cannot be asked, or does not have it.
    """
    base = os.environ.get(VARIABLE) or OFFICIAL
    system, architecture = machine().split("-")
    query = f"platform={system}&arch={architecture}&format=tar.gz"
    url = f"{base.rstrip('/')}/cli/{version}?{query}"
    try:
        answer = persist(lambda: _ask(url, pace.timeout), pace, reporter)
    except Missing as trouble:
        raise Trouble(
            f"{trouble.problem}: there is no temporal {version} for {system}-{architecture}",
            "choose one of https://github.com/temporalio/cli/releases",
        ) from trouble
    return _read(url, answer)


def _ask(url: str, timeout: float) -> bytes:
    from .fetch import reading

    with open_url(url, {"Accept": "application/json"}, timeout) as response, reading(url):
        return response.read(ANSWER_LIMIT + 1)


def _read(url: str, answer: bytes) -> Source:
    said: Any = None
    try:
        said = json.loads(answer) if len(answer) <= ANSWER_LIMIT else None
        archive, file = said["archiveUrl"], said["fileToExtract"]
        good = isinstance(archive, str) and isinstance(file, str) and bool(file)
    except (ValueError, TypeError, KeyError, RecursionError):
        good, archive, file = False, "", ""
    if not good:
        remedy = f"look at that address; set {VARIABLE} to a mirror, or unset it"
        raise Trouble(f"{url} does not answer as the download service does", remedy)
    if "://" not in archive:
        archive = urljoin(url, archive)
    check(archive, url)
    return Source(archive, file)
