"""The command line: parsed and run by the core, in this process."""

from __future__ import annotations

import sys

from . import _core

TYPE_CHECKING = False  # as in the package: importing `typing` would cost a third of a `status`

if TYPE_CHECKING:
    from typing import NoReturn


STARTING = ("run", "start")
"""The commands that may start a server."""

LOOKING = ("-V", "--version", "doctor")
"""What only looks for the executable that a start would find."""


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit code."""
    arguments = sys.argv[1:]
    facts = "{}"
    command = arguments[0] if arguments else ""
    if command in STARTING or command in LOOKING:
        from ._errors import DevServerError
        from ._launcher import launcher

        try:
            facts = launcher()
        except DevServerError as error:
            if command in STARTING:
                sys.exit(f"temporal-devserver: {error}")
    ended = _core.run_cli(arguments, facts)
    if isinstance(ended, str):
        from ._install.command import carry_out

        ended = carry_out(ended, lambda: _core.run_cli(arguments, facts))
    sys.exit(ended)
