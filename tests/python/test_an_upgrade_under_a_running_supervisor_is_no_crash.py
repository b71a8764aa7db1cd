"""The package is replaced while a supervisor and a client of the old one run.

The old ones go on, a new client attaches, and a killed supervisor is healed with the new code. The
new version is the old one with another number in it.
"""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import temporal_devserver
from cli_support import cli
from foreign_worlds import make_venv, package_of
from support import Host, Sandbox, eventually, is_alive
from temporal_devserver import _core

OLD, NEW = temporal_devserver.__version__, "9.9.9"
LIBRARY = Path(_core.__file__).name

PROGRAM = """
import json, sys, temporal_devserver
options = {"namespaces": sys.argv[2:]} if sys.argv[2:] else {}
with DevServer("upgraded", executable=sys.argv[1], db=True, linger=60, **options) as server:
    while True:
        status, names = server.wait_ready(20), sorted(server.list_namespaces())
        told = [temporal_devserver.__version__, status.pid, status.supervisor_pid, status.address]
        print(json.dumps([*told, names]), flush=True)
        if sys.stdin.readline() != "\\n":
            break
"""


def as_pip_does(package: Path, new: bytes) -> None:
    """Everything old is removed, and everything new is written: other inodes."""
    aside = package.with_name("~emporal_devserver")
    package.rename(aside)
    shutil.copytree(Path(temporal_devserver.__file__).parent, package)
    (package / LIBRARY).unlink()
    (package / LIBRARY).write_bytes(new)
    shutil.rmtree(aside)


def in_place(package: Path, new: bytes) -> None:
    """The same inode, which both old processes have mapped."""
    with (package / LIBRARY).open("r+b") as library:
        library.write(new)


def another_build() -> bytes:
    """Returns the compiled module with another version in it."""
    old = Path(_core.__file__).read_bytes()
    assert old.count(OLD.encode()) == 1
    return old.replace(OLD.encode(), NEW.encode())


def has_loaded(pid: int, library: Path) -> bool:
    """Tells whether a process runs the code of this very file."""
    inode = str(library.stat().st_ino)
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    return any(fields[4] == inode and fields[1] == "r-xp" for fields in maps)


def reads(pid: int, pipe: Path) -> bool:
    """Tells whether a process has the pipe open."""
    with contextlib.suppress(OSError):  # it has just ended
        return any(fd.exists() and fd.samefile(pipe) for fd in Path(f"/proc/{pid}/fd").iterdir())
    return False


def fails_to_load(sandbox: Sandbox, pipe: Path) -> None:
    """Waits for an interpreter that reads the pipe, lets it find nothing there, and sees it end."""
    writer = os.open(pipe, os.O_WRONLY)  # returns once there is a reader
    (reader,) = eventually(
        "it has its descriptor",
        lambda: [pid for pid in sandbox.processes() if reads(pid, pipe)],
    )
    os.close(writer)
    eventually("it has ended", lambda: not is_alive(reader))


@pytest.fixture
def venv(sandbox: Sandbox) -> Iterator[Path]:
    """An environment with the package of now; what lingers after the test is stopped."""
    yield make_venv(sandbox.root / "venv")
    assert cli("stop", "upgraded").returncode == 0


@pytest.mark.parametrize("way", [as_pip_does, in_place])
def test_a_package_in_use(
    fake_temporal: Path, venv: Path, way: Callable[[Path, bytes], None]
) -> None:
    library, python = package_of(venv) / LIBRARY, str(venv / "bin/python")
    with Host(PROGRAM, str(fake_temporal), "data", python=python) as old:
        version, pid, supervisor, address, names = old.told()
        assert (version, names) == (OLD, ["data", "default"])
        way(package_of(venv), another_build())
        with Host(PROGRAM, str(fake_temporal), python=python) as new:
            assert new.told() == [NEW, pid, supervisor, address, names]
            os.kill(supervisor, signal.SIGKILL)
            eventually("it is dead", lambda: not is_alive(supervisor))
            for host, known in ((old, OLD), (new, NEW)):
                host.go_on()
                version, _, healed, same, kept = host.told()
                assert (version, same, kept) == (known, address, names)
                assert healed != supervisor
                assert has_loaded(healed, library)
            assert [new.wait(), old.wait()] == [0, 0]


def test_a_supervisor_that_is_lost_while_the_package_is_away(
    fake_temporal: Path, sandbox: Sandbox, venv: Path
) -> None:
    """An interpreter that loads the module meets a pipe in its place, so each try is seen."""
    library, pipe = package_of(venv) / LIBRARY, sandbox.root / "pipe"
    os.mkfifo(pipe)
    with Host(PROGRAM, str(fake_temporal), python=str(venv / "bin/python")) as host:
        _, _, supervisor, address, _ = host.told()
        library.unlink()
        os.link(pipe, library)
        os.kill(supervisor, signal.SIGKILL)
        for _ in range(5):
            fails_to_load(sandbox, library)
        as_pip_does(package_of(venv), another_build())
        os.close(os.open(pipe, os.O_RDWR))  # whoever waits there already
        host.go_on()
        _, _, healed, same, _ = host.told()
        assert same == address
        assert has_loaded(healed, library)


def test_a_copy_that_stops_half_way(fake_temporal: Path, venv: Path) -> None:
    """The kernel ends whoever runs code that was cut off: mended as after any kill."""
    library, python = package_of(venv) / LIBRARY, str(venv / "bin/python")
    with Host(PROGRAM, str(fake_temporal), python=python) as old:
        _, pid, supervisor, *_ = old.told()
        assert old.wait() == 0
    assert is_alive(supervisor)
    os.truncate(library, 4096)
    eventually("both are dead", lambda: not is_alive(supervisor) and not is_alive(pid))
    in_place(package_of(venv), another_build())
    with Host(PROGRAM, str(fake_temporal), python=python) as new:
        version, *_ = new.told()
        assert version == NEW
