"""`doctor` in a process of its own, and what it is to find, such as servers that were killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli_support import CLI
from support import Host, Sandbox, eventually, is_alive
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOST = """
import json, sys
with DevServer(sys.argv[1], **json.loads(sys.argv[2])) as server:
    status = server.status()
    print(json.dumps([status.pid, status.supervisor_pid, status.state_dir]), flush=True)
    input()
"""


def doctor(*arguments: str, through: Sequence[str] = ()) -> dict[str, Any]:
    """Returns its report, after which everything is as it was, unless a supervisor was at work."""
    before = everything()
    argv = [*through, CLI, "doctor", "--json", *arguments]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    if not somebody_writes():
        changed = sorted(set(before.items()) ^ set(everything().items()))
        assert changed == [], changed
    assert ended.stderr == ""
    report: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == (1 if report["errors"] else 0)
    return report


def finds(code: str, part: object = "", *arguments: str, through: Sequence[str] = ()) -> Any:
    """Returns the one finding of this code that names `part`."""
    report = doctor(*arguments, through=through)
    findings = [f for f in report["findings"] if f["code"] == code and str(part) in f["message"]]
    assert len(findings) == 1, report
    finding = findings[0]
    assert finding["fix"]
    assert "\n" not in finding["message"] + finding["fix"]
    return finding


def everything() -> dict[str, tuple[int, int, int]]:
    """Returns the mode, inode and owner of all that is in the directories of this test."""
    variables = ("TEMPORAL_DEVSERVER_STATE_DIR", "TEMPORAL_DEVSERVER_CACHE_DIR", "TMPDIR")
    places = [Path(os.environ[name]) for name in variables if name in os.environ]
    found = {}
    for path in (path for place in places for path in [place, *place.rglob("*")]):
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_ino, status.st_uid)
    return found


def somebody_writes() -> bool:
    """Tells whether a supervisor of this test lives, by what the states say."""
    states = Path(os.environ.get("TEMPORAL_DEVSERVER_STATE_DIR", "/none")).rglob("state.json")
    for state in states:
        with contextlib.suppress(OSError, ValueError):
            if is_alive(json.loads(state.read_text()).get("supervisor", {}).get("pid")):
                return True
    return False


@contextlib.contextmanager
def killed(sandbox: Sandbox, name: str, **options: Any) -> Iterator[Path]:
    """Has a server of this name killed with all that belongs to it; gives its directory.

    Afterwards its next start takes over, and it ends in order.
    """
    with Host(HOST, name, json.dumps(options)) as host:
        server, supervisor, directory = host.told()
        os.kill(supervisor, signal.SIGSTOP)  # else it would end in order
        host.kill()
        os.kill(supervisor, signal.SIGKILL)
    for pid in (server, supervisor):
        eventually("it is dead", lambda pid=pid: not is_alive(pid))  # type: ignore[misc]
    eventually("nothing runs", lambda: not sandbox.processes())
    try:
        yield Path(directory)
    finally:
        with DevServer(name, **options):
            pass


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    """Writes a program."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path
