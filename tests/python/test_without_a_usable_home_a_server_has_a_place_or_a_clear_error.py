"""No HOME, no XDG variables, none that exists, read-only ones, and a user whom nobody knows."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor_support import doctor
from foreign_worlds import as_init, as_nobody_known, with_read_only
from oracle import MAY_STAY
from support import Host, Sandbox

PROGRAM = """
import json, os, sys
from temporal_devserver import StateDirError
def place(*name, **options):
    try:
        with DevServer(*name, executable=sys.argv[1], **options) as server:
            assert server.status().state == "ready"
            server.kill()
            return str(server.wait_ready(20).log_path)
    except StateDirError as error:
        return str(error)
ours = f"temporal-devserver-{os.getuid()}-{os.stat('/proc/self/ns/pid').st_ino}"
common = "/tmp" if os.access("/tmp", os.W_OK) else os.environ.get("TMPDIR", "/tmp")
runtime = os.path.join(common, ours)
print(json.dumps([runtime, place(), place("odd", db=True)]), flush=True)
"""
REMEDY = "set TEMPORAL_DEVSERVER_STATE_DIR to one of your own on a local disk"


class World:
    """A home, runs of a program with little in its environment, and what these leave in `/tmp`."""

    def __init__(self, sandbox: Sandbox, executable: Path) -> None:
        self.executable = executable
        self.tmp = sandbox.tmp
        self.home = sandbox.root / "home"
        self.runtime = Path("/none")

    def places(self, through: list[str], **environment: object) -> list[str]:
        """Returns where a private and a named server were, or what was said of them."""
        variables = {"TMPDIR": str(self.tmp), **{key: str(environment[key]) for key in environment}}
        options: dict[str, Any] = {"env": variables, "cwd": self.home.parent}
        with Host(PROGRAM, str(self.executable), through=through, **options) as host:
            runtime, private, named = host.told()
            self.runtime = Path(runtime)
            assert host.wait() == 0
        return [private, named]

    def left(self) -> list[str]:
        """Returns what has no business in the runtime directory any more."""
        files = [path for path in self.runtime.rglob("*") if not path.is_dir()]
        names = [str(path.relative_to(self.runtime)) for path in files]
        return [name for name in names if not MAY_STAY.fullmatch(name)]


@pytest.fixture
def world(sandbox: Sandbox, fake_temporal: Path) -> Iterator[World]:
    """A world with the fake server, whose runtime directory is looked at and removed."""
    world = World(sandbox, fake_temporal)
    world.home.mkdir()
    yield world
    assert world.left() == []
    if world.runtime.exists():
        shutil.rmtree(world.runtime)


@pytest.mark.parametrize("home", [None, "", "relative/home"], ids=["none", "empty", "relative"])
def test_no_home(world: World, home: str | None) -> None:
    before = sorted(world.home.parent.iterdir())
    variables = {} if home is None else {"HOME": home}
    private, named = world.places(as_nobody_known(), **variables)
    assert private.startswith(f"{world.runtime}/private/")
    assert "there is no HOME" in named
    assert named.endswith("or leave the name out (a private server needs none)")
    assert sorted(world.home.parent.iterdir()) == before, "a relative home is no home"


@pytest.mark.real_server
def test_a_user_whom_nobody_knows(world: World, real_temporal: Path, cache: Path) -> None:
    """As containers have them: no entry in `/etc/passwd`, no USER, no HOME, no PATH."""
    world.executable = real_temporal
    private, _ = world.places(as_nobody_known(), TEMPORAL_DEVSERVER_CACHE_DIR=cache)
    assert private.startswith(f"{world.runtime}/private/")


def test_a_home_that_does_not_exist_yet(world: World) -> None:
    home = world.home / "me"
    private, named = world.places(as_init(), HOME=home)
    assert private.startswith(f"{world.runtime}/private/")
    assert named == str(home / ".local/state/temporal-devserver/servers/odd/server.log")
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("variable", ["HOME", "XDG_STATE_HOME"])
@pytest.mark.parametrize("is_used", [False, True], ids=["new", "used"])
def test_a_home_that_is_read_only(world: World, variable: str, *, is_used: bool) -> None:
    shut, variables = world.home, {"HOME": world.home / "open", variable: world.home}
    if is_used:
        assert world.places(as_init(), **variables)[1].endswith("/servers/odd/server.log")
        shutil.rmtree(world.runtime)
    private, named = world.places(with_read_only(shut), **variables)
    assert private.startswith(f"{world.runtime}/private/")
    assert "Read-only file system" in named
    assert named.endswith(REMEDY)


def test_a_runtime_directory_that_is_read_only(world: World) -> None:
    (world.home.parent / "state").mkdir(mode=0o700)
    state = {"XDG_STATE_HOME": world.home.parent / "state"}
    private, named = world.places(with_read_only(world.home), XDG_RUNTIME_DIR=world.home, **state)
    for told in (private, named):
        assert "Read-only file system" in told
        assert told.endswith(REMEDY)


def test_a_temporary_directory_that_is_read_only(world: World, sandbox: Sandbox) -> None:
    private, named = world.places(with_read_only(sandbox.tmp), HOME=world.home)
    assert private.endswith("set TMPDIR to one of your own on a local disk")
    assert named.startswith(str(world.home)), "kept data does not lie there"


def test_a_common_temporary_directory_that_is_read_only(world: World, sandbox: Sandbox) -> None:
    """`/tmp` cannot be written to, and `TMPDIR` can: then that is the place, of all programs."""
    through = read_only_tmp(sandbox)
    private, named = world.places(through, HOME=world.home)
    assert private.startswith(f"{sandbox.tmp}/temporal-devserver-")
    assert named.startswith(str(world.home))


def test_doctor_shows_the_place_of_private_servers(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_DEVSERVER_STATE_DIR")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    for through, place in ((as_init(), "/tmp"), (read_only_tmp(sandbox), str(sandbox.tmp))):
        looked = {look["area"]: look["at"] for look in doctor(through=through)["looked"]}
        expected = f"private servers {place}/temporal-devserver-{os.getuid()}-"
        assert expected in looked["directories"]


def read_only_tmp(sandbox: Sandbox) -> list[str]:
    """Returns what runs a program for which `/tmp` is read-only, but for the sandbox."""
    shell = (
        'mount --bind "$0" /mnt && mount --bind /tmp /tmp'
        ' && mount -o remount,bind,ro,nosuid,nodev /tmp && mount --bind /mnt "$0" && exec "$@"'
    )
    return [*as_init(), "sh", "-c", shell, str(sandbox.root)]
