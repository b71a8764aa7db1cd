"""The watch thread: advances the blocking handles while the program does other things.

One daemon thread a process, pure Python: it waits in `poll`, and what it calls in the core never
waits. It is never joined at exit (a daemon thread that sits in `poll` then simply never wakes up),
ends when no handle is left to watch, and holds handles weakly, else a forgotten handle would never
give up its lease. No exception ends it: a step that raises is reported once and taken again.

A `poll` under way keeps the descriptors it waits for open, whoever closes them. So whoever changes
a session rings the bell afterwards: `poll` returns, and only then does the other side see the end
of a closed lease.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import weakref
from typing import TYPE_CHECKING, NamedTuple, Protocol

from . import _clock, _events

if TYPE_CHECKING:
    from collections.abc import Iterable


NAME = "temporal-devserver-watch"

PAUSE = 1.0
"""Seconds between an exception and the next try."""


class Turn(NamedTuple):
    """What a session waits for."""

    descriptor: int
    """To become readable; -1: none."""
    due: float | None
    """Monotonic time at which to advance at the latest; None: no such time."""


class Watched(Protocol):
    """A handle, as seen from here."""

    def _background(self) -> Turn | None:
        """Advances the session; None where it is idle and needs no watching."""


class Bell:
    """Wakes up a thread that sits in `wait`.

    The pipe is closed with the last reference, so that nobody can ring a descriptor that means
    something else by now.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def ring(self) -> None:
        """Ends the `wait` that is under way, or else the next one."""
        with contextlib.suppress(BlockingIOError):  # full: it is ringing
            os.write(self._writer, b"\0")

    def wait(self, turns: Iterable[Turn]) -> None:
        """Waits until one of the turns has come or the bell rings."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        due = None
        for turn in turns:
            if turn.descriptor >= 0:
                poll.register(turn.descriptor, select.POLLIN)
            if turn.due is not None:
                due = turn.due if due is None else min(due, turn.due)
        poll.poll(_clock.milliseconds_until(due))
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # there was no descriptor left for the pipe
            os.close(self._reader)
            os.close(self._writer)


class Watch:
    """The watched handles of this process and the thread that advances them."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may use a handle while its thread is in here.
        self._lock = threading.RLock()
        self._handles: dict[int, weakref.ref[Watched]] = {}
        self._bell: Bell | None = None
        self._thread: threading.Thread | None = None
        self._forks = 0

    def add(self, handle: Watched) -> None:
        """Watches the handle until its session is idle."""
        with self._lock:
            self._handles[id(handle)] = weakref.ref(handle)
            self._begin()
        self.ring()

    def ring(self) -> None:
        """Has the thread look at every session again.

        Takes no lock: garbage collection comes here too.
        """
        bell = self._bell
        if bell is not None:
            bell.ring()

    def before_fork(self) -> None:
        """Ends the thread: a child should be forked from a process without threads of ours.

        The waiting is bounded: the thread may be busy in a logging handler that waits for the
        thread that forks.
        """
        with self._lock:
            self._forks += 1
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        self.ring()
        thread.join(1.0)
        # `join` returns a moment before the kernel's thread is gone, and it is those that Python
        # 3.12 counts.
        until = _clock.monotonic() + 0.05
        task = f"/proc/self/task/{thread.native_id}"
        while os.path.exists(task) and _clock.monotonic() < until:
            _clock.sleep(0.0001)

    def after_fork(self) -> None:
        """Makes the thread anew, in the parent."""
        with self._lock:
            self._forks -= 1
            self._begin()
        self.ring()

    def _begin(self) -> None:
        """Starts the thread where there is something to do. With the lock held."""
        if self._thread is not None or self._forks or not self._handles:
            return
        self._bell = Bell()
        self._thread = threading.Thread(
            target=self._run, args=(self._bell,), name=NAME, daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # at exit, or out of threads: callers advance their sessions
            self._thread = self._bell = None

    def _run(self, bell: Bell) -> None:
        while True:
            try:
                turns = self._advance()
                with self._lock:
                    if self._forks or not self._handles:
                        self._thread = self._bell = None
                        return
                bell.wait(turns)
            except BaseException as error:  # noqa: PERF203  # without the thread nothing heals
                _events.report(NAME, error)
                _pause(bell)

    def _advance(self) -> list[Turn]:
        """Advances every handle, and drops those that are idle or gone."""
        turns = []
        for key in list(self._handles):
            # Taken out first, so that an `add` which comes meanwhile is not lost.
            reference = self._handles.pop(key)
            handle = reference()
            try:
                turn = None if handle is None else handle._background()  # noqa: SLF001
            except BaseException as error:  # one handle must not end the others' healing
                _events.report(NAME, error)
                turn = Turn(-1, _clock.monotonic() + PAUSE)
            del handle
            if turn is not None:
                self._handles.setdefault(key, reference)
                turns.append(turn)
        return turns


def _pause(bell: Bell) -> None:
    """Waits before the next try; the bell ends it, for a fork waits for the thread."""
    try:
        bell.wait([Turn(-1, _clock.monotonic() + PAUSE)])
    except BaseException:  # the bell is what is broken
        _clock.sleep(PAUSE)


class _Process:
    watch = Watch()


def process_watch() -> Watch:
    """Returns the watch of this process."""
    return _Process.watch


def before_fork() -> None:
    """Runs before `os.fork()`."""
    _Process.watch.before_fork()


def after_fork_in_parent() -> None:
    """Runs after `os.fork()` in the parent."""
    _Process.watch.after_fork()


def after_fork_in_child() -> None:
    """Runs after `os.fork()` in the child: no thread there, and every lock may be held for ever."""
    _Process.watch = Watch()
