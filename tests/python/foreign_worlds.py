"""Worlds of their own for a program: other namespaces, another user, another installation.

A machine that forbids one fails the test that needs it: what did not run proved nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import temporal_devserver

STRANGER = 54321
"""A user id that has no entry in `/etc/passwd`."""


LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A program that has the loopback of its network namespace up, and becomes another program."""


def in_namespaces(*options: str) -> list[str]:
    """Returns what runs a program in new namespaces, by `unshare`'s options, and dies with it."""
    return _permitted(["unshare", "--user", *options, "--kill-child"])


def as_init() -> list[str]:
    """Returns what runs a program as the first process of a container."""
    return in_namespaces("--map-root-user", "--pid", "--fork", "--mount-proc")


def as_nobody_known() -> list[str]:
    """Returns what runs a program as a user without an entry in `/etc/passwd`, as containers do.

    Its pids are those of a container, too: the runtime directory's name is this program's alone.
    """
    mapped = (f"--map-user={STRANGER}", f"--map-group={STRANGER}")
    return in_namespaces(*mapped, "--pid", "--fork", "--mount-proc")


def with_read_only(*directories: object) -> list[str]:
    """Returns what runs a program, as init, for which these directories are read-only."""
    # A mount may be restricted further, and never less than the one that it is made from.
    mount = "mount --bind {0} {0} && mount -o remount,bind,ro,nosuid,nodev {0} && "
    shell = "".join(mount.format(directory) for directory in directories) + 'exec "$0" "$@"'
    return _permitted([*as_init(), "sh", "-c", shell])


def without_exec(directory: object, executable: object) -> list[str]:
    """Returns what runs a program, as init, with a copy of an executable on a `noexec` mount."""
    shell = 'mount -t tmpfs -o noexec none "$0" && cp "$1" "$0/temporal" && shift && exec "$@"'
    return _permitted([*as_init(), "sh", "-c", shell, str(directory), str(executable)])


def without_privileges() -> list[str]:
    """Returns what runs a program as a user whose processes are counted: root's never are.

    The one thing that it keeps of root is the way to an interpreter in root's home.
    """
    if os.geteuid():
        return in_namespaces("--map-current-user")
    user = [f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
    way = "-all,+dac_read_search"
    sets = [f"--{each}={way}" for each in ("inh-caps", "ambient-caps", "bounding-set")]
    return _permitted(["setpriv", *user, "--securebits=+no_setuid_fixup", *sets])


def make_venv(path: Path, how: str = "--symlinks") -> Path:
    """Makes an environment with the package installed in it, and nothing else."""
    argv = [sys.executable, "-m", "venv", "--without-pip", how, str(path)]
    subprocess.run(argv, check=True)
    package = Path(temporal_devserver.__file__).parent
    shutil.copytree(package, package_of(path))
    return path


def package_of(venv: Path) -> Path:
    """Returns where the package is installed in an environment."""
    scheme = {"base": str(venv), "platbase": str(venv)}
    return Path(sysconfig.get_path("purelib", "posix_prefix", scheme), "temporal_devserver")


def _permitted(prefix: list[str]) -> list[str]:
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True, text=True)
    if tried.returncode:
        pytest.fail(f"NOT TESTED, not permitted here: {' '.join(prefix)}: {tried.stderr.strip()}")
    return prefix
