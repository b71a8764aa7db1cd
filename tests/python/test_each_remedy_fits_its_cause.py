"""What an error tells the user to do helps against its cause, on any machine, in any language."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cli_support import cli
from foreign_worlds import as_init, in_namespaces, without_exec
from support import Host
from temporal_devserver import (
    ConfigError,
    DevServer,
    ExecutableNotFoundError,
    ServerExitedError,
    _core,
)

if TYPE_CHECKING:
    from pathlib import Path

    from support import Sandbox

START_IT = """
import json, sys
from temporal_devserver import DevServerError
try:
    with DevServer(executable=sys.argv[1], **json.loads(sys.argv[2])) as server:
        told = server.status().state
except DevServerError as error:
    told = f"{error.code}: {error}"
print(json.dumps(told), flush=True)
"""


def told_in(through: list[str], executable: Path, options: str = "{}") -> str:
    """Returns what a start in another world comes to."""
    with Host(START_IT, str(executable), options, through=through) as host:
        told = str(host.told())
        assert host.wait() == 0
    return told


@pytest.fixture
def mount_point(sandbox: Sandbox) -> Path:
    """An empty directory."""
    directory = sandbox.root / "mount"
    directory.mkdir()
    return directory


def test_an_executable_on_a_noexec_mount_is_told_as_that(
    fake_temporal: Path, mount_point: Path
) -> None:
    told = told_in(without_exec(mount_point, fake_temporal), mount_point / "temporal")
    assert "lies on a file system that is mounted `noexec` (copy it to another one)" in told
    assert "chmod" not in told


def test_an_executable_without_the_permission_is_told_as_that(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    path = sandbox.root / "temporal"
    shutil.copy(fake_temporal, path)
    path.chmod(0o644)
    with pytest.raises(ExecutableNotFoundError, match="chmod \\+x"):
        DevServer(executable=path).start()


def test_a_program_of_another_machine_is_told_as_that(sandbox: Sandbox) -> None:
    path = sandbox.root / "temporal"
    path.write_bytes(b"\x7fELF\0nonsense")
    path.chmod(0o755)
    with pytest.raises(ExecutableNotFoundError, match=r"no program for this machine; .*platform"):
        DevServer(executable=path).start()


def test_a_script_without_its_interpreter_is_told_as_that(sandbox: Sandbox) -> None:
    path = sandbox.root / "temporal"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(ExecutableNotFoundError, match=r"the interpreter .* is not there"):
        DevServer(executable=path).start()


@pytest.mark.parametrize("ip", ["127.0.0.1", "0.0.0.0"])
def test_a_loopback_that_is_down_is_told_with_the_command_that_brings_it_up(
    fake_temporal: Path, ip: str
) -> None:
    world = in_namespaces("--map-root-user", "--net")
    told = told_in(world, fake_temporal, f'{{"ip": "{ip}"}}')
    assert told.endswith("bring it up with `ip link set lo up`")
    assert "use 127.0.0.1" not in told


def test_the_log_of_an_error_begins_with_the_panic(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = "\n".join(f"goroutine {number} [running]:" for number in range(400))
    fault = f"print=panic: no such table: cluster_metadata\n\n{frames},exit_at_once=2"
    monkeypatch.setenv("FAKE_TEMPORAL", fault)
    with pytest.raises(ServerExitedError) as caught:
        DevServer(executable=fake_temporal).start()
    assert caught.value.log_tail[0] == "panic: no such table: cluster_metadata"
    assert "its log ends with:\n  panic: no such table" in str(caught.value)


def test_a_server_that_is_given_up_tells_the_panic_to_who_asks_later(
    fake_temporal: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = sandbox.root / "die"
    frames = "\n".join(f"goroutine {number} [running]:" for number in range(400))
    monkeypatch.setenv("FAKE_TEMPORAL", f"print=panic: it is so\n{frames},exit_if_file={flag}")
    with DevServer(executable=fake_temporal, restart={"limit": 0}) as server:
        flag.touch()
        with pytest.raises(Exception, match="panic: it is so"):
            while True:
                server.wait_ready(20)


@pytest.mark.parametrize("given", [["--odd"], ["--log-config=maybe"], ["nonsense"]], ids=str)
@pytest.mark.real_server
def test_an_argument_that_the_server_refuses_is_named_first_and_tried_once(
    real_temporal: Path, given: list[str], sandbox: Sandbox
) -> None:
    with pytest.raises(ConfigError) as caught:
        DevServer("odd", executable=real_temporal, extra_args=given).start()
    message = str(caught.value)
    assert message.startswith("option `extra_args`: ")
    assert given[0].partition("=")[0] in message.partition(";")[0]
    assert len(message.splitlines()) == 1
    log = (sandbox.directory("odd") / "server.log").read_text()
    assert log.startswith("Error: ")
    assert log.count("Usage:\n") == 1, "one attempt"


IN_GERMAN = """
import ctypes, json, locale, os, resource, struct, sys

def catalogue(path, words):
    # The format of GNU gettext: a table of originals, a table of translations, the strings.
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\\n", **words}.items())
    header = 28 + 16 * len(pairs)
    tables, strings = ([], []), b""
    for column in (0, 1):
        for pair in pairs:
            text = pair[column].encode()
            tables[column].append(struct.pack("<II", len(text), header + len(strings)))
            strings += text + b"\\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, header)
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(head + b"".join(tables[0] + tables[1]) + strings)

where = sys.argv[2]
words = {os.strerror(number): f"Fehler Nummer {number}" for number in (12, 23, 24, 28)}
catalogue(f"{where}/de/LC_MESSAGES/libc.mo", words)
libc = ctypes.CDLL(None)
libc.bindtextdomain.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
libc.bindtextdomain(b"libc", where.encode())
locale.setlocale(locale.LC_ALL, "C.UTF-8")
assert os.strerror(24) == "Fehler Nummer 24", os.strerror(24)

from temporal_devserver import DevServerError
server = DevServer("low", executable=sys.argv[1])
free = os.open("/", os.O_RDONLY)
os.close(free)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
told = []
for more in range(9):
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + more, hard))
    try:
        server.start()
        break
    except DevServerError as error:
        told.append(str(error))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
server.close()
print(json.dumps(told), flush=True)
"""


def test_a_remedy_does_not_depend_on_the_language(fake_temporal: Path, sandbox: Sandbox) -> None:
    environment = {**os.environ, "LANGUAGE": "de", "LC_ALL": "C.UTF-8"}
    arguments = (str(fake_temporal), str(sandbox.root / "words"))
    with Host(IN_GERMAN, *arguments, env=environment) as host:
        told = host.told()
        assert host.wait() == 0
    assert any("Fehler Nummer 24" in message for message in told), told
    for message in told:
        assert message.endswith("raise the limit of open files (`ulimit -n`)")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EMFILE, "raise the limit of open files (`ulimit -n`)"),
        (errno.ENOSPC, "make room on that disk (`df`, `quota`), or look"),
        (errno.EACCES, "look"),
        (-2, "look"),
    ],
)
def test_python_has_its_remedies_from_the_same_table(number: int, remedy: str) -> None:
    assert _core.remedy(number, "look") == remedy


def test_a_disk_that_is_full_is_told_as_that(fake_temporal: Path, mount_point: Path) -> None:
    full = (
        'mount -t tmpfs -o size=64k none "$0" && ! cp /dev/zero "$0/fill" 2>/dev/null && exec "$@"'
    )
    world = [*as_init(), "sh", "-c", full, str(mount_point)]
    told = told_in(world, fake_temporal, f'{{"db": "{mount_point / "x.db"}"}}')
    assert "make room on that disk" in told


@pytest.mark.parametrize(
    ("make", "problem", "remedy"),
    [
        (None, "there is no `", "name a program that exists"),
        ("#!/no/such/interpreter\n", "names an interpreter that is not there", "correct its first"),
        ("#!/bin/sh\n", "is not executable (`chmod +x` mends that)", "name a program that can"),
    ],
    ids=["missing", "interpreter", "mode"],
)
def test_a_command_that_cannot_be_run_is_told_why(
    fake_temporal: Path, sandbox: Sandbox, make: str | None, problem: str, remedy: str
) -> None:
    program = sandbox.root / "program"
    if make is not None:
        program.write_text(make)
        program.chmod(0o755 if "no/such" in make else 0o644)
    ended = cli("run", "--executable", str(fake_temporal), "--", str(program))
    assert ended.returncode == 2
    assert problem in ended.stderr
    assert f"; {remedy}" in ended.stderr


def test_a_state_directory_that_an_option_names_is_moved_by_that_option(
    fake_temporal: Path, sandbox: Sandbox
) -> None:
    shut = sandbox.root / "shut"
    shut.mkdir()
    shut.chmod(0o777)
    with pytest.raises(Exception, match="set `state_dir` to one of your own"):
        DevServer("orders", executable=fake_temporal, state_dir=shut).start()


def test_a_limit_that_ends_the_server_is_the_remedy(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "fatal error: failed to reserve page summary memory"
    monkeypatch.setenv("FAKE_TEMPORAL", f"print={said},exit_at_once=2")
    with pytest.raises(ServerExitedError) as caught:
        DevServer(executable=fake_temporal).start()
    assert caught.value.remedy.startswith("free memory, or raise the limit of it")
