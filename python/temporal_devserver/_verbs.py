"""Every verb of a handle, written once for both faces: see `_script.py`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _clock, _connect, _core, _errors, _events, _logs
from ._handle import Handle
from ._models import Event, Status
from ._options import to_path, to_seconds
from ._script import Script, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._options import Path, Seconds

LOG_TAIL = 10
"""Lines of the server's log that go into an error."""

REPEATABLE = frozenset({"status", "events", "list_namespaces"})
"""Verbs that change nothing: after a death of the supervisor and the heal they are asked again."""

NOTICE_SECONDS = 5.0
"""How long the lease may take to tell what a call has shown: supervisor gone, server stopped."""


class Verbs(Handle):
    """A handle with its verbs; a face gives each of them its way to wait."""

    def _until(
        self, done: Callable[[], bool], seconds: float | None = None, *, shielded: bool = False
    ) -> Script[bool]:
        """Waits until `done()`, asked again after each change; False: the time was up before."""
        end = None if seconds is None else _clock.monotonic() + seconds
        while True:
            seen = self._session.changes
            if done():
                return True
            left = None if end is None else end - _clock.monotonic()
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
        allowed = to_seconds("seconds", seconds)
        try:
            yield from self._ask("outage", seconds=allowed, force=force)
        except (Exception, GeneratorExit):
            raise
        except BaseException:  # interrupted: there is no block that would end it
            yield from self._ask("resume")
            raise

    def _wait_ready(self, timeout: Seconds | None) -> Script[Status]:
        allowed = to_seconds("timeout", timeout)
        end = None if allowed is None else _clock.monotonic() + allowed
        last = "nothing yet"
        while True:
            seen = self._session.changes
            left = None if end is None else max(0.0, end - _clock.monotonic())
            if (yield from self._leased(left)):
                status = yield from self._get_status()
                if status.state in ("ready", "degraded"):  # degraded: the server itself works
                    return status
                if status.state == "failed":
                    raise (yield from self._given_up(status))
                last = "; ".join(probe.error for probe in status.probes if probe.error) or (
                    f"the server is {status.state}"
                )
            left = None if end is None else max(0.0, end - _clock.monotonic())
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
        if told and isinstance(told[-1], dict) and told[-1].get("log_tail") != []:
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
        kept = to_seconds("retention", retention)
        yield from self._ask("create_namespace", name=name, retention=kept)

    def _list_namespaces(self) -> Script[list[str]]:
        return list((yield from self._ask("list_namespaces")))

    def _target(self) -> Script[tuple[str, str]]:
        """Waits until there is a server to connect to; returns its address and the namespace."""
        yield from self._leased()
        return self.address, self.namespace

    def _before_another_connect(self, failure: Exception, seen: int, until: float) -> Script[None]:
        """Waits until another try may do better than the one that failed.

        Args:
            failure: Of the try.
            seen: The session's `changes` before it.
            until: Until when to try.

        Raises:
            Exception: The failure, where another try would fail as well.
        """
        is_unfit = isinstance(failure, _errors.ConfigError)
        if _clock.monotonic() > until or not (is_unfit or _connect.is_of_the_sdk(failure)):
            raise failure
        # Options are to blame only where one server lived from before the try until after it.
        if not (yield from self._came_back(seen, _connect.PAUSE)) and is_unfit:
            raise failure

    def _came_back(self, seen: int, seconds: float, allowed: Seconds | None = None) -> Script[bool]:
        """Waits for news, as of a death that is not told yet, and then until the server is ready.

        Returns:
            Whether there were any since the session's `changes` were `seen`.
        """
        yield from self._until(partial(self._changed_since, seen), seconds)
        yield from self._wait_ready(allowed)
        return self._changed_since(seen)

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
