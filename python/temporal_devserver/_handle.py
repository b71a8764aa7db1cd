"""What both faces share: one session, the meaning of its notices, and every verb, written once.

A verb is a generator (a `Script`) that yields a `Wait` wherever it has to wait and returns its
result. The blocking face waits in `poll`, the asyncio face on its loop; an interrupt or a
cancellation is thrown into the script where it waits. So what has to be undone is stated once, next
to what it undoes.
"""

from __future__ import annotations

import json
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from . import _connect, _core, _errors, _events, _fork, _logs
from ._launcher import launcher
from ._models import Event, Status
from ._options import check_name, to_json, to_path

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._install import first_use
    from ._options import Options, Path, Seconds

T = TypeVar("T")


class Wait(NamedTuple):
    """What a script waits for."""

    seen: int
    """The session's `changes` that the script knows of: more of them end the wait."""
    seconds: float | None = None
    """How long at the most."""
    descriptor: int = -1
    """The descriptor (of a call) to become readable instead; -1: none."""
    shielded: bool = False
    """Whether a cancellation has to wait for the end of the script."""


Script: TypeAlias = Generator[Wait, None, T]

LOG_TAIL = 10
"""Lines of the server's log that go into an error."""

REPEATABLE = frozenset({"status", "events", "list_namespaces"})
"""Verbs that change nothing: after a death of the supervisor and the heal they are asked again."""

NOTICE_SECONDS = 5.0
"""How long the lease may take to tell what a call has shown: supervisor gone, server stopped."""


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
        self._unlogged: deque[tuple[str, str]] = deque()

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
        self._due = None if seconds is None else time.monotonic() + seconds
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
        """Advances the session where nobody could catch an error. With the lock held."""
        try:
            self._advance()
        except Exception as error:  # one broken session must not end the others' healing
            self._unlogged.append(("failed", str(error)))
            self._abandon()

    def _take(self, notice: Mapping[str, Any]) -> None:
        if notice["notice"] == "failed":
            self._unlogged.append(("failed", notice["error"]["message"]))
            return
        event = Event.from_json(notice["event"])
        self._unlogged.append((_events.gravity(event), event.message))
        for listener in self._listeners:
            listener.push(event)

    def _end_listeners(self) -> None:
        for listener in self._listeners:
            listener.ended = True

    def _log(self) -> None:
        """Logs what happened. Without the lock: a logging handler may do anything."""
        while self._unlogged:
            try:
                kind, message = self._unlogged.popleft()
            except IndexError:  # another thread was faster
                return
            _events.log(self.name, kind, message)

    # The verbs.

    def _until(
        self, done: Callable[[], bool], seconds: float | None = None, *, shielded: bool = False
    ) -> Script[bool]:
        """Waits until `done()`, asked again after each change; False: the time was up before."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            seen = self._session.changes
            if done():
                return True
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return False
            yield Wait(seen, left, shielded=shielded)

    def _at_rest(self) -> bool:
        return self._session.state in ("held", "idle")

    def _idle(self) -> bool:
        return self._session.state == "idle"

    def _start(self) -> Script[None]:
        """Starts; gets an executable first where there is none and one can be had."""
        try:
            yield from self._start_with_what_is_there()
        except _errors.ExecutableNotFoundError as error:
            from ._install import first_use

            if not first_use.helps(error):
                raise
            with first_use.Aside(error) as aside:
                self._downloads.add(aside)
                try:
                    yield Wait(self._session.changes, None, aside.fileno())
                finally:
                    self._downloads.discard(aside)
                if aside.is_given_up:
                    raise self._not_running() from None
                aside.result()
            yield from self._start_with_what_is_there()

    def _start_with_what_is_there(self) -> Script[None]:
        if self._session.state == "releasing":
            yield from self._until(self._idle)
        mine = self._idle()
        try:
            self._inherited = self._inherited and not mine
            self._step(self._session.start)
            yield from self._until(self._at_rest)
        except GeneratorExit:  # whoever ran the script is gone: nobody waits any more
            self._abandon()
            raise
        except BaseException:
            if mine:
                yield from self._close()
            raise
        if self._idle():
            ending = json.loads(self._session.ending or "{}")
            if ending.get("notice") == "failed":
                error = _errors.from_fields(ending["error"])
                self._place(error)
                raise error
            raise self._not_running()
        if not mine and (yield from self._get_status()).state == "failed":
            # Nobody is disturbed: a server that is given up is down for all of them.
            yield from self._replace("restart", force=True)

    def _close(self) -> Script[None]:
        inherited, self._inherited = self._inherited, False
        for download in tuple(self._downloads):
            download.give_up()
        if self._idle():
            if inherited:
                self._session.abandon()  # what is known of it was the parent's
            return
        try:
            self._step(self._session.release)
            yield from self._until(self._idle, shielded=True)
        except BaseException:  # interrupted: the supervisor does the rest alone
            self._abandon()
            raise

    def _leased(self, seconds: float | None = None) -> Script[bool]:
        """Waits for the end of a start or heal; False where the time is up before.

        Raises:
            NotRunningError: There is no lease, nor will there be one.
        """
        if self._inherited:
            yield from self._start()
        self._step()
        if not (yield from self._until(self._at_rest, seconds)):
            return False
        if self._idle():
            raise self._not_running()
        return True

    def _ask(self, op: str, **fields: object) -> Script[Any]:
        """Asks the supervisor for one thing, and returns its reply."""
        request = json.dumps({"op": op, **fields})
        while True:
            yield from self._leased()
            identity = self._session.identity
            sent = False
            try:
                with self._lock:
                    call = self._session.call(request)
                sent = True
                reply = yield from self._reply(call)
            except (_errors.NotRunningError, _errors.SupervisorLostError) as error:
                # The supervisor is gone: the lease is about to tell so too, and to be healed.
                repeat = not sent or op in REPEATABLE
                if not repeat or not (
                    yield from self._until(partial(self._moved_on, identity), NOTICE_SECONDS)
                ):
                    self._place(error)
                    raise
            except _errors.DevServerError as error:
                self._place(error)
                raise
            else:
                self._step()
                return reply

    def _moved_on(self, identity: str | None) -> bool:
        return self._session.state != "held" or self._session.identity != identity

    def _reply(self, call: _core.Call) -> Script[Any]:
        while True:
            descriptor, seconds, reply = call.advance()
            if reply is not None:
                return json.loads(reply)
            yield Wait(self._session.changes, seconds, descriptor)

    def _place(self, error: _errors.DevServerError) -> None:
        """Adds to an error where the server lives."""
        if error.state_dir is None:
            error.state_dir = self._session.directory

    def _get_status(self) -> Script[Status]:
        return Status.from_json((yield from self._ask("status")))

    def _stop(self, *, force: bool) -> Script[None]:
        yield from self._ask("stop", force=force)
        yield from self._until(self._idle, NOTICE_SECONDS)
        yield from self._close()

    def _replace(self, op: str, **fields: object) -> Script[None]:
        """Has the server replaced, and waits for the new one."""
        yield from self._ask(op, **fields)
        yield from self._wait_ready(None)

    def _snapshot(self, path: Path) -> Script[None]:
        yield from self._ask("snapshot", path=to_path("path", path))

    def _restore(self, path: Path, *, force: bool) -> Script[None]:
        yield from self._replace("restore", path=to_path("path", path), force=force)

    def _begin_outage(self, seconds: Seconds | None, *, force: bool) -> Script[None]:
        try:
            yield from self._ask("outage", seconds=_seconds(seconds), force=force)
        except (Exception, GeneratorExit):
            raise
        except BaseException:  # interrupted: there is no block that would end it
            yield from self._ask("resume")
            raise

    def _wait_ready(self, timeout: Seconds | None) -> Script[Status]:
        allowed = _seconds(timeout)
        end = None if allowed is None else time.monotonic() + allowed
        last = "nothing yet"
        while True:
            seen = self._session.changes
            left = None if end is None else max(0.0, end - time.monotonic())
            if (yield from self._leased(left)):
                status = yield from self._get_status()
                if status.state in ("ready", "degraded"):  # degraded: the server itself works
                    return status
                if status.state == "failed":
                    raise (yield from self._given_up(status))
                last = "; ".join(probe.error for probe in status.probes if probe.error) or (
                    f"the server is {status.state}"
                )
            left = None if end is None else max(0.0, end - time.monotonic())
            if not (yield from self._until(partial(self._changed_since, seen), left)):
                raise self._not_ready(allowed or 0.0, last)

    def _changed_since(self, seen: int) -> bool:
        return self._session.changes != seen

    def _not_ready(self, allowed: float, last: str) -> _errors.StartTimeoutError:
        remedy = "wait longer, or look at the log"
        message = (
            f"the server was not ready within {allowed:g} s; the last answer was: {last}; {remedy}"
        )
        directory = self._session.directory
        return _errors.StartTimeoutError(
            message, deadline=allowed, last_probe=last, remedy=remedy, state_dir=directory
        )

    def _given_up(self, status: Status) -> Script[_errors.DevServerError]:
        """Returns why the server is `failed`: what it was told as, with the log as it is now."""
        past = map(Event.from_json, (yield from self._ask("events", since=None)))
        told = [event.data.get("error") for event in past if event.kind == "failed"]
        if told and isinstance(told[-1], dict) and "log_tail" not in told[-1]:
            return _errors.from_fields({**told[-1], "state_dir": status.state_dir})
        log_tail = yield from self._read_log(LOG_TAIL)
        reason = status.last_exit or "the cause is in its log"
        log = "".join(f"  {line}\n" for line in log_tail)
        message = (
            f"the server failed and is not restarted any more ({reason}); "
            f"{f'its log ends with:{chr(10)}{log}' if log else ''}"
            "mend the cause, then call `restart()` or start it again"
        )
        return _errors.CrashLoopError(
            message,
            restarts=status.restarts,
            reason=reason,
            log_tail=tuple(log_tail),
            state_dir=status.state_dir,
        )

    def _listen(self) -> _events.Listener:
        """Begins to collect events.

        Raises:
            NotRunningError: The handle is not started.
        """
        if self._idle() and not self._inherited:
            raise self._not_running()
        listener = _events.Listener()
        with self._lock:
            self._listeners.add(listener)
        return listener

    def _replay(self, listener: _events.Listener, since: _events.Since) -> Script[None]:
        past = yield from self._ask("events", since=list(since))
        with self._lock:
            listener.replay(map(Event.from_json, past))

    def _next_event(
        self, listener: _events.Listener, since: _events.Since | None
    ) -> Script[Event | None]:
        """Waits for the next event; None: there will be none. `since`: for the first one."""
        if since is not None:
            yield from self._replay(listener, since)
        elif self._inherited:
            yield from self._leased()
        self._step()
        yield from self._until(lambda: bool(listener))
        with self._lock:
            return listener.pop()

    def _create_namespace(self, name: str, retention: Seconds | None) -> Script[None]:
        yield from self._ask("create_namespace", name=name, retention=_seconds(retention))

    def _list_namespaces(self) -> Script[list[str]]:
        return list((yield from self._ask("list_namespaces")))

    def _target(self) -> Script[tuple[str, str]]:
        """Waits until there is a server to connect to; returns its address and the namespace."""
        yield from self._leased()
        return self.address, self.namespace

    def _replaced(self) -> Script[None]:
        """Waits a moment for news, as of a death that nobody has told yet, then until ready."""
        seen = self._session.changes
        yield from self._until(partial(self._changed_since, seen), _connect.PAUSE)
        yield from self._wait_ready(None)

    def _read_log(self, tail: int | None) -> Script[list[str]]:
        """Reads the log a block at a time; others have a turn after each."""
        yield from self._leased()
        reading = _logs.read(self.log_path, tail)
        while True:
            try:
                next(reading)
            except StopIteration as end:
                return list(end.value)
            yield Wait(self._session.changes, 0.0)


@lru_cache(maxsize=64)
def _read_status(text: str) -> Status:
    return Status.from_json(json.loads(text))


def _sooner(due: float | None, than: float | None) -> bool:
    """Tells whether a time comes before another one, by more than the reading of a clock takes."""
    return due is not None and (than is None or due < than - 0.0005)


def _seconds(duration: Seconds | None) -> float | None:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
