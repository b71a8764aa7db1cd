"""Directories that are missing, read-only, somebody else's, or open to all; disks without room."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from doctor_support import doctor, finds
from foreign_worlds import as_init, with_read_only

if TYPE_CHECKING:
    from support import Sandbox

STATE_DIR = "TEMPORAL_DEVSERVER_STATE_DIR"
CACHE_DIR = "TEMPORAL_DEVSERVER_CACHE_DIR"


def test_one_that_others_may_enter(sandbox: Sandbox) -> None:
    (sandbox.state / "servers").mkdir(parents=True, mode=0o700)
    (sandbox.state / "servers").chmod(0o750)
    assert "chmod 700" in finds("directory-open", sandbox.state / "servers")["message"]


def test_a_chosen_root_that_others_may_write_to(sandbox: Sandbox) -> None:
    sandbox.state.mkdir()
    sandbox.state.chmod(0o777)
    assert STATE_DIR in finds("directory-open", sandbox.state)["fix"]


def test_one_that_is_a_link(sandbox: Sandbox) -> None:
    (sandbox.root / "real").mkdir(mode=0o700)
    sandbox.state.symlink_to(sandbox.root / "real")
    finds("directory-link", sandbox.state)


def test_a_link_in_the_place_of_a_server(sandbox: Sandbox) -> None:
    (sandbox.state / "servers").mkdir(parents=True, mode=0o700)
    (sandbox.state / "servers/orders").symlink_to(sandbox.root)
    finds("directory-link", sandbox.state / "servers/orders", "orders")
    (sandbox.state / "servers/orders").unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_one_of_somebody_else(sandbox: Sandbox) -> None:
    sandbox.state.mkdir(mode=0o700)
    os.chown(sandbox.state, 12345, 12345)
    assert "12345" in finds("directory-foreign", sandbox.state)["message"]


def test_one_that_a_start_would_mend_is_left_as_it_is(sandbox: Sandbox) -> None:
    (sandbox.state / "servers").mkdir(parents=True, mode=0o700)
    (sandbox.state / "servers").chmod(0o000)
    doctor()
    assert (sandbox.state / "servers").stat().st_mode & 0o777 == 0
    (sandbox.state / "servers").chmod(0o700)


def test_a_temporary_directory_that_is_not_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(sandbox.root / "none"))
    assert "TMPDIR" in finds("directory-closed", sandbox.root / "none")["fix"]


def test_a_temporary_directory_that_is_read_only(sandbox: Sandbox) -> None:
    finding = finds("directory-closed", sandbox.tmp, through=with_read_only(sandbox.tmp))
    assert "Read-only" in finding["message"]


@pytest.mark.parametrize("how", ["none", "read-only"])
def test_a_home_that_is_no_place(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    home = sandbox.root / "home"
    home.mkdir()
    for variable in (STATE_DIR, CACHE_DIR, "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    if how == "read-only":
        monkeypatch.setenv("HOME", str(home))
    finding = finds("no-place", "", through=with_read_only(home))
    assert ("there is no HOME" if how == "none" else f"{home} ") in finding["message"]
    assert STATE_DIR in finding["fix"]


def test_a_cache_that_cannot_be_used(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = sandbox.root / "cache"
    cache.symlink_to(sandbox.root)
    monkeypatch.setenv(CACHE_DIR, str(cache))
    assert CACHE_DIR in finds("cache-unusable", cache)["fix"]


def test_no_proc() -> None:
    without = [*as_init(), "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']
    finds("no-proc", "/proc", through=without)


@pytest.mark.parametrize(("size", "code"), [("4m", "disk-full"), ("100m", "disk-low")])
def test_a_disk_without_room(sandbox: Sandbox, size: str, code: str) -> None:
    mount = f'mount -t tmpfs -o size={size} none {sandbox.tmp} && exec "$0" "$@"'
    finding = finds(code, sandbox.tmp, through=[*as_init(), "sh", "-c", mount])
    assert finding["level"] == ("error" if code == "disk-full" else "warning")
    assert "TMPDIR" in finding["fix"]
