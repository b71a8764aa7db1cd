"""A namespace has room for some search attributes of each type: the refusal says for how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compat.versions import NEWEST, OLDEST
from temporal_devserver import ConfigError, DevServer, NamespaceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Sandbox

ROOM = {
    "Text": 3,
    "Keyword": 10,
    "Int": 3,
    "Double": 3,
    "Bool": 3,
    "Datetime": 3,
    "KeywordList": 3,
}
"""How many a namespace has room for."""


def attributes(counts: dict[str, int], prefix: str = "") -> dict[str, str]:
    """Returns so many search attributes of each type."""
    return {
        f"{prefix}{kind}{number}": kind for kind, count in counts.items() for number in range(count)
    }


@pytest.mark.real_server
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_limits_are_those_of_the_server(
    temporal: Callable[[str], Path], version: str, sandbox: Sandbox
) -> None:
    """All that there is room for can be had; one more of any type is refused, with its type."""
    options = {"executable": temporal(version), "db": sandbox.root / "kept.db"}
    with DevServer("full", **options, search_attributes=attributes(ROOM)) as server:  # type: ignore[arg-type]
        client = server.connect()
        assert client.namespace == "default"
        for kind, room in ROOM.items():
            with pytest.raises(NamespaceError) as caught:
                DevServer("full", search_attributes={f"One{kind}": kind}).start()
            message = str(caught.value)
            assert f"{kind} has room for {room} search attributes in a namespace" in message
            assert f"One{kind}" in message
            assert "fixed limit of the server" in message
            assert "choose another name" not in message
    # What an earlier life of a kept database has counts, too.
    with pytest.raises(NamespaceError, match=r"Text has room for 3 .*: More, Text0, Text1, Text2"):
        DevServer(**options, search_attributes={"More": "Text"}).start()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ROOM)
def test_too_many_are_refused_before_the_start(kind: str, sandbox: Sandbox) -> None:
    too_many = attributes({kind: ROOM[kind] + 1})
    with pytest.raises(ConfigError) as caught:
        DevServer("orders", search_attributes=too_many)
    assert caught.value.option == "search_attributes"
    assert f"{kind} has room for {ROOM[kind]} search attributes" in caught.value.problem
    assert "give them another type" in caught.value.remedy
    assert not sandbox.state.exists()
