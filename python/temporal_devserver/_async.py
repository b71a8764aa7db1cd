"""The asyncio face: sessions and calls are readers and timers of the running loop.

There is no thread and no task.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from . import _connect, _fork
from ._errors import EventLoopError
from ._verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from temporalio.client import Client
    from typing_extensions import Self

    from ._events import Listener, Since
    from ._models import Event, Status
    from ._options import Path, Seconds
    from ._script import Script, Wait

T = TypeVar("T")


class AsyncDevServer(Verbs):
    """A real local Temporal server, for code in an asyncio event loop.

    The first handle of a name starts the server, further ones (of any process) share it, the last
    one ends it. In between it is healed, whatever is killed. A started handle belongs to the loop
    it was started in.
    """

    async def __aenter__(self) -> Self:
        """Starts."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes, even if cancelled meanwhile."""
        await self.close()

    async def start(self) -> None:
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
        await self._run(self._start())

    async def close(self) -> None:
        """Gives up this handle's lease; where it was the last one, waits for the server to end."""
        if self._loop is not None and self._loop.is_closed():
            self._abandon()  # nobody can wait in that loop any more
        await self._run(self._close())

    async def stop(self, *, force: bool = False) -> None:
        """Stops the server, for everybody who uses it.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        await self._run(self._stop(force=force))

    async def restart(self, *, force: bool = False) -> None:
        """Restarts the server on the same data and ports, and waits until it is ready.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
            CrashLoopError: It does not come up again.
        """
        await self._run(self._replace("restart", force=force))

    async def kill(self, *, force: bool = False) -> None:
        """Kills the server process, as a crash would; the events `exited` and `ready` follow.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        await self._run(self._ask("kill", force=force))

    async def pause(self, *, force: bool = False) -> None:
        """Stops the server process where it is, until `resume()` or the end of this handle's lease.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            NotRunningError: The handle is not started.
        """
        await self._run(self._ask("pause", force=force))

    async def resume(self) -> None:
        """Lets a paused server go on.

        Raises:
            NotRunningError: The handle is not started.
        """
        await self._run(self._ask("resume"))

    async def snapshot(self, path: Path) -> None:
        """Writes a consistent copy of the server's data while it runs, in one file.

        Nobody is disturbed. A snapshot that is there already is replaced; any other file is left.

        Args:
            path: Where to.

        Raises:
            DatabaseError: It cannot be written there.
            ConfigError: The path is none.
            NotRunningError: The handle is not started.
        """
        await self._run(self._snapshot(path))

    async def restore(self, path: Path, *, force: bool = False) -> None:
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
        await self._run(self._restore(path, force=force))

    async def reset(self, *, force: bool = False) -> None:
        """Goes back to an empty database, on the same ports, and waits until the server is ready.

        As `restore()`; the event is `reset`.

        Args:
            force: Even if others use it.

        Raises:
            SharedServerError: Others use it.
            DatabaseError: The database cannot be exchanged; the server goes on as it is.
            NotRunningError: The handle is not started.
        """
        await self._run(self._replace("reset", force=force))

    @asynccontextmanager
    async def outage(
        self, seconds: Seconds | None = None, *, force: bool = False
    ) -> AsyncIterator[None]:
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
        await self._run(self._begin_outage(seconds, force=force))
        try:
            yield
        finally:
            await self._run(self._replace("resume"))

    async def wait_ready(self, timeout: Seconds | None = None) -> Status:
        """Waits until the server is ready, after `kill()` for example; returns its status.

        Args:
            timeout: Seconds (or a `timedelta`) to wait, None for as long as it takes.

        Raises:
            StartTimeoutError: It was not ready in time.
            CrashLoopError: It failed and is not restarted any more.
            DevServerError: It failed for another reason: `PortInUseError`, `DatabaseError`.
            NotRunningError: The handle is not started.
        """
        return await self._run(self._wait_ready(timeout))

    async def status(self) -> Status:
        """Returns the state of the server.

        Raises:
            NotRunningError: The handle is not started.
        """
        return await self._run(self._get_status())

    def events(self, since: Since | None = None) -> AsyncIterator[Event]:
        """Returns the transitions of the server from now on, until the handle is closed.

        Args:
            since: `(event.server, event.seq)` of an event: first come those after it, as far as the
                supervisor has kept them (1,000; all of them where `event.server` was another
                supervisor).

        Raises:
            NotRunningError: The handle is not started.
        """
        return _Events(self, self._listen(), since)

    async def logs(self, tail: int | None = None) -> list[str]:
        """Returns the lines of the server's log.

        Args:
            tail: How many, counted from the end; None for all.

        Raises:
            NotRunningError: The handle is not started.
        """
        return await self._run(self._read_log(tail))

    async def create_namespace(self, name: str, retention: Seconds | None = None) -> None:
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
        await self._run(self._create_namespace(name, retention))

    async def list_namespaces(self) -> list[str]:
        """Returns the names of the namespaces.

        Raises:
            NotRunningError: The handle is not started.
        """
        return await self._run(self._list_namespaces())

    async def delete_namespace(self, name: str) -> None:
        """Deletes a namespace.

        Args:
            name: Name of the namespace.

        Raises:
            NamespaceError: The server refused.
            NotRunningError: The handle is not started.
        """
        await self._run(self._ask("delete_namespace", name=name))

    async def connect(self, **client_options: Any) -> Client:  # noqa: ANN401
        """Returns a Temporal client of this server.

        Args:
            client_options: For `temporalio.client.Client.connect`; `namespace` is that of this
                handle unless given.

        Raises:
            ImportError: The Temporal SDK is not installed.
            NotRunningError: The handle is not started.
        """
        until = time.monotonic() + _connect.PATIENCE
        while True:
            target = await self._run(self._target())
            try:
                return await _connect.connect(*target, client_options)
            except RuntimeError:  # the SDK's, where nobody answers: the server may just be replaced
                if time.monotonic() > until:
                    raise
            await self._run(self._replaced())

    # How this face waits.

    def _begin_anew(self) -> None:
        super()._begin_anew()
        # After a fork the parent's loop is only forgotten: its selector is shared with the parent.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = -1
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    async def _run(self, script: Script[T]) -> T:
        _fork.check()
        self._bind()
        cancelled: asyncio.CancelledError | None = None
        try:
            wait = next(script)
            while True:
                try:
                    await self._pause(wait)
                except asyncio.CancelledError as error:  # noqa: PERF203  # each wait can be ended
                    if wait.shielded:
                        cancelled = error
                        wait = next(script)
                    else:
                        wait = script.throw(error)
                except BaseException as error:  # the script has the say
                    wait = script.throw(error)
                else:
                    wait = next(script)
        except StopIteration as end:
            if cancelled is not None:
                raise cancelled from None
            result: T = end.value
            return result
        finally:
            script.close()
            if self._idle() and not self._waiting:
                self._loop = None

    def _bind(self) -> None:
        """Checks that this is the loop of the handle, or makes it so.

        Raises:
            EventLoopError: It is another one, or none.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            message = (
                "AsyncDevServer needs a running asyncio event loop; without one (under trio too) "
                "use DevServer, in a worker thread if need be; in a forked child begin with a new "
                "`asyncio.run`"
            )
            raise EventLoopError(message) from None
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            message = (
                f"server `{self.name}` was started in another event loop; use this handle there, "
                "or make another AsyncDevServer of the same name here"
            )
            raise EventLoopError(message)

    async def _pause(self, wait: Wait) -> None:
        if wait.descriptor < 0 and self._session.changes != wait.seen:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        timer = None if wait.seconds is None else loop.call_later(wait.seconds, _resolve, done)
        if wait.descriptor >= 0:
            loop.add_reader(wait.descriptor, _resolve, done)
        else:
            self._waiting.add(done)
        try:
            await done
        finally:
            self._waiting.discard(done)
            if wait.descriptor >= 0:
                loop.remove_reader(wait.descriptor)
            if timer is not None:
                timer.cancel()

    def _step(self, action: Callable[[], None] | None = None) -> None:
        # Before, for a descriptor that was closed and given out again cannot be told from the old
        # one by its number.
        self._unregister()
        try:
            self._advance(action)
        finally:
            self._register()
        self._log()

    def _background(self) -> None:
        """Advances the session from the loop."""
        self._unregister()
        self._advance_unseen()
        self._register()
        self._log()

    def _register(self) -> None:
        """Has the loop call when it is this session's turn. It holds the handle weakly."""
        if self._loop is None or self._loop.is_closed():
            return
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, _turn, weakref.ref(self))
            self._reader = self._descriptor
        if self._due is not None:
            seconds = max(0.0, self._due - time.monotonic())
            self._timer = self._loop.call_later(seconds, _turn, weakref.ref(self))

    def _unregister(self) -> None:
        reader, timer = self._reader, self._timer
        self._reader, self._timer = -1, None
        if timer is not None:
            timer.cancel()
        if reader >= 0 and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(reader)

    def _announce(self) -> None:
        for done in self._waiting:
            _resolve(done)

    def _abandon(self) -> None:
        loop = self._loop
        if loop is None or not loop.is_running() or loop is _running():
            self._unregister()
            super()._abandon()
            self._loop = None
            return
        # Garbage was collected in another thread: the loop's reader has to go first, and only the
        # loop can do that.
        forget = partial(_forget, loop, self._reader, self._timer, self._session.abandon)
        try:
            loop.call_soon_threadsafe(forget)
        except RuntimeError:  # closed in this moment
            self._session.abandon()


def _running() -> asyncio.AbstractEventLoop | None:
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


def _forget(
    loop: asyncio.AbstractEventLoop,
    reader: int,
    timer: asyncio.TimerHandle | None,
    abandon: Callable[[], None],
) -> None:
    if reader >= 0:
        loop.remove_reader(reader)
    if timer is not None:
        timer.cancel()
    abandon()


def _resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _turn(reference: weakref.ref[AsyncDevServer]) -> None:
    server = reference()
    if server is not None:
        server._background()  # noqa: SLF001  # the loop's side of a handle


class _Events:
    """The events of one `events()`."""

    def __init__(self, server: AsyncDevServer, listener: Listener, since: Since | None) -> None:
        self._server, self._listener, self._since = server, listener, since

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        since, self._since = self._since, None
        script = self._server._next_event(self._listener, since)  # noqa: SLF001
        event = await self._server._run(script)  # noqa: SLF001
        if event is None:
            raise StopAsyncIteration
        return event


AsyncDevServer.__module__ = "temporal_devserver"
