"""`temporal-devserver install`: what it prints, its exit codes, and the lock file."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from download_support import release
from temporal_devserver import DevServer, _core, install
from temporal_devserver._install.source import machine

if TYPE_CHECKING:
    from pathlib import Path

    from download_support import Service
    from support import Sandbox

V = "1.2.3"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def refused(code: int, *arguments: str) -> str:
    """Returns the one line of a command that is refused."""
    ended = cli("install", *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("temporal-devserver: ")
    assert "Traceback" not in ended.stderr
    return last


def test_the_path_alone_is_printed(service: Service, store: Path) -> None:
    service.archives[V] = service.archives[_core.SERVER_VERSION] = whole = release(V)
    ended = cli("install", V)
    assert (ended.returncode, ended.stdout) == (0, f"{store / V / 'temporal'}\n")
    assert ended.stderr.startswith(f"downloading temporal {V} from {service.url}/archive/{V}\n")
    assert ended.stderr.endswith(f"is installed (the archive's SHA-256 is {sha256(whole)})\n")
    again = cli("install", V, "--json")
    assert again.stderr == ""
    assert json.loads(again.stdout) == {
        "version": V,
        "path": str(store / V / "temporal"),
        "sha256": sha256(whole),
        "size": (store / V / "temporal").stat().st_size,
    }
    default = refused(1)
    assert f"in the archive is temporal {V} and not {_core.SERVER_VERSION}" in default


def test_a_terminal_gets_a_bar(service: Service) -> None:
    service.archives[V] = release(V)
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [CLI, "install", V],
            check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=30,
        )
        drawn = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout.endswith(b"/temporal\n")
    assert f"[{'#' * 40}] 0.3 of 0.3 MB" in drawn
    assert drawn.count("\x1b[K") >= 1


def test_what_is_there_is_listed_and_what_is_old_is_pruned(
    service: Service, store: Path, fake_temporal: Path
) -> None:
    assert cli("install", "--list").stdout == "nothing was downloaded\n"
    for version in ("1.2.3", "1.2.10", "1.2.9", "1.2.10-rc.1"):
        service.archives[version] = release(version, str(fake_temporal))
        install(version)
    (store / ".1.2.9.part").write_bytes(bytes(100))
    (store / ".1.2.9.new").mkdir()
    with DevServer(version=V) as server:
        listed = cli("install", "--list").stdout.splitlines()
        assert [line.split()[0] for line in listed] == ["1.2.10", "1.2.10-rc.1", "1.2.9", "1.2.3"]
        digest = sha256(service.archives[V])
        assert listed[-1] == f"{V}        0.0 MB  {digest}  in use"
        rows = json.loads(cli("install", "--list", "--json").stdout)
        assert [row["in_use"] for row in rows] == [False, False, False, True]
        assert rows[-1]["sha256"] == digest
        pruned = json.loads(cli("install", "--prune", "--json").stdout)
        assert [row["version"] for row in pruned] == ["1.2.10-rc.1", "1.2.9"]
        server.kill()
        assert server.wait_ready(20).state == "ready"
    assert cli("install", "--prune").stdout.split()[0] == V
    assert cli("install", "--prune").stdout == "there is nothing to remove\n"
    kinds = {path.name.rpartition(".")[2] for path in store.iterdir()}
    assert kinds == {"lock", "use", "pin", "10"}
    assert cli("install", V).returncode == 0


def test_a_lock_file_is_written_and_obeyed(service: Service, sandbox: Sandbox) -> None:
    service.archives[V] = whole = release(V)
    file = sandbox.root / "temporal.lock"
    missing = refused(2, V, "--lock", str(file))
    assert missing.endswith(f"has no line for {V} {machine()}; add it by --write-lock")
    file.write_text("# of the team\n" + f"{'a' * 64}  {V}  plan9-mips  # no more\n")
    assert cli("install", V, "--lock", str(file), "--write-lock").returncode == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "# of the team"
    assert lines[2:] == [f"{sha256(whole)}  {V}  {machine()}"]
    assert cli("install", V, "--lock", str(file)).returncode == 0
    file.write_text(lines[2].replace(sha256(whole), "b" * 64))
    for more in ([], ["--write-lock"]):
        message = refused(1, V, "--lock", str(file), *more)
        assert f"{'b' * 64} stands in {file}; " in message
    file.write_text("hello\n")
    assert refused(2, V, "--lock", str(file)).endswith("; mend or remove that line")
    assert refused(2, V, "--lock", str(sandbox.root)).endswith("Is a directory; name another file")
    nowhere = str(sandbox.root / "no" / "file")
    assert "cannot be written" in refused(2, V, "--lock", nowhere, "--write-lock")


@pytest.mark.parametrize(
    ("code", "says", "arguments"),
    [
        (2, "is no version; give all three numbers", ["latest"]),
        (2, "is no version; give all three numbers", ["../1.2.3"]),
        (2, "give 64 hexadecimal digits", [V, "--sha256", "abc"]),
        (1, "there is no temporal 9.9.9 for linux-", ["9.9.9"]),
    ],
)
@pytest.mark.usefixtures("service")
def test_a_mistake_is_one_line(code: int, says: str, arguments: list[str]) -> None:
    assert says in refused(code, *arguments)


@pytest.mark.parametrize(
    "arguments", [["--list", V], ["--prune", "--list"], ["--write-lock"], ["--odd"], [V, V]]
)
def test_what_does_not_go_together_is_wrong_usage(arguments: list[str]) -> None:
    assert cli("install", *arguments).returncode == 2


def test_offline_and_an_output_that_nobody_takes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.archives[V] = release(V)
    install(V)
    ended = subprocess.run(
        ["sh", "-c", f"{CLI} install --list | true; {CLI} install {V} | true"],
        capture_output=True,
        timeout=30,
    )
    assert ended.stderr == b""
    with open("/dev/full", "w") as nowhere:
        full = subprocess.run([CLI, "install", V], stdout=nowhere, stderr=-1, timeout=30)
    assert full.returncode == 1
    assert full.stderr.startswith(b"temporal-devserver: [Errno 28] No space left on device; ")
    assert full.stderr.count(b"\n") == 1
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")
    assert "TEMPORAL_DEVSERVER_OFFLINE is set; unset it" in refused(1, "1.2.4")
    assert cli("install", V).returncode == 0
