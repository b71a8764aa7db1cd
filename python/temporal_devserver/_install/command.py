"""`temporal-devserver install`, and the first `run` on a machine: what the core leaves to us."""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from .. import _core
from .._errors import ConfigError, DevServerError, ExecutableNotFoundError, from_fields
from . import digests
from .get import get
from .progress import for_stream
from .store import Installed, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes, as in `src/cli/mod.rs`; the last one as a shell has it."""


def carry_out(left: str, again: Callable[[], int | str]) -> int:
    """Does what a command has left, and returns the exit code.

    Args:
        left: What it returned.
        again: Runs the same command once more, when it has what was missing.
    """
    work = json.loads(left)
    try:
        if "install" in work:
            return _install(work["install"])
        from .first_use import fill

        fill(_missing(left), for_stream(sys.stderr))
    except KeyboardInterrupt:
        return _complain("interrupted; the next time it goes on where it stopped", INTERRUPTED)
    except DevServerError as error:
        return _complain(error, USAGE if isinstance(error, ConfigError) else FAILED)
    except OSError as error:
        # What is not printed yet would be a traceback at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # `| head`
            return OK
        remedy = _core.remedy(error.errno or 0, "see that this can be done, and try again")
        return _complain(f"{error}; {remedy}", FAILED)
    ended = again()
    return ended if isinstance(ended, int) else _complain(_missing(ended), FAILED)


def _missing(left: str) -> ExecutableNotFoundError:
    error = from_fields(json.loads(left)["missing"])
    assert isinstance(error, ExecutableNotFoundError)  # noqa: S101  # it says what is installable
    return error


def _complain(problem: object, code: int) -> int:
    print(f"temporal-devserver: {problem}", file=sys.stderr)
    return code


def _install(asked: Mapping[str, Any]) -> int:
    if asked["list"]:
        found = [_row(version) for version in Store().all()]
        _show(found, as_json=asked["json"], none="nothing was downloaded")
    elif asked["prune"]:
        removed = [_plain(version) for version in Store().prune()]
        _show(removed, as_json=asked["json"], none="there is nothing to remove")
    else:
        installed = _get(asked)
        print(json.dumps(_plain(installed)) if asked["json"] else installed.path)
    sys.stdout.flush()
    return OK


def _get(asked: Mapping[str, Any]) -> Installed:
    version, reporter = asked["version"], for_stream(sys.stderr)
    if asked["lock"] is None:
        sha256 = asked["sha256"]
        given = digests.Expected(digests.checked(sha256), "was given") if sha256 else None
        return get(version, given, reporter)
    from .source import machine

    _core.check_version(version)
    path, here = pathlib.Path(asked["lock"]), machine()
    locked = digests.read(path, version, here)
    if locked is None and not asked["write_lock"]:
        problem = f"{path} has no line for {version} {here}"
        raise digests.unfit("lock", problem, "add it by --write-lock")
    expected = digests.Expected(locked, f"stands in {path}") if locked else None
    installed = get(version, expected, reporter)
    if locked is None and installed.sha256 is not None:
        _lock(path, version, here, installed.sha256)
    return installed


def _lock(path: pathlib.Path, version: str, machine: str, sha256: str) -> None:
    try:
        digests.write(path, version, machine, sha256)
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or error}"
        remedy = _core.remedy(error.errno or 0, "make it writable, or name another file")
        raise digests.unfit("lock", problem, remedy) from error


def _plain(version: Installed) -> dict[str, Any]:
    return {**version._asdict(), "path": str(version.path)}


def _row(version: Installed) -> dict[str, Any]:
    return {**_plain(version), "in_use": Store().is_used(version.version)}


def _show(rows: list[dict[str, Any]], *, as_json: bool, none: str) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        used = "  in use" if row.get("in_use") else ""
        size = f"{row['size'] / 1e6:.1f} MB"
        print(f"{row['version']:<10}{size:>9}  {row['sha256'] or 'unknown'}{used}")
    if not rows:
        print(none)
