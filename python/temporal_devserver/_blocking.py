"""The blocking face: each verb waits in the calling thread, where Ctrl-C reaches it."""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from . import _clock, _connect, _fork, _watch
from ._verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from temporalio.client import Client
    from typing_extensions import Self, Unpack

    from ._events import Listener, Since
    from ._models import Event, Status
    from ._options import Options, Path, Seconds
    from ._script import Script, Wait

T = TypeVar("T")


class DevServer(Verbs):
    """A real local Temporal server, for code without an event loop. Thread-safe.

    The first handle of a name starts the server, further ones (of any process) share it, the last
    one ends it. In between it is healed, whatever is killed: by a daemon thread
    `temporal-devserver-watch`, or with `watch=False` during calls.
    """

    def __init__(self, name: str | None = None, **options: Unpack[Options]) -> None:
        self._watched = options.get("watch") is not False
        super().__init__(name, **options)

    __init__.__doc__ = Verbs.__init__.__doc__

    def __enter__(self) -> Self:
        """Starts."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes."""
        self.close()

    def start(self) -> None:
        """Starts the server or attaches to the one that runs, and waits until it is ready.

        Raises:
            StartError: The server could not be started in time, or not at all.
            ExecutableNotFoundError: There is no `temporal` executable, and none may be downloaded.
            DownloadError: There is none, and it could not be downloaded.
            OptionsConflictError: The server runs with other options than were asked for.
            CrashLoopError: The server fails again and again.
            DatabaseError: The database cannot be used.
            StateDirError: The directory of the server cannot be used.
        """
        self._run(self._start())

    def close(self) -> None:
        """Gives up this handle's lease; where it was the last one, waits for the server to end."""
        self._run(self._close())

    def stop(self, *, force: bool = False) -> None:
        """Stops the server, for everybody who uses it.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        self._run(self._stop(force=force))

    def restart(self, *, force: bool = False) -> None:
        """Restarts the server on the same data and ports, and waits until it is ready.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
            CrashLoopError: It does not come up again.
        """
        self._run(self._replace("restart", force=force))

    def kill(self, *, force: bool = False) -> None:
        """Kills the server process, as a crash would; the events `exited` and `ready` follow.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        self._run(self._ask("kill", force=force))

    def pause(self, *, force: bool = False) -> None:
        """Stops the server process where it is, until `resume()` or the end of this handle's lease.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        self._run(self._ask("pause", force=force))

    def resume(self) -> None:
        """Lets a paused server go on.

        Raises:
            NotRunningError: The handle is not started.
        """
        self._run(self._ask("resume"))

    def snapshot(self, path: Path) -> None:
        """Writes a consistent copy of the server's data while it runs, in one file.

        Nobody is disturbed. A snapshot that is there already is replaced; any other file is left.

        Args:
            path: Where to.

        Raises:
            DatabaseError: It cannot be written there.
            ConfigError: The path is none.
            NotRunningError: The handle is not started.
        """
        self._run(self._snapshot(path))

    def restore(self, path: Path, *, force: bool = False) -> None:
        """Goes back to a snapshot, on the same ports, and waits until the server is ready.

        What came after the snapshot is gone, but for the namespaces and search attributes that were
        asked for as options: these exist again. Everybody who uses the server is told by an event
        `restored`: workers have to forget the workflows that they cache.

        Args:
            path: The snapshot.
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            SnapshotVersionError: A newer server made the snapshot.
            DatabaseError: It is no snapshot, or damaged; the server goes on as it is.
            ConfigError: The path is none.
            NotRunningError: The handle is not started.
        """
        self._run(self._restore(path, force=force))

    def reset(self, *, force: bool = False) -> None:
        """Goes back to an empty database, on the same ports, and waits until the server is ready.

        As `restore()`; the event is `reset`.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            DatabaseError: The database cannot be exchanged; the server goes on as it is.
            NotRunningError: The handle is not started.
        """
        self._run(self._replace("reset", force=force))

    @contextmanager
    def outage(self, seconds: Seconds | None = None, *, force: bool = False) -> Iterator[None]:
        """Kills the server and keeps it down for the time of a block.

        In the block its address refuses. The end of the block (or of this handle's lease) brings it
        back; the block then waits until it is ready.

        Args:
            seconds: Seconds (or a `timedelta`) after which it comes back even if the block goes on,
                None for not before.
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            ConfigError: The time cannot be.
            NotRunningError: The handle is not started, or the server cannot be taken down now.
        """
        self._run(self._begin_outage(seconds, force=force))
        try:
            yield
        finally:
            self._run(self._replace("resume"))

    def wait_ready(self, timeout: Seconds | None = None) -> Status:
        """Waits until the server is ready, after `kill()` for example; returns its status.

        Args:
            timeout: Seconds (or a `timedelta`) to wait, None for as long as it takes.

        Raises:
            StartTimeoutError: It was not ready in time.
            CrashLoopError: It failed and is not restarted any more.
            DevServerError: It failed for another reason: `PortInUseError`, `DatabaseError`.
            NotRunningError: The handle is not started.
        """
        return self._run(self._wait_ready(timeout))

    def status(self) -> Status:
        """Returns the state of the server.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._run(self._get_status())

    def events(self, since: Since | None = None) -> Iterator[Event]:
        """Returns the transitions of the server from now on, until the handle is closed.

        Args:
            since: `(event.server, event.seq)` of an event: first come those after it, as far as the
                supervisor has kept them (1,000; all of them where `event.server` was another
                supervisor).

        Raises:
            NotRunningError: The handle is not started.
        """
        return _Events(self, self._listen(), since)

    def logs(self, tail: int | None = None) -> list[str]:
        """Returns the lines of the server's log.

        Args:
            tail: How many, counted from the end; None for all.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._run(self._read_log(tail))

    def create_namespace(self, name: str, retention: Seconds | None = None) -> None:
        """Creates a namespace, with the search attributes of the server; it can be used at once.

        One that exists is used as it is.

        Args:
            name: Name of the namespace.
            retention: Seconds (or a `timedelta`) for which closed workflows are kept, None for one
                day, or for what one that exists has.

        Raises:
            ConfigError: The name or the retention cannot be.
            NamespaceError: The server refused; or it exists with another retention, or with
                a search attribute of another type.
            NotRunningError: The handle is not started.
        """
        self._run(self._create_namespace(name, retention))

    def list_namespaces(self) -> list[str]:
        """Returns the names of the namespaces.

        Raises:
            NotRunningError: The handle is not started.
        """
        return self._run(self._list_namespaces())

    def delete_namespace(self, name: str) -> None:
        """Deletes a namespace.

        Args:
            name: Name of the namespace.

        Raises:
            NamespaceError: The server refused.
            NotRunningError: The handle is not started.
        """
        self._run(self._ask("delete_namespace", name=name))

    def connect(self, **client_options: Any) -> Client:  # noqa: ANN401
        """Returns a Temporal client of this server.

        Args:
            client_options: For `temporalio.client.Client.connect`; `namespace` is that of this
                handle unless given.

        Raises:
            ImportError: The Temporal SDK is not installed.
            ConfigError: The client cannot connect with these options, and can without them.
            RuntimeError: The client cannot connect, though the server is ready.
            NotRunningError: The handle is not started.
        """
        until = _clock.monotonic() + _connect.PATIENCE
        while True:
            target = self._run(self._target())
            seen = self._session.changes
            try:
                return _connect.connect_blocking(*target, client_options)
            except RuntimeError as error:  # the server may just be replaced
                failure = error
            why = _connect.explained_blocking(failure, *target, client_options)
            self._run(self._before_another_connect(why, seen, until))

    # How this face waits. Whoever waits advances the session itself and depends on no other thread:
    # a signal handler may use a handle while the thread it interrupted is in here, holding a lock
    # that the other thread would need.

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._bells: set[_watch.Bell] = set()

    def _run(self, script: Script[T]) -> T:
        _fork.check()
        try:
            wait = next(script)
            while True:
                try:
                    self._pause(wait)
                except BaseException as error:  # noqa: PERF203  # the script has the say
                    wait = script.throw(error)
                else:
                    wait = next(script)
        except StopIteration as end:
            result: T = end.value
            return result

    def _pause(self, wait: Wait) -> None:
        due = None if wait.seconds is None else _clock.monotonic() + wait.seconds
        if wait.descriptor >= 0:
            poll = select.poll()
            poll.register(wait.descriptor, select.POLLIN)
            poll.poll(_clock.milliseconds_until(due))
            return
        bell = _watch.Bell()
        self._bells.add(bell)
        try:
            with self._lock:
                if self._session.changes != wait.seen:
                    return
                turns = [_watch.Turn(self._descriptor, self._due), _watch.Turn(-1, due)]
            bell.wait(turns)
        finally:
            self._bells.discard(bell)
        self._step()

    def _step(self, action: Callable[[], None] | None = None) -> None:
        with self._lock:
            moved = self._advance(action)
        if moved:
            self._redirect()
        self._log()

    def _redirect(self) -> None:
        """Has the watch thread wait for what the session waits for now."""
        watch = _watch.process_watch()
        if self._watched and not self._idle():
            watch.add(self)
        else:
            watch.ring()

    def _background(self) -> _watch.Turn | None:
        """Advances the session in the watch thread; None where that was the end."""
        with self._lock:
            self._advance_unseen()
            turn = None if self._idle() else _watch.Turn(self._descriptor, self._due)
        self._log_unseen()
        return turn

    def _announce(self) -> None:
        for bell in tuple(self._bells):
            bell.ring()

    def _abandon(self) -> None:
        super()._abandon()
        self._redirect()


class _Events:
    """The events of one `events()`."""

    def __init__(self, server: DevServer, listener: Listener, since: Since | None) -> None:
        self._server, self._listener, self._since = server, listener, since

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        since, self._since = self._since, None
        script = self._server._next_event(self._listener, since)  # noqa: SLF001
        event = self._server._run(script)  # noqa: SLF001
        if event is None:
            raise StopIteration
        return event


DevServer.__module__ = "temporal_devserver"
