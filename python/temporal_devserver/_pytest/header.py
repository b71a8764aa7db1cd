"""The line at the top of a run: which server the tests would use, and whether it runs already.

Nothing is started for it, and nobody is waited for who does not answer at once.
"""

from __future__ import annotations

import json
import select
from typing import TYPE_CHECKING, Any

from .. import _clock, _core, _errors
from .._launcher import launcher
from .._options import to_json
from . import shared
from .settings import TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from .._options import Options
    from .settings import Settings

PATIENCE = 0.2
"""Seconds that a server that runs has to tell its address."""

OURS_ALONE = ("version", "dynamic_config", "schedules")
"""Options that change what tests see of a server, and that an existing server does not obey."""


def line(root: Path, settings: Settings, *, with_warnings: bool = True) -> str | None:
    """Returns what to say; None in projects in which there seems to be no Temporal."""
    if settings.is_external:
        return _existing(settings)
    try:
        name, chosen = shared.server(root, settings)
        status = _status(name, chosen)
        if status is None:
            told = f"server `{name}`, started by the first test that needs it"
            warnings = _warnings(chosen) if with_warnings else []
        else:
            told = f"server `{name}` {status['version']} at {status['address']}, {status['state']}"
            warnings = status["warnings"] if with_warnings else []
    except _errors.ExecutableNotFoundError as error:
        return f"temporal: {error}" if settings.executable else None
    except _errors.DevServerError as error:
        return f"temporal: {error}"
    return "\n".join([f"temporal: {told}", *(f"temporal: warning: {each}" for each in warnings)])


def _warnings(chosen: Options) -> list[str]:
    """Returns what a server would ignore of its options; this may read the whole executable."""
    found: dict[str, Any] = json.loads(_core.lookup(to_json(chosen), launcher(), warnings=True))
    return list(found["warnings"])


def _existing(settings: Settings) -> str:
    """Names the existing server, and the options that tests may count on in vain."""
    where = f"at {settings.address}" if settings.address else f"of profile `{settings.profile}`"
    given = [name for name in OURS_ALONE if getattr(settings, name) != TABLE[name].default]
    left = f"; it does not obey: {', '.join(given)}" if given else ""
    return f"temporal: the existing server {where}{left}"


def _status(name: str, chosen: Options) -> dict[str, Any] | None:
    """Asks the server, None where it does not run or does not answer."""
    place = to_json({"state_dir": chosen["state_dir"]})
    until = _clock.monotonic() + PATIENCE
    try:
        call = _core.Session(name, place, launcher()).call('{"op": "status"}')
        while (left := until - _clock.monotonic()) > 0:
            descriptor, _, reply = call.advance()
            if reply is not None:
                found: dict[str, Any] = json.loads(reply)
                return found
            select.select([descriptor] if descriptor >= 0 else [], [], [], min(left, 0.02))
    except _errors.DevServerError:
        pass
    return None
