"""The environment of code under test that connects by itself.

All changes are made by the test's own `monkeypatch`: so they are undone in the right order with
those of the test and of other fixtures.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import _core
from . import memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest


@contextmanager
def of_client(
    patch: pytest.MonkeyPatch, address: str, namespace: str, profile: str | None
) -> Iterator[Mapping[str, str]]:
    """Leads every client of this process to one server.

    Without a profile, what would lead elsewhere is removed. A profile is the server's own: API key
    and TLS are in its file, or in the variables that win over it, and stay.
    """
    before = dict(os.environ)
    with memory.file("temporal.toml", _core.CLIENT_CONFIGURATION) as path:
        where = address, namespace, path
        changes = _core.client_environment(before, *where)
        if profile:
            kept = {"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": namespace}
            changes = {**kept, "TEMPORAL_PROFILE": profile}
        for name in [name for name, value in changes.items() if value is None]:
            patch.delenv(name)
        values = {name: value for name, value in changes.items() if value is not None}
        for name, value in values.items():
            patch.setenv(name, value)
        yield values
        after = _core.client_environment(dict(os.environ), *where)
        for name in after.keys() - changes.keys() - before.keys():  # the test has set it
            os.environ.pop(name, None)
