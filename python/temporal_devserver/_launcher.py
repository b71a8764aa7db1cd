"""How the core starts processes of its own: through the interpreter that runs the host.

The supervisor is this extension module, loaded by its absolute path in a bare interpreter (`-I
-S`): no site-packages, no `.pth` hooks, no environment, no current directory can reach it, and it
starts in 11 ms.
"""

from __future__ import annotations

import json
import os
import sys
from functools import cache

from . import _core
from ._errors import SupervisorError

COOKIE = "TEMPORAL_DEVSERVER_LAUNCHED"
"""Set in the supervisor. An application that took itself for a Python interpreter finds it, and
stops there instead of starting itself again and again."""

STUB = """\
import sys
path = sys.argv[1]
loader = sys.modules['_frozen_importlib_external'].ExtensionFileLoader('_core', path)
spec = sys.modules['_frozen_importlib'].ModuleSpec('_core', loader, origin=path)
module = loader.create_module(spec)
loader.exec_module(module)
getattr(module, sys.argv[2])(sys.argv[3:])
"""
"""Loads the extension, and becomes what the argument after it says. Without `importlib.util`, whose
import would cost as much as all the rest."""


def command(entry: str) -> list[str]:
    """Returns the command line that becomes `entry`, a function of the core that never returns.

    Raises:
        SupervisorError: There is no Python interpreter to run it with.
    """
    library = os.path.abspath(_core.__file__)
    return [_interpreter(), "-I", "-S", "-c", STUB, library, entry]


@cache
def launcher() -> str:
    """Returns the JSON object that tells the core how to start processes.

    Raises:
        SupervisorError: There is no Python interpreter to start them with.
    """
    supervisor = command("supervise")
    if not all(map(_is_utf8, supervisor)):
        raise _no_interpreter(f"`{supervisor!a}` is not UTF-8")
    facts = {
        "supervisor": supervisor,
        "python": supervisor[0],
        "scripts": _scripts(),
        "environment": {COOKIE: "1"},
    }
    return json.dumps(facts)


def _interpreter() -> str:
    """Returns the path of a Python interpreter of the version that runs.

    `sys.executable` is empty or the embedding program where Python is embedded, and the application
    where it is frozen.
    """
    if os.environ.get(COOKIE):
        raise _no_interpreter(f"`{sys.executable}` was started as a Python interpreter and is none")
    if getattr(sys, "frozen", False):
        raise _no_interpreter("a frozen application carries no Python interpreter")
    major, minor = sys.version_info[:2]
    candidates = [os.path.join(sys.prefix, "bin", f"python{major}.{minor}")]
    if sys.executable and "python" in os.path.basename(sys.executable).lower():
        candidates.insert(0, sys.executable)
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return os.path.abspath(candidate)
    raise _no_interpreter(f"none of {', '.join(candidates)} can be executed")


def _no_interpreter(reason: str) -> SupervisorError:
    remedy = (
        "start the server from outside with `temporal-devserver run`, and connect to its address"
    )
    message = f"the supervisor needs a Python interpreter, but {reason}; {remedy}"
    return SupervisorError(message, reason=reason, remedy=remedy)


def _scripts() -> list[str]:
    """Returns where pip may have put the server's executable, the nearest first."""
    import sysconfig

    package = os.path.dirname(os.path.abspath(__file__))
    directories = [
        sysconfig.get_path("scripts"),
        os.path.join(os.path.dirname(package), "bin"),  # pip install --target
        sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
    ]
    return list(dict.fromkeys(filter(_is_utf8, directories)))


def _is_utf8(path: str) -> bool:
    """Tells whether JSON can say it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
