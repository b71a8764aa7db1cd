"""Bad input: the right class, a message that ends with what to do, nothing lost, nothing left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support import Sandbox, accepts, eventually, free_port, listening, stranger
from temporal_devserver import (
    ConfigError,
    CrashLoopError,
    DatabaseError,
    DevServer,
    DevServerError,
    ExecutableNotFoundError,
    OptionsConflictError,
    PortInUseError,
    StartError,
    StartTimeoutError,
    StateDirError,
    SupervisorError,
    _launcher,
)


def refused(expected: type[DevServerError], *name: str, **options: Any) -> str:
    """Starts, expects the error in good time, and returns its message."""
    began = time.monotonic()
    with pytest.raises(expected) as caught:
        DevServer(*name, **options).start()
    assert time.monotonic() - began < 15
    message = str(caught.value)
    assert type(caught.value) is expected
    last = message.rpartition("; ")[2]
    assert len(last.split()) >= 2, f"no remedy: {message}"
    return message


# Executables.


def test_missing_executable(sandbox: Sandbox) -> None:
    path = sandbox.root / "nothing"
    assert str(path) in refused(ExecutableNotFoundError, executable=path)


def test_executable_that_is_none(sandbox: Sandbox) -> None:
    path = sandbox.root / "text"
    path.write_text("hello")
    assert str(path) in refused(ExecutableNotFoundError, executable=path)
    assert str(sandbox.root) in refused(ExecutableNotFoundError, executable=sandbox.root)


@pytest.mark.parametrize("path", ["/bin/true", "/bin/false", "/bin/cat"])
def test_executable_that_is_not_temporal(path: str) -> None:
    assert path in refused(ExecutableNotFoundError, executable=path)


def script(sandbox: Sandbox, text: str) -> Path:
    """Makes an executable script."""
    path = sandbox.root / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_executable_that_hangs(sandbox: Sandbox) -> None:
    path = script(sandbox, "sleep 100")
    refused(StartTimeoutError, executable=path, start_timeout=1.5)
    eventually("the executable is ended", lambda: not sandbox.processes(), 2)


def test_executable_that_is_not_for_this_machine(sandbox: Sandbox) -> None:
    path = sandbox.root / "elf"
    path.write_bytes(b"\x7fELF" + bytes(100))
    path.chmod(0o755)
    refused(ExecutableNotFoundError, executable=path)


def test_version_that_is_not_there(fake_temporal: Path) -> None:
    assert "9.9.9" in refused(ExecutableNotFoundError, executable=fake_temporal, version="1.2.3")


def test_nothing_found_lists_every_place(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("PATH", str(sandbox.root))
    monkeypatch.setattr(_launcher, "_scripts", lambda: [str(sandbox.root / "scripts")])
    _launcher.launcher.cache_clear()
    try:
        message = refused(ExecutableNotFoundError)
    finally:
        _launcher.launcher.cache_clear()
    for part in (
        "TEMPORAL_DEVSERVER_EXECUTABLE",
        "[server]",
        "scripts",
        f"{sandbox.root}/temporal",
    ):
        assert part in message


# Ports and addresses.


@pytest.mark.parametrize("role", ["port", "http_port", "metrics_port", "ui_port"])
def test_pinned_port_is_held(fake_temporal: Path, role: str) -> None:
    with listening() as port:
        options: dict[str, Any] = {role: port, "ui": True}
        message = refused(PortInUseError, executable=fake_temporal, **options)
    for part in (str(port), f"({role})", str(os.getpid()), "python"):
        assert part in message


@pytest.mark.real_server
def test_foreign_temporal_on_the_port(real_temporal: Path, sandbox: Sandbox) -> None:
    port = free_port()
    argv = [str(real_temporal), "server", "start-dev", "--headless", "--port", str(port)]
    with stranger(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as foreign:
        eventually("it listens", lambda: accepts(f"127.0.0.1:{port}"), 20)
        message = refused(PortInUseError, executable=real_temporal, port=port)
        assert str(foreign.pid) in message
        assert "start-dev" in message
        with DevServer(executable=real_temporal) as server:
            assert server.status().pid != foreign.pid
        assert foreign.poll() is None
    assert not sandbox.processes()


@pytest.mark.long
def test_foreign_temporal_that_takes_the_port_while_ours_starts(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that answers is not yet a server that is ours."""
    monkeypatch.setenv("FAKE_TEMPORAL", "ready_after=60")
    server = DevServer(executable=fake_temporal, start_timeout=3)
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(server.start)
        ours = eventually("ours starts", sandbox.servers)[0]
        argv = Path(f"/proc/{ours}/cmdline").read_text().split("\0")[:-1]
        port = argv[argv.index("--port") + 1]
        for flag in ("--http-port", "--metrics-port"):
            with listening() as free:
                argv[argv.index(flag) + 1] = str(free)
        database = argv.index("--db-filename") + 1
        argv[database] = shutil.copy(argv[database], str(sandbox.root / "foreign.db"))
        with stranger(argv, env={}, stderr=subprocess.DEVNULL):
            eventually("the foreign one answers", lambda: accepts(f"127.0.0.1:{port}"))
            with pytest.raises(StartTimeoutError) as caught:
                start.result(20)
    assert f"port {port} is answered by a process that is not ours" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"ip": "127.0.0.2"}, "ip"),
        ({"ip": "::1"}, "ip"),
        ({"ip": "example.org"}, "ip"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "port"),
        ({"port": "many"}, "port"),
        ({"port": 7000, "http_port": 7000}, "http_port"),
        ({"ui": False, "ui_port": 8233}, "ui_port"),
        ({"nonsense": 1}, "nonsense"),
        ({"db": False}, "db"),
        ({"db": 7}, "db"),
        ({"db": b"orders.db"}, "db"),
        ({"db": "/tmp/\udcff.db"}, "db"),
        ({"state_dir": "/tmp/\udcff"}, "state_dir"),
        ({"namespaces": ["\udcff"]}, "namespaces"),
        ({"namespaces": ["x" * 2000]}, "namespaces"),
        ({"linger": 1e300}, "linger"),
        ({"dynamic_config": {"a\0": 1}}, "dynamic_config"),
        ({"log_level": "loud"}, "log_level"),
        ({"start_timeout": -1}, "start_timeout"),
        ({"start_timeout": float("nan")}, "start_timeout"),
        ({"linger": "long"}, "linger"),
        ({"health": {"interval": 0}}, "health"),
        ({"health": {"patience": 1}}, "health"),
        ({"restart": {"limit": -1}}, "restart"),
        ({"namespaces": ["a b"]}, "namespaces"),
        ({"namespaces": "abc"}, "namespaces"),
        ({"search_attributes": {"x": "Number"}}, "search_attributes"),
        ({"search_attributes": 5}, "search_attributes"),
        ({"dynamic_config": {"a": object()}}, "dynamic_config"),
        ({"extra_args": ["--port", "1"]}, "extra_args"),
        ({"extra_args": ["--port=1"]}, "extra_args"),
        ({"extra_args": ["-p1"]}, "extra_args"),
        ({"extra_args": ["-f", "x.db"]}, "extra_args"),
        ({"extra_args": ["--sqlite-pragma", "journal_mode=off"]}, "extra_args"),
        ({"extra_args": ["--disable-config-file=false"]}, "extra_args"),
        ({"extra_args": "--log-config"}, "extra_args"),
    ],
)
def test_value_that_cannot_work(
    fake_temporal: Path, sandbox: Sandbox, options: dict[str, Any], word: str
) -> None:
    message = refused(ConfigError, **{"executable": fake_temporal, **options})
    assert f"`{word}`" in message
    assert len(message) < 500
    assert not sandbox.processes()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\0b", "x" * 300, "a b\n", "\udcff", 7, b"a"])
def test_name_that_cannot_work(name: Any) -> None:
    refused(ConfigError, name)


def test_argument_of_a_verb_that_cannot_work(fake_temporal: Path) -> None:
    with DevServer(executable=fake_temporal) as server:
        for name in (7, "\udcff", None, "a b"):
            with pytest.raises(ConfigError, match="; "):
                server.create_namespace(name)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="retention"):
            server.create_namespace("a", retention=-1)


def test_argument_that_the_server_does_not_know(fake_temporal: Path) -> None:
    message = refused(ConfigError, executable=fake_temporal, extra_args=["--odd"])
    assert message.startswith("option `extra_args`: unknown flag: --odd, says temporal 9.9.9; ")


# Databases.


def test_database_in_a_missing_folder(fake_temporal: Path, sandbox: Sandbox) -> None:
    path = sandbox.root / "no" / "x.db"
    assert str(path) in refused(DatabaseError, executable=fake_temporal, db=path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_database_in_a_read_only_folder(fake_temporal: Path, sandbox: Sandbox) -> None:
    folder = sandbox.root / "closed"
    folder.mkdir(mode=0o500)
    refused(DatabaseError, executable=fake_temporal, db=folder / "x.db")


def test_database_on_a_read_only_file_system(fake_temporal: Path) -> None:
    refused(DatabaseError, executable=fake_temporal, db="/proc/x.db")


def test_file_that_is_no_database(fake_temporal: Path, sandbox: Sandbox) -> None:
    path = sandbox.root / "notes.txt"
    path.write_text("my only copy")
    assert str(path) in refused(DatabaseError, executable=fake_temporal, db=path)
    refused(DatabaseError, executable=fake_temporal, db=sandbox.root)
    assert path.read_text() == "my only copy"


@pytest.mark.long
def test_two_names_on_one_database(fake_temporal: Path, sandbox: Sandbox) -> None:
    path = sandbox.root / "one.db"
    link = sandbox.root / "link.db"
    link.symlink_to(path)
    with DevServer("first", executable=fake_temporal, db=path) as first:
        message = refused(DatabaseError, "second", executable=fake_temporal, db=link)
        assert "`first`" in message
        assert str(first.status().supervisor_pid) in message
        assert first.status().restarts == 0


# One name, other options.


def test_conflict_lists_the_differences(fake_temporal: Path, sandbox: Sandbox) -> None:
    with DevServer("one", executable=fake_temporal, ui=True, namespaces=["a"]) as server:
        message = refused(
            OptionsConflictError, "one", ui=False, db=sandbox.root / "x.db", log_level="debug"
        )
        for part in ("ui", "db", "log_level", "debug", "true", "x.db"):
            assert part in message
        assert "executable" not in message
        with DevServer("one", ui=True, namespaces=["b"], linger=0) as same:
            assert same.status().pid == server.status().pid
            assert set(same.list_namespaces()) >= {"a", "b"}


# State directories.


def test_state_directory_that_others_may_write(fake_temporal: Path, sandbox: Sandbox) -> None:
    sandbox.state.mkdir()
    sandbox.state.chmod(0o777)
    message = refused(StateDirError, "named", executable=fake_temporal)
    assert str(sandbox.state) in message


def test_state_directory_that_is_a_link(fake_temporal: Path, sandbox: Sandbox) -> None:
    (sandbox.root / "real").mkdir(mode=0o700)
    sandbox.state.symlink_to(sandbox.root / "real")
    refused(StateDirError, "named", executable=fake_temporal)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_state_directory_of_someone_else(fake_temporal: Path, sandbox: Sandbox) -> None:
    sandbox.state.mkdir(mode=0o700)
    os.chown(sandbox.state, 12345, 12345)
    refused(StateDirError, "named", executable=fake_temporal)


def test_state_directory_that_is_a_file(fake_temporal: Path, sandbox: Sandbox) -> None:
    sandbox.state.write_text("")
    refused(StateDirError, "named", executable=fake_temporal)


def test_no_home(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    for variable in ("TEMPORAL_DEVSERVER_STATE_DIR", "HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(sandbox.root))
    with DevServer(executable=fake_temporal) as server:
        assert server.status().state == "ready"
    monkeypatch.setenv("HOME", "/proc/none")
    message = refused(StateDirError, "named", executable=fake_temporal)
    assert "TEMPORAL_DEVSERVER_STATE_DIR" in message


@pytest.mark.parametrize(
    "variable", ["STATE_DIR", "CACHE_DIR", "EXECUTABLE", "START_TIMEOUT", "TMPDIR", "HOME"]
)
def test_environment_that_is_not_utf_8(
    fake_temporal: Path, sandbox: Sandbox, variable: str
) -> None:
    name = variable if variable in ("TMPDIR", "HOME") else f"TEMPORAL_DEVSERVER_{variable}"
    odd = os.fsencode(sandbox.root) + b"/\xff"
    os.mkdir(odd, 0o700)
    program = """
import sys
from temporal_devserver import ConfigError, DevServer
try:
    with DevServer(executable=sys.argv[1]) as server:
        print(server.status().state)
except ConfigError as error:
    print(str(error).rpartition("; ")[2])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(fake_temporal)],
        check=True,
        capture_output=True,
        env={**os.environb, name.encode(): odd},
        timeout=30,
    )
    expected = {"HOME": b"ready\n", "START_TIMEOUT": b"set it to a number of seconds, like 60\n"}
    told = b"let HOME, TMPDIR and the XDG_* and TEMPORAL_DEVSERVER_* variables be UTF-8\n"
    assert done.stdout == expected.get(variable, told)
    shutil.rmtree(odd)


def test_home_that_is_read_only(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    for variable in ("TEMPORAL_DEVSERVER_STATE_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("TEMPORAL_DEVSERVER_CACHE_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(sandbox.root))
    monkeypatch.setenv("HOME", "/proc")
    with DevServer(executable=fake_temporal) as server:
        assert server.status().state == "ready"
    refused(StateDirError, "named", executable=fake_temporal)


def test_very_long_path(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = sandbox.root.joinpath(*["d" * 100] * 9)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_STATE_DIR", str(deep))
    with DevServer("long", executable=fake_temporal, db=True) as server:
        server.kill()
        assert server.wait_ready(20).state == "ready"
    with DevServer("long", executable=fake_temporal, state_dir=deep / "other") as server:
        assert server.status().state == "ready"


# Interpreters.


def test_frozen(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _launcher.launcher.cache_clear()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    refused(SupervisorError, executable=fake_temporal)


def test_interpreter_that_is_none(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sandbox.root / "python-in-name"
    shutil.copy("/bin/true", path)
    _launcher.launcher.cache_clear()
    monkeypatch.setattr(sys, "executable", str(path))
    try:
        began = time.monotonic()
        refused(SupervisorError, executable=fake_temporal)
        assert time.monotonic() - began < 10
    finally:
        _launcher.launcher.cache_clear()


# Servers that do not come up.


@pytest.mark.parametrize(
    ("fault", "expected", "word"),
    [
        ("exit_at_once=3", StartError, "exit code 3"),
        ("ready_after=9,exit_after=0.05:7,print=why it ended", StartError, "why it ended"),
        ("never_ready", StartTimeoutError, "SERVING"),
        ("hang", StartTimeoutError, "health"),
    ],
)
def test_server_that_does_not_come_up(
    fake_temporal: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    expected: type[DevServerError],
    word: str,
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", fault)
    if expected is StartError:
        with pytest.raises((StartError, CrashLoopError)) as caught:
            DevServer(executable=fake_temporal).start()
        message = str(caught.value)
    else:
        message = refused(expected, executable=fake_temporal, start_timeout=2)
    assert word in message


def _crash_until_failed(server: DevServer) -> CrashLoopError:
    with pytest.raises(CrashLoopError) as caught:
        for _ in range(20):
            pid = server.wait_ready(20).pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            eventually("noticed", lambda pid=pid: server.status().pid != pid)  # type: ignore[misc]
    return caught.value


def test_failed_after_the_restart_budget(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "print=last words")
    restart: Any = {"limit": 2}
    with DevServer("loop", executable=fake_temporal, restart=restart) as server:
        error = _crash_until_failed(server)
        assert "SIGKILL" in str(error)
        assert "last words" in str(error) + "".join(getattr(error, "log_tail", ()))
        status = server.status()
        assert (status.state, status.pid) == ("failed", None)
        assert status.last_exit is not None
        server.restart()
        assert server.status().state == "ready"
        _crash_until_failed(server)
        with DevServer("loop") as other:
            assert other.wait_ready(20).state == "ready"
        assert server.status().state == "ready"
        _crash_until_failed(server)
        server.start()
        assert server.status().state == "ready"


@pytest.mark.parametrize("remedy", ["again", "mend"])
def test_the_next_start_is_clean(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch, remedy: str
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "exit_at_once=3")
    server = DevServer("mended", executable=fake_temporal)
    with pytest.raises(DevServerError):
        server.start()
    if remedy == "again":
        with pytest.raises(DevServerError):
            server.start()
    monkeypatch.delenv("FAKE_TEMPORAL")
    server.start()
    assert server.status().state == "ready"
    server.close()
