"""A supervisor of another version, as a thread: it says the frozen lines, and some of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "7.0"
STATUS = {
    "reply": "status",
    "state": "ready",
    "name": "foreign",
    "pid": 4711,
    "supervisor_pid": os.getpid(),
    "address": "127.0.0.1:7233",
    "ui_url": None,
    "http_address": "127.0.0.1:7243",
    "metrics_address": "127.0.0.1:7244",
    "namespaces": ["default"],
    "version": "9.9.9",
    "started_at": 1.5,
    "uptime": 2.5,
    "restarts": 3,
    "last_exit": None,
    "probes": [{"layer": "health", "latency": 0.001, "error": None}],
    "leases": [{"pid": 12, "command": "me", "since": 1.0}],
    "db_path": None,
    "log_path": "/none/server.log",
    "state_dir": "/none",
}


class Foreigner:
    """What it was asked, and whether it was told to stop."""

    def __init__(self, directory: Path, protocol: int) -> None:
        self.path = directory / "control.sock"
        self.protocol = protocol
        self.heard: list[Any] = []
        self.novelty = {"novelty": {"a": [1]}} if protocol > 1 else {}
        self.is_stopped = False

    def reply(self, request: Any) -> dict[str, Any]:
        """Returns the answer to a request."""
        replies: dict[str, dict[str, Any]] = {
            "hello": {
                "reply": "hello",
                "protocol": self.protocol,
                "version": VERSION,
                "identity": "x",
                "epoch": 9,
                "pid": os.getpid(),
                "lease": None,
            },
            "status": STATUS,
            "stop": {"reply": "done", "value": None},
        }
        return replies.get(request["op"], {"reply": "unheard_of"}) | self.novelty

    def answer(self, client: socket.socket) -> None:
        """Answers one client until it hangs up."""
        with contextlib.suppress(OSError), client, client.makefile("rwb") as stream:
            for line in stream:
                request = json.loads(line)
                self.heard.append(request)
                if request["op"] == "stop":
                    self.is_stopped = True
                    self.path.unlink()
                stream.write(json.dumps(self.reply(request)).encode() + b"\n")
                stream.flush()

    def serve(self, listener: socket.socket) -> None:
        """Takes clients until the socket is shut down."""
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                threading.Thread(target=self.answer, args=(client,), daemon=True).start()


@contextlib.contextmanager
def foreign_supervisor(state: Path, name: str, protocol: int) -> Iterator[Foreigner]:
    """Runs it in the directory of a named server, under the lock that every supervisor holds."""
    directory = state / "servers" / name
    for path in (state, state / "servers", directory):
        path.mkdir(mode=0o700)
    foreigner = Foreigner(directory, protocol)
    with (directory / "supervisor.lock").open("w") as lock, socket.socket(socket.AF_UNIX) as ears:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ears.bind(str(foreigner.path))
        ears.listen()
        thread = threading.Thread(target=foreigner.serve, args=(ears,), daemon=True)
        thread.start()
        try:
            yield foreigner
        finally:
            ears.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            foreigner.path.unlink(missing_ok=True)
