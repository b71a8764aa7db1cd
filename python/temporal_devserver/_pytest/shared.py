"""Which server a run uses: all who run the tests of one project in the same way use the same one.

That is decided by a name made from the project's root, the executable's file and the options that
make a server what it is. Two checkouts, or two environments of tox, have different ones; the
workers of pytest-xdist, other processes and the next run have the same. Nobody owns it: each holds
a lease.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any, cast

from .. import _core
from .._launcher import launcher
from .._options import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from .._options import Options
    from .settings import Settings

FROM_SETTINGS = (
    "executable",
    "version",
    "db",
    "log_level",
    "dynamic_config",
    "search_attributes",
    "start_timeout",
)
"""Settings that are options of the server."""

MOST_NAMESPACES = 200
"""With more of them, of tests of former runs, a server that was kept begins anew."""

NO_SYSTEM_WORKERS = {"worker.perNamespaceWorkerCount": 0}
"""The dynamic configuration with which no namespace gets the server's own worker.

That worker runs schedules, batch operations and worker deployments.
"""


def options(settings: Settings, more: Options | None = None) -> Options:
    """Returns the options of a server of this run; `more` wins."""
    given = {name: getattr(settings, name) for name in FROM_SETTINGS}
    config: dict[str, object] = {} if settings.schedules else {**NO_SYSTEM_WORKERS}
    config.update(settings.dynamic_config or {})
    mine: dict[str, Any] = {**given, "dynamic_config": config or None, **(more or {})}
    return cast("Options", {name: value for name, value in mine.items() if value is not None})


def server(root: Path, settings: Settings, more: Options | None = None) -> tuple[str, Options]:
    """Returns the name of the server of a run, and all of its options.

    Raises:
        ConfigError: An option is unknown or has a value that cannot work.
        ExecutableNotFoundError: There is no `temporal` executable.
    """
    chosen = options(settings, more)
    if settings.keep:
        chosen.setdefault("ui", True)
    found = json.loads(_core.lookup(to_json(chosen), launcher()))
    files = [*map(_file, found["executables"])]
    facts = [_core.__version__, str(root.resolve()), files, found["identity"]]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    project = re.sub(r"[^A-Za-z0-9.-]+", "-", root.name).strip("-.")[:32] or "project"
    chosen.setdefault("state_dir", os.path.join(found["runtime_root"], "pytest"))
    chosen.setdefault("linger", settings.keep)
    chosen.setdefault("reset_above", MOST_NAMESPACES)
    return f"pytest-{project}-{digest[:12]}", chosen


def _file(path: str) -> list[int]:
    """Returns what tells a file from every other one, and from what it was before."""
    found = os.stat(path)
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
