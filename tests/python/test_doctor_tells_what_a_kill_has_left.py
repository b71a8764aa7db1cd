"""Servers that were killed, hang or have failed, and every file that such an end can leave."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from doctor_support import doctor, finds, killed
from foreign_worlds import with_read_only
from support import eventually
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox


def codes() -> list[str]:
    found = doctor("orders")["findings"]
    return [f["code"] for f in found if f["area"] in {"servers", "databases"}]


@pytest.fixture
def orders(fake_temporal: Path, sandbox: Sandbox) -> Path:
    """The directory of a server that was stopped in order."""
    with DevServer("orders", executable=fake_temporal, db=True):
        pass
    return sandbox.directory("orders")


def test_one_that_ended_in_order_leaves_nothing_to_tell(orders: Path) -> None:
    assert orders.exists()
    assert codes() == []


def test_a_killed_one_is_harmless(fake_temporal: Path, sandbox: Sandbox) -> None:
    with killed(sandbox, "orders", executable=str(fake_temporal)) as directory:
        finding = finds("stale-state", directory)
        assert finding["level"] == "note"
        assert "`orders`" in finding["message"]
        data = finds("left-over-data", sandbox.tmp / "temporal-devserver-")
        assert "next start of any server" in data["fix"]
    assert codes() == []


def test_data_in_use_is_not_left_over(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal), DevServer("orders", executable=fake_temporal):
        assert codes() == []


def test_the_log_of_a_killed_kept_database(fake_temporal: Path, sandbox: Sandbox) -> None:
    with killed(sandbox, "orders", executable=str(fake_temporal), db=True) as directory:
        log = directory / "temporal.db-wal"
        if not log.exists():  # the fake may have had nothing to write
            log.write_bytes(b"")
        assert str(log) in finds("database-log", directory)["message"]
        log.unlink()


def test_a_database_that_another_server_has_now(fake_temporal: Path, sandbox: Sandbox) -> None:
    database = sandbox.root / "orders.db"
    options: dict[str, Any] = {"executable": str(fake_temporal), "db": str(database)}
    with killed(sandbox, "orders", **options):
        half = sandbox.root / "orders.db.unfinished-database"
        half.write_text("half")
        finds("half-made", half)
        half.unlink()
        with DevServer("another", **options):
            half.write_text("of a restore that is going on")
            assert codes() == ["stale-state"]
            half.unlink()


def test_a_place_without_a_database_is_none_that_is_unusable(orders: Path) -> None:
    (orders / "temporal.db").unlink()
    report = doctor("orders", through=with_read_only(orders))
    assert [f["code"] for f in report["findings"] if f["area"] == "databases"] == []


def test_half_made_files(orders: Path) -> None:
    names = ("state.json.new", "temporal.db.unfinished-database")
    for name in names:
        (orders / name).write_text("half")
    assert codes() == ["half-made"] * 2
    for name in names:
        finds("half-made", orders / name)
        (orders / name).unlink()


def test_a_state_that_cannot_be_read(orders: Path) -> None:
    state = orders / "state.json"
    text = state.read_text()
    state.write_text(text[: len(text) // 2])
    finds("state-damaged", state)
    state.unlink()
    state.mkdir()
    assert str(state) in finds("state-unreadable", orders)["fix"]
    state.rmdir()
    assert codes() == []


@pytest.mark.parametrize("how", ["empty", "no database", "gone", "two names"])
def test_a_database_that_no_start_would_take(orders: Path, sandbox: Sandbox, how: str) -> None:
    database = orders / "temporal.db"
    match how:
        case "empty":
            database.write_bytes(b"")
        case "no database":
            database.write_text("precious")
        case "gone":
            database.rename(orders / "temporal.db-wal")
        case "two names":
            os.link(database, sandbox.root / "second")
    finds("database-unusable", database)
    (orders / "temporal.db-wal").unlink(missing_ok=True)


def test_a_name_that_nobody_has(orders: Path) -> None:
    assert orders.exists()
    finds("no-such-server", "`ordres`", "ordres")


def test_a_supervisor_that_stands_still(fake_temporal: Path) -> None:
    with DevServer("orders", executable=fake_temporal) as server:
        supervisor = server.status().supervisor_pid
        assert supervisor is not None
        os.kill(supervisor, signal.SIGSTOP)
        try:
            finding = finds("supervisor-silent", f"pid {supervisor} ")
        finally:
            os.kill(supervisor, signal.SIGCONT)
        assert "replaced" in finding["fix"]


def test_a_server_that_has_failed(fake_temporal: Path) -> None:
    restart: Any = {"limit": 0}
    with DevServer("orders", executable=fake_temporal, restart=restart) as server:
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually("it has failed", lambda: server.status().state == "failed")
        finding = finds("server-failed", "SIGKILL")
        assert "temporal-devserver logs orders" in finding["fix"]
