"""Temporal's download service on loopback, as far as we ask it; what goes wrong is scripted."""

from __future__ import annotations

import contextlib
import io
import json
import re
import ssl
import tarfile
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CERTIFICATE = Path(__file__).parents[1] / "support/loopback.pem"
"""Of an authority that nobody knows, with its key."""

PADDING = Random(7).randbytes(300_000)
"""What makes an archive long enough to break off."""


def script(version: str, behind: str = "/bin/false") -> bytes:
    """Returns an executable that tells this version, and else is `behind`."""
    tells = f'[ "$1" = --version ] && exec echo "temporal version {version} (Server 1.0.0)"'
    return f'#!/bin/sh\n{tells}\nexec {behind} "$@"\n'.encode()


def archive(*members: tuple[str, bytes], compressed: int = 1) -> bytes:
    """Returns an archive of these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=compressed) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def release(version: str, behind: str = "/bin/false") -> bytes:
    """Returns an archive as Temporal's are."""
    return archive(("LICENSE", PADDING), ("temporal", script(version, behind)))


class Asked(NamedTuple):
    """A request."""

    path: str
    range: str | None
    if_range: str | None


class Service(ThreadingHTTPServer):
    """The service. A fault is used up by one request for an archive, and answers it."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.archives: dict[str, bytes] = {}
        self.faults: deque[Callable[[Handler, bytes, int], None]] = deque()
        self.asked: list[Asked] = []
        self.file = "temporal"
        self.etag = '"one"'
        self.answer: bytes | None = None
        """What it says instead of where an archive is."""

    def asked_for(self, kind: str) -> list[Asked]:
        """Returns the requests for `cli` or `archive`."""
        return [asked for asked in self.asked if asked.path.startswith(f"/{kind}/")]

    def speak_https(self) -> None:
        """Makes it a server for https."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = self.url.replace("http:", "https:")

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Service

    def do_GET(self) -> None:
        path = urlsplit(self.path).path  # a proxy is asked for a whole address
        ranges = self.headers.get("Range"), self.headers.get("If-Range")
        self.server.asked.append(Asked(path, *ranges))
        kind, _, rest = path[1:].partition("/")
        if kind == "loop":
            self.head(302, Location="/loop/")
        elif kind == "cli" and self.server.answer is not None:
            self.body(self.server.answer)
        elif kind == "cli" and rest in self.server.archives:
            told = {"archiveUrl": f"/archive/{rest}", "fileToExtract": self.server.file}
            self.body(json.dumps(told).encode())
        elif kind == "archive" and rest in self.server.archives:
            self.archive(self.server.archives[rest])
        else:
            self.head(404)

    def archive(self, whole: bytes) -> None:
        """Sends an archive, or what is left of it, or what a fault makes of it."""
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.headers.get("If-Range") == self.server.etag:
            start = int(wanted[1])
        if self.server.faults:
            self.server.faults.popleft()(self, whole, start)
        else:
            self.body(whole[start:], None, **self.partly(whole, start))

    def partly(self, whole: bytes, start: int) -> dict[str, str]:
        """Returns the headers of an archive from `start` on."""
        headers = {"ETag": self.server.etag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        return headers

    def head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def body(self, content: bytes, length: int | None = None, **headers: str) -> None:
        """Sends it; `length` is a lie."""
        headers["Content-Length"] = str(len(content) if length is None else length)
        self.head(206 if {"Content-Range", "Content_Range"} & set(headers) else 200, **headers)
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def cut(after: int) -> Callable[[Handler, bytes, int], None]:
    """A connection that ends after so many bytes."""

    def fault(handler: Handler, whole: bytes, start: int) -> None:
        part, rest = whole[start : start + after], len(whole) - start
        handler.body(part, length=rest, **handler.partly(whole, start))

    return fault


def refuse(status: int, **headers: str) -> Callable[[Handler, bytes, int], None]:
    """An answer that is none."""
    return lambda handler, *_: handler.head(status, **headers)


class Gate:
    """A connection that stands still half-way, until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, handler: Handler, whole: bytes, start: int) -> None:
        half = (len(whole) - start) // 2
        handler.head(
            200, **{"ETag": handler.server.etag, "Content-Length": str(len(whole) - start)}
        )
        handler.wfile.write(whole[start : start + half])
        self.reached.set()
        self.opened.wait(30)
        with contextlib.suppress(OSError):
            handler.wfile.write(whole[start + half :])


@contextlib.contextmanager
def serving(*, https: bool = False) -> Iterator[Service]:
    """Runs a service."""
    with Service() as service:
        if https:
            service.speak_https()
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
