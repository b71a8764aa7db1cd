"""Closed standard streams, ignored SIGCHLD, odd umask, no current directory, signal handlers."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support import START, Host, Sandbox, eventually, is_alive
from temporal_devserver import DevServer, SharedServerError

NO_PIDFD = """
import ctypes, struct
steps = [  # pidfd_open and pidfd_send_signal do not exist; all else does
    (0x20, 0, 0, 0), (0x15, 2, 0, 434), (0x15, 1, 0, 424), (0x06, 0, 0, 0x7FFF0000),
    (0x06, 0, 0, 0x50026),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))) == 0
"""
"""A seccomp filter, as an old container runtime has one."""

NO_NETLINK = NO_PIDFD.replace(
    "(0x15, 2, 0, 434), (0x15, 1, 0, 424), (0x06, 0, 0, 0x7FFF0000),",
    "(0x15, 0, 2, 41), (0x20, 0, 0, 16), (0x15, 1, 0, 16), (0x06, 0, 0, 0x7FFF0000),",
).replace("pidfd_open and pidfd_send_signal do not exist", "socket(AF_NETLINK, ..) is refused")

PREAMBLES = {
    "closed streams": "os.closerange(0, 3)",
    "ignored SIGCHLD": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "a handler of SIGCHLD that reaps": (
        "def reap(*_):\n    with contextlib.suppress(ChildProcessError):\n"
        "        os.waitpid(-1, os.WNOHANG)\nsignal.signal(signal.SIGCHLD, reap)"
    ),
    "umask 777": "os.umask(0o777)",
    "umask 0": "os.umask(0)",
    "no current directory": "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
    "blocked signals": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "ignored TERM": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "few descriptors": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))",
    "no pidfd": NO_PIDFD,
    "no netlink": NO_NETLINK,
    "many descriptors": "[os.dup(0) for _ in range(900)]",
    "a large environment": "os.environ['LARGE'] = 'x' * 100000",
    "odd environment": "os.environb[b'ODD\\xff'] = b'\\xff\\n='",
    "a thread that starts it": "",
}

PROGRAM = """
import contextlib, os, pathlib, signal, sys, tempfile, threading, time
def main():
    with DevServer("odd", executable=sys.argv[1], db=True) as server:
        before = server.status()
        assert before.state == "ready"
        os.kill(before.supervisor_pid, signal.SIGKILL)
        while server.status().supervisor_pid == before.supervisor_pid:
            time.sleep(0.005)
        assert server.wait_ready(20).address == before.address
        server.stop()
    pathlib.Path(sys.argv[2]).write_text("done")
"""


@pytest.mark.parametrize("preamble", PREAMBLES)
def test_host(fake_temporal: Path, sandbox: Sandbox, preamble: str) -> None:
    done = sandbox.root / "done"
    run = "t = threading.Thread(target=main); t.start(); t.join()"
    if not preamble.startswith("a thread"):
        run = "main()"
    program = f"{PROGRAM}\n{PREAMBLES[preamble]}\n{run}\n"
    with Host(program, str(fake_temporal), str(done)) as host:
        assert host.wait(30) == 0
    done.chmod(0o600)
    assert done.read_text() == "done"


def test_an_orphan_is_ended_where_pidfds_are_refused(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server forked outlives the supervisor that is killed, and holds the locks."""
    monkeypatch.setenv("FAKE_TEMPORAL", "fork=other")
    done = sandbox.root / "done"
    with Host(f"{PROGRAM}\n{NO_PIDFD}\nmain()\n", str(fake_temporal), str(done)) as host:
        assert host.wait(30) == 0
    assert "orphan" in (sandbox.directory("odd") / "supervisor.log").read_text()


def test_children_of_the_host_hold_nothing(fake_temporal: Path, sandbox: Sandbox) -> None:
    program = """
import json, subprocess, sys, time
server = DevServer(executable=sys.argv[1])
server.start()
child = subprocess.Popen(["/bin/sleep", "100"], close_fds=False, env={}, start_new_session=True)
print(json.dumps(child.pid), flush=True)
time.sleep(100)
"""
    with Host(program, str(fake_temporal)) as host:
        child = host.told()
        host.process.kill()
        host.process.wait()
        try:
            eventually("all is gone", lambda: not sandbox.processes() and not sandbox.left())
            assert is_alive(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_host_that_becomes_another_program_gives_up_its_lease(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    program = """
import json, os, sys
server = DevServer(executable=sys.argv[1])
server.start()
print(json.dumps(1), flush=True)
os.execve("/bin/sleep", ["sleep", "100"], {})
"""
    with Host(program, str(fake_temporal)) as host:
        host.told()
        eventually("all is gone", lambda: not sandbox.processes() and not sandbox.left())
        assert host.process.poll() is None


@pytest.mark.long
def test_a_signal_handler_may_use_the_handle(fake_temporal: Path) -> None:
    program = """
import signal, sys, json
server = DevServer(executable=sys.argv[1], watch=sys.argv[2] == "watch")
server.start()
calls = 0
def use(*_):
    global calls
    calls += 1
    if calls % 3 == 0:
        server.list_namespaces()
    elif calls % 3 == 1:
        server.status()
    else:
        with DevServer(executable=sys.argv[1], watch=sys.argv[2] == "watch", start_timeout=20):
            pass
    signal.setitimer(signal.ITIMER_REAL, 0.0007)
signal.signal(signal.SIGALRM, use)
signal.setitimer(signal.ITIMER_REAL, 0.0007)
import time
until = time.monotonic() + 3
while time.monotonic() < until:
    server.status()
    with DevServer(executable=sys.argv[1]):
        pass
signal.signal(signal.SIGALRM, signal.SIG_IGN)
server.close()
print(json.dumps(calls), flush=True)
"""
    for watch in ("watch", "no"):
        with Host(program, str(fake_temporal), watch) as host:
            assert host.told() > 3
            assert host.wait() == 0


def test_handles_that_are_collected_in_any_thread(fake_temporal: Path, sandbox: Sandbox) -> None:
    def drop() -> None:
        server = DevServer(executable=fake_temporal)
        server.start()
        cycle: list[object] = [server]
        cycle.append(cycle)

    with pytest.warns(ResourceWarning, match="never closed"):
        for _ in range(3):
            threading.Thread(target=drop).start()
            drop()
        eventually("only this thread", lambda: threading.active_count() <= 2)
        gc.collect()
    eventually("nothing is left", lambda: not sandbox.processes() and not sandbox.left())


def test_a_removed_directory_loses_no_process(fake_temporal: Path, sandbox: Sandbox) -> None:
    with DevServer(executable=fake_temporal) as server:
        assert server.status().state == "ready"
        shutil.rmtree(sandbox.state)
        shutil.rmtree(sandbox.tmp)
        sandbox.tmp.mkdir()
    eventually("nothing is left", lambda: not sandbox.processes())


def test_a_pause_ends_with_its_lease(fake_temporal: Path) -> None:
    with DevServer("paused", executable=fake_temporal) as one:
        two = DevServer("paused")
        two.start()
        with pytest.raises(SharedServerError, match="pause"):
            two.pause()
        two.pause(force=True)
        assert one.status().state == "paused"
        two.close()
        assert one.wait_ready(20).restarts == 0
        one.pause()
        one.resume()
        assert one.wait_ready(20).restarts == 0
        one.pause()
        one.restart()
        assert one.status().state == "ready"
        one.pause()


def test_a_lingering_server_waits_and_goes(fake_temporal: Path, sandbox: Sandbox) -> None:
    with DevServer("lingering", executable=fake_temporal, linger=0.7) as server:
        pid = server.status().pid
    assert is_alive(pid)
    with DevServer("lingering") as server:
        assert server.status().pid == pid
    eventually("it goes", lambda: not sandbox.processes(), 7)


def test_starts_and_ends_of_many_processes_at_once(fake_temporal: Path, sandbox: Sandbox) -> None:
    program = """
import random, sys, time
for _ in range(12):
    with DevServer("storm", executable=sys.argv[1], db=True) as server:
        assert server.status().state in ("ready", "starting", "restarting"), server.status()
        time.sleep(random.random() / 50)
"""
    hosts = [Host(program, str(fake_temporal)) for _ in range(6)]
    assert [host.wait(50) for host in hosts] == [0] * 6
    eventually("nothing is left", lambda: not sandbox.processes())


def test_a_kept_database_that_ignores_term_is_stopped(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "ignore_term")
    with DevServer("stubborn", executable=fake_temporal, db=True, stop_timeout=0.3) as server:
        pid = server.status().pid
        began = time.monotonic()
    eventually("it is dead", lambda: not is_alive(pid))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("group", ["same", "other"])
def test_what_the_server_forked_goes_with_it(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", f"fork={group}")
    with DevServer(executable=fake_temporal) as server:
        assert len(sandbox.processes()) == 3
        server.kill()
        server.wait_ready(20)
        eventually("the first one's child is gone", lambda: len(sandbox.processes()) == 3, 5)
    eventually("nothing is left", lambda: not sandbox.processes(), 5)


def test_isolated_interpreters(fake_temporal: Path, sandbox: Sandbox) -> None:
    """Variables that would break an interpreter do not reach the supervisor's."""
    trap = sandbox.root / "trap"
    trap.mkdir()
    for name in ("json", "os", "sitecustomize"):
        (trap / f"{name}.py").write_text("raise SystemExit('trapped')")
    program = (
        "import os, sys\nos.environ.update(PYTHONPATH=sys.argv[2], PYTHONHOME='/none')\n"
        "with DevServer(executable=sys.argv[1]) as server: server.restart()"
    )
    done = subprocess.run(
        [sys.executable, "-c", START + program, str(fake_temporal), str(trap)],
        check=False,
        capture_output=True,
        timeout=30,
    )
    assert (done.returncode, b"trapped" in done.stderr) == (0, False)
