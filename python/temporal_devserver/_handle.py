"""What both faces share: one session, and the meaning of its notices."""

from __future__ import annotations

import json
import warnings
import weakref
from collections import deque
from functools import lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any

from . import _clock, _core, _errors, _events, _fork
from ._launcher import launcher
from ._models import Event, Status
from ._options import check_name, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from ._install import first_use
    from ._options import Options


RETRY_SECONDS = 1.0
"""Seconds until a session is advanced again after a step that has failed."""


class Handle:
    """One handle on a server. Idle until `start()`; then it holds a lease until `close()`."""

    def __init__(self, name: str | None = None, **options: Unpack[Options]) -> None:
        """Checks the options; touches nothing.

        Args:
            name: Name of the server to share with everybody who uses the same name, or None for a
                private one.
            options: See `Options` for each of them, with its unit.

        Raises:
            ConfigError: An option is unknown or has a value that cannot work.
            SupervisorError: There is no Python interpreter to run the supervisor with.
        """
        check_name(name)
        self._session = _core.Session(name, to_json(options), launcher())
        self._namespace = next(iter(options.get("namespaces") or ()), "default")
        self._begin_anew()
        _fork.track(self)

    def _begin_anew(self) -> None:
        """Sets all that belongs to this process."""
        self._lock = (
            RLock()
        )  # reentrant: a signal handler may use the handle while its thread is in here
        self._descriptor = -1
        self._due: float | None = None
        self._inherited = False
        self._downloads: set[first_use.Aside] = set()
        self._listeners: weakref.WeakSet[_events.Listener] = weakref.WeakSet()
        self._unlogged: deque[tuple[str, str] | Exception] = deque()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self._session.state}>"

    def __del__(self) -> None:
        session = getattr(self, "_session", None)  # none where the options were wrong
        if session is None or session.state == "idle":
            return
        self._abandon()
        warnings.warn(
            f"{type(self).__name__} {session.name!r} was never closed; use `with` or `close()`",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    # What the program sees of the server.

    @property
    def name(self) -> str:
        """Name of the server: the one given, or the random one of a private server."""
        return self._session.name

    @property
    def namespace(self) -> str:
        """Namespace that `connect()` uses: the first of `namespaces`, else `default`."""
        return self._namespace

    @property
    def address(self) -> str:
        """Address of the server for gRPC, `host:port`.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._known().address or ""

    @property
    def ui_url(self) -> str | None:
        """URL of the web interface, None without one.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._known().ui_url

    @property
    def log_path(self) -> str:
        """Path of the server's log.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._known().log_path or ""

    def _known(self) -> Status:
        """Returns the status that came with the lease."""
        text = self._session.status
        if text is None:
            raise self._not_running()
        return _read_status(text)

    def _not_running(self) -> _errors.NotRunningError:
        """Says why there is no lease, and what to do."""
        ending = json.loads(self._session.ending or '{"notice": "released"}')
        cause = None
        if ending["notice"] == "failed":
            cause = _errors.from_fields(ending["error"])
            what = f"has failed: {cause}; mend the cause, then call `start()`"
        elif ending["notice"] == "stopped":
            what = "was stopped; call `start()` to begin anew"
        else:
            what = "is not started by this handle; call `start()`, or use `with`"
        message = f"server `{self.name}` {what}"
        error = _errors.NotRunningError(message, name=self.name, state_dir=self._session.directory)
        error.__cause__ = cause
        return error

    # The session. Each face adds how it waits.

    def _step(self, action: Callable[[], None] | None = None) -> None:
        """Does something with the session, and what can be done now; arranges for the rest."""
        raise NotImplementedError

    def _announce(self) -> None:
        """Has the scripts that wait look again. With the lock held."""
        raise NotImplementedError

    def _abandon(self) -> None:
        """Gives up the lease and waits for nothing. Garbage collection comes here too."""
        self._session.abandon()
        self._descriptor, self._due, self._inherited = -1, None, False
        self._end_listeners()
        self._announce()

    def _after_fork(self) -> None:
        """Begins anew in a forked child: what was started is started again on next use."""
        listeners = list(self._listeners)
        inherited = self._inherited or self._session.state in ("starting", "held", "healing")
        self._session.after_fork()
        self._begin_anew()
        self._inherited = inherited
        for listener in listeners:
            listener.ended = True

    def _advance(self, action: Callable[[], None] | None = None) -> bool:
        """Advances the session, with the lock held; tells whether it waits for something new."""
        changes, descriptor, due = self._session.changes, self._descriptor, self._due
        if action is not None:
            action()
        self._descriptor, seconds = self._session.advance()
        self._due = None if seconds is None else _clock.monotonic() + seconds
        while (notice := self._session.next_notice()) is not None:
            self._take(json.loads(notice))
        if self._session.ending is not None:
            self._inherited = False
            self._end_listeners()
        moved = action is not None or self._descriptor != descriptor or _sooner(self._due, due)
        if moved or self._session.changes != changes:
            self._announce()
        return moved

    def _advance_unseen(self) -> None:
        """Advances the session where no caller could catch an error. With the lock held."""
        try:
            self._advance()
        except Exception as error:  # the session is as it was after the step: it goes on, and soon
            self._unlogged.append(error)
            self._descriptor, self._due = -1, _clock.monotonic() + RETRY_SECONDS

    def _take(self, notice: Mapping[str, Any]) -> None:
        if notice["notice"] == "failed":
            self._unlogged.append(("error", notice["error"]["message"]))
            return
        event = Event.from_json(notice["event"])
        self._unlogged.append((event.level, event.message))
        for listener in self._listeners:
            listener.push(event)

    def _end_listeners(self) -> None:
        for listener in self._listeners:
            listener.ended = True

    def _log(self) -> None:
        """Logs what happened. Without the lock: a logging handler may do anything."""
        while self._unlogged:
            try:
                news = self._unlogged.popleft()
            except IndexError:  # another thread was faster
                return
            if isinstance(news, Exception):
                _events.report(self.name, news)
            else:
                _events.log(self.name, *news)

    def _log_unseen(self) -> None:
        """Logs where no caller could catch what a logging handler raises."""
        try:
            self._log()
        except Exception as error:  # the program's handler must not end the healing
            _events.report(self.name, error)


@lru_cache(maxsize=64)
def _read_status(text: str) -> Status:
    return Status.from_json(json.loads(text))


def _sooner(due: float | None, than: float | None) -> bool:
    """Tells whether a time comes before another one, by more than the reading of a clock takes."""
    return due is not None and (than is None or due < than - 0.0005)
