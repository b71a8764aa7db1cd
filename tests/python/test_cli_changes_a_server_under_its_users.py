"""`restart`, `reset`, `snapshot`, `restore`, `namespace`: verbs on a server that others use."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path


def test_restart_ends_when_the_server_is_ready_again(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal, linger=60) as server:
        before = server.status()
        refused = cli("restart", "orders")
        assert refused.returncode == 1
        assert str(os.getpid()) in refused.stderr
        assert "--force" in refused.stderr
        assert server.status().pid == before.pid, "nothing was done"
        done = cli("restart", "orders", "--force", "--json")
        assert done.returncode == 0, done.stderr
        after = json.loads(done.stdout)
    assert after["state"] == "ready"
    assert after["pid"] != before.pid
    assert after["restart_causes"] == {"restart": 1}
    assert after["address"] == before.address
    assert cli("restart", "orders").stdout.startswith("server `orders` was restarted")
    assert cli("stop", "orders").returncode == 0
    assert cli("restart", "orders").returncode == 3


def test_a_restart_that_fails_says_why(fake_temporal: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAKE_TEMPORAL", f"exit_if_file={broken}")
        with DevServer("orders", executable=fake_temporal):
            broken.touch()
            failed = cli("restart", "orders", "--force")
            assert cli("stop", "orders", "--force").returncode == 0
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("temporal-devserver: the server ended before it was ready")


@pytest.mark.real_server
def test_a_snapshot_is_gone_back_to_and_a_reset_empties_all(
    real_temporal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    on = ["--server", "orders"]
    try:
        assert cli("start", "orders", "--executable", str(real_temporal)).returncode == 0
        assert cli("namespace", "create", "shop", "--retention", "30d", *on).returncode == 0
        again = cli("namespace", "create", "shop", "--retention", "30d", "--json", *on)
        assert json.loads(again.stdout) == {"namespace": "shop", "created": False}
        written = json.loads(cli("snapshot", "before.db", "--json", *on).stdout)
        assert written == {
            "path": str(tmp_path / "before.db"),
            "bytes": (tmp_path / "before.db").stat().st_size,
        }
        assert cli("namespace", "delete", "shop", *on).returncode == 0
        assert json.loads(cli("namespace", "list", "--json", *on).stdout) == ["default"]
        restored = cli("restore", "before.db", *on)
        assert "is as it was in" in restored.stdout, restored.stderr
        assert set(cli("namespace", "list", *on).stdout.split()) == {"default", "shop"}
        refused = cli("reset", "orders")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.strip().endswith("add --yes if you mean it")
        assert "shop" in cli("namespace", "list", *on).stdout, "nothing was done"
        assert "is as new" in cli("reset", "orders", "--yes").stdout
        assert json.loads(cli("namespace", "list", "--json", *on).stdout) == ["default"]
    finally:
        cli("stop", "orders", "--force")


@pytest.mark.parametrize(("answer", "code"), [("\n", 1), ("n\n", 1), ("\x04", 1), ("y\n", 0)])
def test_reset_asks_on_a_terminal(fake_temporal: Path, answer: str, code: int) -> None:
    with DevServer("orders", executable=fake_temporal, linger=60) as server:
        before = server.status().pid
    ours, theirs = pty.openpty()
    words = [CLI, "reset", "orders"]
    process = subprocess.Popen(words, stdin=theirs, stdout=-1, stderr=theirs, text=True)
    try:
        asked = b""
        while b"[y/N]" not in asked:
            assert select.select([ours], [], [], 20)[0], asked
            asked += os.read(ours, 4096)
        os.write(ours, answer.encode())
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)
    after = json.loads(cli("status", "orders", "--json").stdout)
    assert cli("stop", "orders").returncode == 0
    assert process.returncode == code
    assert ("is as new" in out) == (code == 0)
    assert (after["pid"] != before) == (code == 0)
    assert b"Delete all data of server `orders`" in asked


def test_a_snapshot_never_replaces_what_is_none(fake_temporal: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("dear")
    with DevServer("orders", executable=fake_temporal):
        refused = cli("snapshot", str(file), "--server", "orders")
    assert (refused.returncode, file.read_text()) == (1, "dear")
    assert len(refused.stderr.splitlines()) == 1
