"""A script that knows nothing of Python: the environment of `run`, the JSON of `status`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from cli_support import CLI, cli
from temporal_devserver import DevServer, __version__

if TYPE_CHECKING:
    from pathlib import Path


def shell(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a shell that finds no Python."""
    tools = " ".join(f"{name}() {{ '{path}' \"$@\"; }};" for name, path in TOOLS.items())
    words = ["/bin/sh", "-euc", tools + script, "sh", *arguments]
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("TEMPORAL_DEVSERVER_") or name in ("TMPDIR", "HOME")
    }
    return subprocess.run(
        words,
        env={**variables, "PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=50,
    )


TEN_TIMES_THE_LIMIT = 0.4
"""Seconds; `make bench` has what `status` takes."""

TOOLS = {name: shutil.which(name) or name for name in ("sed", "env")} | {"devserver": CLI}


@pytest.mark.real_server
def test_a_script_uses_the_server_of_run_by_the_environment_alone(real_temporal: Path) -> None:
    script = 'devserver run --executable "$1" --namespace shop -- /bin/sh -euc "$2" sh "$1"'
    # Address and namespace are in the environment: that is all that the official tool is told.
    inner = (
        '"$1" operator namespace describe >&2; "$1" workflow list >&2;'
        ' echo "$TEMPORAL_NAMESPACE"; exit 4'
    )
    ended = shell(script, str(real_temporal), inner)
    assert (ended.returncode, ended.stdout) == (4, "shop\n"), ended.stderr
    assert re.search(r"NamespaceInfo.Name\s+shop", ended.stderr)


def test_a_script_learns_all_it_needs_from_start_and_status(fake_temporal: Path) -> None:
    script = """
    field() { sed -n "s/.*\\"$1\\":\\"\\{0,1\\}\\([^\\",}]*\\).*/\\1/p"; }
    address=$(devserver start ci --json --executable "$1" | field address)
    status=$(devserver status ci --json)
    [ "$address" = "$(echo "$status" | field address)" ]
    echo "$status" | field ui_url
    echo "$status" | field state
    devserver stop ci
    code=0; devserver status ci || code=$?
    echo "$code"
    """
    ended = shell(script, str(fake_temporal))
    assert ended.returncode == 0, ended.stderr
    ui_url, *rest = ended.stdout.splitlines()
    assert ui_url.startswith("http://127.0.0.1:")
    assert rest == ["ready", "server `ci` is stopped", "3"]


def test_the_version_tells_package_protocol_and_server(real_temporal: Path) -> None:
    del real_temporal  # what is found without being named
    for flag in ("--version", "-V"):
        package, protocol, server = cli(flag).stdout.splitlines()
        assert package == f"temporal-devserver {__version__}"
        assert re.fullmatch(r"protocol \d+", protocol)
        assert re.fullmatch(r"temporal \d+\.\d+\.\d+ \(/.*/temporal\)", server)


def test_the_version_of_nothing_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(tmp_path / "none"))
    ended = cli("--version")
    assert ended.returncode == 0
    assert str(tmp_path / "none") in ended.stdout.splitlines()[2]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completions_are_what_the_shell_can_read(name: str, tmp_path: Path) -> None:
    script = tmp_path / "completions"
    script.write_text(cli("completions", name).stdout)
    assert "prometheus" in script.read_text()
    if (found := shutil.which(name)) is None:
        pytest.skip(f"there is no {name} here")
    subprocess.run([found, "-n", str(script)], check=True, timeout=20)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sta", "start status"),
        ("status --pro", "--prometheus"),
        ("namespace cr", "create"),
        ("namespace create x --re", "--retention"),
        ("completions z", "zsh"),
    ],
)
def test_bash_completes_commands_and_flags(tmp_path: Path, typed: str, expected: str) -> None:
    script = tmp_path / "completions"
    script.write_text(cli("completions", "bash").stdout)
    program = """. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    registered=$(complete -p temporal-devserver); name=${registered#*-F }
    ${name%% *} "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[@]}" """
    words = ["bash", "-c", program, "bash", str(script), "temporal-devserver", *typed.split()]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert ended.stdout == f"{expected}\n", ended.stderr


@pytest.mark.long
def test_no_command_that_waits_for_no_server_takes_long(
    fake_temporal: Path,
) -> None:
    with DevServer("orders", executable=fake_temporal, ui=True):
        commands = [
            "--help",
            "--version",
            "completions bash",
            "status orders",
            "status orders --json",
            "status orders --prometheus",
            "list",
            "logs orders --tail 5",
            "events orders",
            "ui orders",
            "namespace list --server orders",
        ]
        fastest = {command: min(took(command) for _ in range(10)) for command in commands}
    assert all(seconds < TEN_TIMES_THE_LIMIT for seconds in fastest.values()), fastest


def took(command: str) -> float:
    """Returns how long a command takes; the load of a machine does least to the fastest."""
    began = time.perf_counter()
    subprocess.run([CLI, *command.split()], stdout=-3, check=True, timeout=20)
    return time.perf_counter() - began
