"""Fetches an archive into a file, and goes on where an earlier try (of any process) stopped.

What is there is gone on with only where the other side says that it is still the same file: by the
validator (ETag, or time of change) that came with the first bytes, in `If-Range`. Whatever else it
answers, the file is begun anew. A length that was promised is counted, for `http.client` takes the
end of a connection for the end of a file.
"""

from __future__ import annotations

import http.client
import json
import re
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from .failure import SUSPECT, Passing, Trouble, writing
from .pace import persist
from .transport import Unsatisfiable, open_url

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from .pace import Pace
    from .progress import Reporter

LIMIT = 1 << 30
"""Bytes that an archive may have."""

CHUNK = 1 << 18


class Partial:
    """An archive that is there in part, and what is known of the whole of it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._about = path.with_name(f"{path.name}.json")

    def size(self) -> int:
        """Returns how many bytes are there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def known(self, url: str) -> tuple[str, int | None]:
        """Returns validator and whole length; no validator: there is nothing to go on with."""
        try:
            about = json.loads(self._about.read_text())
            validator, total = about["validator"], about["total"]
            same = about["url"] == url and isinstance(validator, str)
        except (OSError, ValueError, TypeError, KeyError):
            return "", None
        return (validator if same else ""), (total if isinstance(total, int) else None)

    def open(self, start: int, url: str, validator: str, total: int | None) -> IO[bytes]:
        """Opens it for writing from `start` on; what is known is written first, where it is new."""
        with writing(self.path):
            if start:
                return self.path.open("ab")
            self.forget()
            self._about.write_text(json.dumps({"url": url, "validator": validator, "total": total}))
            return self.path.open("wb")

    def forget(self) -> None:
        """Removes it."""
        for path in (self.path, self._about):
            path.unlink(missing_ok=True)


def fetch(url: str, partial: Partial, pace: Pace, reporter: Reporter) -> None:
    """Fetches the whole of it.

    Raises:
        Trouble: It cannot be had.
    """
    persist(lambda: _fetch_more(url, partial, pace, reporter), pace, reporter, partial.size)


def _fetch_more(url: str, partial: Partial, pace: Pace, reporter: Reporter) -> None:
    validator, total = partial.known(url)
    have = partial.size() if validator else 0
    if total is not None and have >= total:
        if have == total:
            return
        have = 0
    asked = {"Accept-Encoding": "identity"}
    if have:
        asked.update({"Range": f"bytes={have}-", "If-Range": validator})
    try:
        response = open_url(url, asked, pace.timeout)
    except Unsatisfiable:
        partial.forget()
        raise
    with response:
        start = _start(response, have)
        if start is None:
            partial.forget()
            raise Passing(f"{url} answers with another part than was asked for")
        total = _total(response, start)
        if total is not None and total > LIMIT:
            raise _too_large(url)
        with partial.open(start, url, _validator(response), total) as file:
            done = _copy(url, response, (file, partial.path), (start, total), reporter)
    if total is not None and done < total:
        raise Passing(f"{url} broke off after {done} of {total} bytes")


def _copy(
    url: str,
    response: http.client.HTTPResponse,
    to: tuple[IO[bytes], pathlib.Path],
    sizes: tuple[int, int | None],
    reporter: Reporter,
) -> int:
    """Copies what comes; returns how many bytes are there then."""
    file, path = to
    done, total = sizes
    reporter.progress(done, total)
    while True:
        with reading(url):
            chunk = response.read1(CHUNK)
        if not chunk:
            break
        with writing(path):
            file.write(chunk)
            file.flush()
        done += len(chunk)
        if done > LIMIT:
            raise _too_large(url)
        reporter.progress(done, total)
    return done


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Tells of a connection that breaks as of something that may pass."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise Passing(f"{url} broke off: {str(error) or type(error).__name__}") from error


def _start(response: http.client.HTTPResponse, have: int) -> int | None:
    """Returns where the answer begins, None where that is not where it has to."""
    if response.status != 206:
        return 0
    said = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return have if said and have and int(said[1]) == have else None


def _total(response: http.client.HTTPResponse, start: int) -> int | None:
    with suppress(ValueError, TypeError):
        length = int(response.headers["Content-Length"])
        return start + length if length >= 0 else None
    return None


def _validator(response: http.client.HTTPResponse) -> str:
    """Returns what tells the same file from another, "" where there is nothing reliable."""
    tag = response.headers.get("ETag", "")
    if tag:
        return "" if tag.startswith("W/") else tag
    return response.headers.get("Last-Modified", "")


def _too_large(url: str) -> Trouble:
    problem = f"{url} is larger than {LIMIT >> 20} MiB, which no archive of temporal is"
    return Trouble(problem, SUSPECT)
