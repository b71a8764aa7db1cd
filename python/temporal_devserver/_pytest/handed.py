"""What the plugin hands out, and to which test: the explanation, histories and report read it here.

A fixture of a wider scope is set up once and serves many tests. So what it gets is noted for the
fixture as well, and counts for each test that uses the fixture.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from temporalio.client import Client
    from temporalio.converter import DataConverter

    from .decoding import Decoder
    from .run import Server


class Asked(Protocol):
    """A server as it is seen from here."""

    @property
    def name(self) -> str:
        """Its name, for people."""

    @property
    def address(self) -> str:
        """Host and port."""

    @property
    def ui_url(self) -> str | None:
        """URL of its web interface, None without one."""


class Place:
    """A namespace of a server, as the tests see it that got it."""

    def __init__(self, server: Asked, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        self.converters: list[DataConverter] = []
        """Those of the clients in it, the one of the latest client first."""
        self.decoder: Decoder | None = None
        """Decodes by them; made by the first question about the place."""
        self.is_fresh = False
        """Whether one test alone has it, so that all in it belongs to that test."""
        self.is_implied = True
        """Whether only the server was handed out, and this is its default namespace."""

    def merge(self, other: Place) -> None:
        """Adds what another note about the same namespace says."""
        fresh = [one for one in other.converters if one not in self.converters]
        self.converters[:0] = fresh
        self.is_fresh |= other.is_fresh
        self.is_implied &= other.is_implied


Places: TypeAlias = "dict[tuple[Asked, str], Place]"


class Registry:
    """The places that were handed out, by test and by fixture."""

    def __init__(self) -> None:
        self._fixtures: dict[pytest.FixtureDef[Any], Places] = {}
        self._own: Places = {}
        self._receivers: list[Places] = []
        """The places of the test that runs, then of each fixture that is being set up."""
        self.began: float | None = None
        """When the test that runs began; None where nothing was handed out to it so far."""

    def begin(self) -> None:
        """Notes that a test begins, also one that is run again."""
        self._own = {}
        self._receivers = [self._own]
        self.began = _now() if any(self._fixtures.values()) else None

    def end(self) -> None:
        """Forgets the test that ran."""
        self._own, self._receivers = {}, []

    @contextmanager
    def setting_up(self, fixture: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Notes for a fixture, too, what is handed out in its setup."""
        if fixture.scope == "function":
            yield
            return
        self._receivers.append(self._fixtures.setdefault(fixture, {}))
        try:
            yield
        finally:
            self._receivers.pop()

    def torn_down(self, fixture: pytest.FixtureDef[Any]) -> None:
        """Forgets a fixture."""
        self._fixtures.pop(fixture, None)

    def observe(self, server: Server) -> None:
        """Has a server note the clients and the namespaces that a test gets from it."""
        connect, create_namespace = server.connect, server.create_namespace

        @functools.wraps(connect)
        def connecting(**client_options: Any) -> Client:  # noqa: ANN401  # those of the SDK
            client = connect(**client_options)
            self.note(server, client.namespace, client)
            return client

        @functools.wraps(create_namespace)
        def creating(name: str, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
            create_namespace(name, *arguments, **options)
            self.note(server, name)

        server.connect = connecting  # type: ignore[method-assign]
        server.create_namespace = creating  # type: ignore[method-assign]

    def note(
        self,
        server: Asked,
        namespace: str,
        client: Client | None = None,
        *,
        is_fresh: bool = False,
        is_implied: bool = False,
    ) -> None:
        """Notes what is handed out: a namespace, or a client in it."""
        if self.began is None:
            self.began = _now()
        place = Place(server, namespace)
        place.is_fresh, place.is_implied = is_fresh, is_implied
        if client is not None:
            place.converters.append(client.data_converter)
        for receiver in self._receivers:
            _add(receiver, place)

    def of(self, item: pytest.Item) -> list[Place]:
        """Returns what the test that runs got; a default namespace only where it is alone."""
        found: Places = {}
        request = getattr(item, "_request", None)  # it knows those of `getfixturevalue`, too
        closure = {*getattr(item, "fixturenames", ()), *getattr(request, "fixturenames", ())}
        shared = [had for fixture, had in self._fixtures.items() if fixture.argname in closure]
        for places in [*shared, self._own]:
            for place in places.values():
                _add(found, place)
        named = {server for (server, _), place in found.items() if not place.is_implied}
        return [each for each in found.values() if not each.is_implied or each.server not in named]


def unnoted(server: Server, **client_options: Any) -> Client:  # noqa: ANN401
    """Returns a client of a server that is not for a test."""
    client: Client = inspect.unwrap(server.connect)(**client_options)
    return client


def _now() -> float:
    from .. import _clock  # it loads the core, which most test runs do not need

    return _clock.unix_now()


def _add(places: Places, place: Place) -> None:
    key = place.server, place.namespace
    places.setdefault(key, Place(*key)).merge(place)
