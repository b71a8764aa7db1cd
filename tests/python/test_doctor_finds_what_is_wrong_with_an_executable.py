"""None, a wrong one, one of another version than a server had."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from doctor_support import doctor, finds, killed, script
from foreign_worlds import without_exec
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

VARIABLE = "TEMPORAL_DEVSERVER_EXECUTABLE"
OLD = "echo 'temporal version 1.2.3 (Server 1.2.3, UI 1.2.3)'"


@pytest.mark.parametrize("what", ["does not exist", "is a directory", "is not executable"])
def test_a_named_one_that_cannot_be_run(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = sandbox.root / "temporal"
    if what == "is a directory":
        path.mkdir()
    if what == "is not executable":
        script(path, OLD, 0o644)
    monkeypatch.setenv(VARIABLE, str(path))
    finding = finds("no-executable", path)
    assert what in finding["message"]
    assert "pip install" in finding["fix"]


def test_one_that_is_passed_over(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(sandbox.root / "bin/temporal", OLD, 0o644)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    assert "not executable" in finds("executable-passed-over", path)["message"]


@pytest.mark.parametrize(
    "text", ["echo tctl version 1.18.0", "exit 3", "kill -9 $$", "echo $'\\xff'"]
)
def test_one_that_is_not_temporals(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = script(sandbox.root / "temporal", text)
    monkeypatch.setenv(VARIABLE, str(path))
    assert "official" in finds("executable-mute", path)["fix"]


@pytest.mark.parametrize("how", ["gone", "another version", "another program"])
def test_one_that_has_changed_under_a_server(
    fake_temporal: Path, sandbox: Sandbox, how: str
) -> None:
    given = script(sandbox.root / "temporal", f'exec {fake_temporal} "$@"')
    with DevServer("orders", executable=given):
        assert "executable-changed" not in [f["code"] for f in doctor()["findings"]]
        if how == "gone":
            given.unlink()
        else:
            script(given, OLD if how == "another version" else "echo hello")
        finding = finds("executable-changed", given)
        assert "`orders` was started with" in finding["message"]
        assert "version 9.9.9, which is " in finding["message"]


def test_another_version_than_a_database_was_used_by(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(fake_temporal))
    with killed(sandbox, "orders", db=True):
        for version, advice in (
            ("1.2.3", "use it (`--server-version 9.9.9`)"),
            ("10.0.0", "refuses"),
        ):
            text = OLD.replace("version 1.2.3", f"version {version}")
            path = script(sandbox.root / f"temporal-{version}", text)
            monkeypatch.setenv(VARIABLE, str(path))
            finding = finds("version-differs", version, "orders")
            assert "used by temporal 9.9.9" in finding["message"]
            assert advice in finding["fix"]
        monkeypatch.setenv(VARIABLE, str(fake_temporal))
        assert not [f for f in doctor()["findings"] if f["code"] == "version-differs"]


def test_one_on_a_mount_that_executes_nothing(fake_temporal: Path, sandbox: Sandbox) -> None:
    directory = sandbox.root / "mount"
    directory.mkdir()
    world = ["env", f"PATH={directory}:/usr/bin:/bin", *without_exec(directory, fake_temporal)]
    finding = finds("executable-passed-over", directory, through=world)
    assert "`noexec`" in finding["message"]
    assert "chmod" not in finding["message"] + finding["fix"]
