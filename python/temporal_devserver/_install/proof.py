"""Proof that an executable is what it was fetched as: it is asked."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from typing import TYPE_CHECKING

from .. import _clock, _core
from .failure import CACHE_DIR, SUSPECT, Trouble

if TYPE_CHECKING:
    import pathlib

PATIENCE = 30.0
"""Seconds that it may take to tell its version."""

BUSY_PAUSE = 0.02


def prove(executable: pathlib.Path, version: str) -> None:
    """Checks that an executable runs here, and is of that version.

    Raises:
        Trouble: It does not, or is not.
    """
    remedy = SUSPECT
    said = _ask(executable)
    found = re.search(r"^\s*temporal version (\S+)", said, re.MULTILINE)
    if found is None:
        first = said.strip().partition("\n")[0][:100]
        raise Trouble(f"what is in the archive is not Temporal's: it says {first!r}", remedy)
    if found[1] != version:
        raise Trouble(f"in the archive is temporal {found[1]} and not {version}", remedy)


def _remedy(error: OSError, executable: pathlib.Path) -> str:
    """Returns what to do about an executable that the kernel does not run."""
    if error.errno in (errno.ENOEXEC, errno.ENOENT):  # the second: the loader that it names
        return "name one that was made for this machine by `executable=`"
    if os.statvfs(executable).f_flag & os.ST_NOEXEC:
        return f"set {CACHE_DIR} to a directory on a disk that is not mounted `noexec`"
    otherwise = "look at what restricts this process (a security module, a container)"
    return _core.remedy(error.errno or 0, otherwise, spawning=True)


def _ask(executable: pathlib.Path) -> str:
    clean = _core.server_environment()
    until = _clock.monotonic() + PATIENCE
    while True:
        try:
            done = subprocess.run(
                [executable, "--version"],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"HOME": "/", "USER": "temporal"} | clean,
                timeout=PATIENCE,
            )
        except OSError as error:
            # Another thread forks, and its child still has a copy of the descriptor that wrote it.
            if error.errno == errno.ETXTBSY and _clock.monotonic() < until:
                _clock.sleep(BUSY_PAUSE)
                continue
            problem = f"the executable cannot be run in {executable.parent}: {error.strerror}"
            raise Trouble(problem, _remedy(error, executable)) from error
        except subprocess.TimeoutExpired as error:
            problem = f"the executable does not tell its version within {PATIENCE:.0f} s"
            raise Trouble(problem, "try again when the machine is less busy") from error
        return done.stdout.decode(errors="replace")
