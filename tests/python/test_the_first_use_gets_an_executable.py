"""Where a server is started and there is no executable, one is downloaded first, by the host."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from download_support import Gate, archive, release
from pytest_support import Suite
from support import eventually, eventually_async
from temporal_devserver import (
    AsyncDevServer,
    DevServer,
    DownloadError,
    ExecutableNotFoundError,
    NotRunningError,
    _core,
    _launcher,
    install,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from download_support import Service
    from support import Sandbox

V = "1.2.3"
DEFAULT = _core.SERVER_VERSION


@pytest.fixture
def nowhere(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Neither a wheel nor `PATH` has an executable."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(_launcher, "_scripts", lambda: [str(sandbox.root / "scripts")])
    _launcher.launcher.cache_clear()
    yield sandbox.root / "scripts"
    _launcher.launcher.cache_clear()


@pytest.fixture
def released(service: Service, fake_temporal: Path) -> Service:
    """The service has releases that behave as the fake server."""
    for version in (V, "1.2.4", DEFAULT):
        service.archives[version] = release(version, str(fake_temporal))
    return service


@pytest.mark.usefixtures("nowhere")
def test_a_blocking_start(released: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "temporal_devserver"), DevServer() as server:
        assert server.status().version == DEFAULT
    first, second = caplog.messages[:2]
    assert first == f"no `temporal` executable is installed: getting {DEFAULT}"
    assert second.startswith(f"downloading temporal {DEFAULT} from http://127.0.0.1:")
    with DevServer("named") as one, DevServer("named") as other:
        assert one.status().pid == other.status().pid
    assert len(released.asked) == 2


def test_a_version_is_taken_whatever_else_is_there(
    released: Service, nowhere: Path, fake_temporal: Path
) -> None:
    nowhere.mkdir()
    (nowhere / "temporal").symlink_to(fake_temporal)
    with DevServer() as server:
        assert server.status().version == "9.9.9"
    assert not released.asked
    install("1.2.4")
    with DevServer(version=V) as one, DevServer(version="1.2.4") as other, DevServer() as third:
        versions = [server.status().version for server in (one, other, third)]
        assert versions == [V, "1.2.4", "9.9.9"]
    assert [asked.path for asked in released.asked_for("archive")] == [
        "/archive/1.2.4",
        f"/archive/{V}",
    ]
    (nowhere / "temporal").unlink()
    with DevServer() as server:  # of what was downloaded the newest
        assert server.status().version == "1.2.4"


@pytest.mark.usefixtures("nowhere")
def test_an_asyncio_start_leaves_the_loop_free(released: Service) -> None:
    gate = Gate()
    released.faults.append(gate)

    async def main() -> None:
        server = AsyncDevServer()
        starting = asyncio.create_task(server.start())
        turns = 0
        while not gate.reached.is_set() or turns < 50:
            await asyncio.sleep(0.002)
            turns += gate.reached.is_set()
        assert not starting.done()
        gate.opened.set()
        await starting
        assert (await server.status()).version == DEFAULT
        await server.close()

    try:
        asyncio.run(main())
    finally:
        gate.opened.set()


@pytest.mark.usefixtures("nowhere")
def test_a_start_that_is_cancelled_ends_at_once(released: Service, store: Path) -> None:
    part = store / f".{DEFAULT}.part"
    gate = Gate()
    released.faults.append(gate)

    async def main() -> None:
        server = AsyncDevServer()
        starting = asyncio.create_task(server.start())
        await eventually_async("a part is there", lambda: part.exists() and part.stat().st_size)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(starting, 5)
        assert "idle" in repr(server)

    try:
        asyncio.run(main())
    finally:
        gate.opened.set()
    eventually("the thread is gone", lambda: not _threads())
    assert not (store / DEFAULT).exists(), "it went on although nobody waits"
    with DevServer() as server:
        assert server.status().version == DEFAULT
    # What had come by then was gone on with, or was all of it.
    assert all(asked.range for asked in released.asked_for("archive")[1:])


@pytest.mark.usefixtures("nowhere")
def test_a_start_whose_handle_is_closed_ends_at_once(released: Service, store: Path) -> None:
    gate = Gate()
    released.faults.append(gate)
    server = DevServer()
    ended: list[BaseException] = []

    def start() -> None:
        try:
            server.start()
        except NotRunningError as error:
            ended.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    try:
        assert gate.reached.wait(20)
        server.close()
        starting.join(5)
        assert not starting.is_alive(), "it waits for a download that nobody wants any more"
        assert len(ended) == 1
    finally:
        gate.opened.set()
    eventually("the thread is gone", lambda: not _threads())
    assert not (store / DEFAULT).exists()
    with server:
        assert server.status().version == DEFAULT


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name == "temporal-devserver-install"]


@pytest.mark.usefixtures("nowhere")
def test_ctrl_c_interrupts_a_blocking_start(released: Service) -> None:
    gate = Gate()
    released.faults.append(gate)

    def press() -> None:
        gate.reached.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    pressed = threading.Thread(target=press)
    pressed.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            DevServer().start()
    finally:
        gate.opened.set()
        pressed.join()
    gc.collect()


def test_without_one_and_without_a_network_both_are_told(
    service: Service, nowhere: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match=f"there is no temporal {DEFAULT} for") as caught:
        DevServer().start()
    missing = caught.value.__context__
    while not isinstance(missing, ExecutableNotFoundError):
        assert missing is not None
        missing = missing.__context__
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")
    asked = len(service.asked)
    with pytest.raises(ExecutableNotFoundError) as offline:
        DevServer().start()
    for part in (nowhere / "temporal", store / DEFAULT / "temporal", "/usr/bin/temporal"):
        assert str(part) in offline.value.searched
    for way in ("pip install", "`temporal-devserver install`", "`executable=`", "_EXECUTABLE"):
        assert way in offline.value.remedy
    with pytest.raises(ExecutableNotFoundError, match=r"run `temporal-devserver install 1\.2\.3`"):
        DevServer(version=V).start()
    assert len(service.asked) == asked


def test_what_the_user_has_named_is_never_replaced(
    released: Service, nowhere: Path, fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in ({"executable": nowhere}, {"executable": fake_temporal, "version": V}):
        with pytest.raises(ExecutableNotFoundError) as caught:
            DevServer(**options).start()
        assert caught.value.installable is None
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(nowhere))
    with pytest.raises(ExecutableNotFoundError):
        DevServer().start()
    assert not released.asked


def test_the_command_run(released: Service) -> None:
    ended = cli("run", "--server-version", V, "--", "sh", "-c", "echo up at $TEMPORAL_ADDRESS")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("up at 127.0.0.1:")
    assert ended.stderr.startswith("no `temporal` executable is installed: getting 1.2.3\n")
    again = cli("run", "--server-version", V, "--", "true")
    assert (again.returncode, again.stderr) == (0, "")
    del released.archives["1.2.4"]
    failed = cli("run", "--server-version", "1.2.4", "--", "echo", "never")
    assert (failed.returncode, failed.stdout) == (1, "")
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("temporal-devserver: temporal 1.2.4 was not installed: ")


def test_ctrl_c_interrupts_the_download_of_run(released: Service) -> None:
    gate = Gate()
    released.faults.append(gate)
    command = [CLI, "run", "--server-version", V, "--", "echo", "never"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert gate.reached.wait(20)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            gate.opened.set()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("temporal-devserver: interrupted; ")
    assert "Traceback" not in err


def test_the_command_run_offline(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")
    ended = cli("run", "--server-version", V, "--", "true")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("temporal-devserver: no `temporal` executable of version 1.2.3;")
    assert ended.stderr.count("\n") == 1
    assert not service.asked


HIDE = """
from temporal_devserver import _launcher
_launcher._scripts = lambda: ["/no/such/place"]
"""

TEST = """
@pytest.mark.parametrize("number", range(4))
def test_one(temporal_server, number):
    tell(temporal_server.name, temporal_server.status().version)
    meet(2)  # so that both workers have one
"""


@pytest.mark.parametrize("keys", [{}, {"temporal_version": V}], ids=["any", V])
@pytest.mark.usefixtures("_sdk", "nowhere")
def test_a_run_of_pytest(
    released: Service, keys: dict[str, str], fake_temporal: Path, pytester: pytest.Pytester
) -> None:
    suite = Suite(pytester, fake_temporal)
    suite.ini(**keys)
    suite.file("conftest.py", HIDE)
    suite.tests(TEST)
    suite.run("-n2").assert_outcomes(passed=4)
    told = suite.told()
    assert {version for _, version in told} == {keys.get("temporal_version", DEFAULT)}
    assert len({name for name, _ in told}) == 1
    assert len(released.asked_for("archive")) == 1


@pytest.mark.real_server
@pytest.mark.usefixtures("nowhere")
def test_the_real_executable(service: Service, real_temporal: Path) -> None:
    service.archives[DEFAULT] = archive(
        ("LICENSE", b"MIT"), ("temporal", real_temporal.read_bytes()), compressed=0
    )
    with DevServer() as server:
        assert server.status().version == DEFAULT
        server.kill()
        assert server.wait_ready(20).state == "ready"
