"""The command line: parsed and run by the core, in this process."""

from __future__ import annotations

import sys

from . import _core

TYPE_CHECKING = False  # as in the package: importing `typing` would cost a third of a `status`

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit code."""
    arguments = sys.argv[1:]
    facts = "{}"
    if arguments[:1] in (
        ["run"],
        ["doctor"],
    ):  # may start a server; looks for what would be started
        from ._errors import DevServerError
        from ._launcher import launcher

        try:
            facts = launcher()
        except DevServerError as error:
            sys.exit(f"temporal-devserver: {error}")
    ended = _core.run_cli(arguments, facts)
    if isinstance(ended, str):
        from ._install.command import carry_out

        ended = carry_out(ended, lambda: _core.run_cli(arguments, facts))
    sys.exit(ended)
