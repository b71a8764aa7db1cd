"""How a handle waits on asyncio: sessions and calls are readers and timers of the running loop.

There is no thread and no task.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from . import _clock, _fork
from ._errors import EventLoopError
from ._timer import Timer, resolve
from ._verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._script import Script, Wait

T = TypeVar("T")


class OnLoop(Verbs):
    """A handle that belongs to the event loop it was started in."""

    def _begin_anew(self) -> None:
        super()._begin_anew()
        # After a fork the parent's loop is only forgotten: its selector is shared with the parent.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader = -1
        self._timer: Timer | None = None
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
        timer = None if wait.seconds is None else Timer(loop, wait.seconds, partial(resolve, done))
        if wait.descriptor >= 0:
            loop.add_reader(wait.descriptor, resolve, done)
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
        try:
            self._advance_unseen()
        finally:
            self._register()
        self._log_unseen()

    def _register(self) -> None:
        """Has the loop call when it is this session's turn. It holds the handle weakly."""
        if self._loop is None or self._loop.is_closed():
            return
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, _turn, weakref.ref(self))
            self._reader = self._descriptor
        if self._due is not None:
            turn = partial(_turn, weakref.ref(self))
            self._timer = Timer(self._loop, self._due - _clock.monotonic(), turn)

    def _unregister(self) -> None:
        reader, timer = self._reader, self._timer
        self._reader, self._timer = -1, None
        if timer is not None:
            timer.cancel()
        if reader >= 0 and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(reader)

    def _announce(self) -> None:
        for done in self._waiting:
            resolve(done)

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
    timer: Timer | None,
    abandon: Callable[[], None],
) -> None:
    if reader >= 0:
        loop.remove_reader(reader)
    if timer is not None:
        timer.cancel()
    abandon()


def _turn(reference: weakref.ref[OnLoop]) -> None:
    server = reference()
    if server is not None:
        server._background()  # noqa: SLF001  # the loop's side of a handle
