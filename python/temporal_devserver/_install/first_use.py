"""What the host does where a server was to be started and there is no executable: it gets one.

The start itself has found out, in the supervisor, and said which version would help. So a start
that finds one costs nothing more, and one that attaches asks for none.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .get import get, is_offline
from .progress import Reporter, for_log

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._errors import ExecutableNotFoundError


def helps(error: ExecutableNotFoundError) -> bool:
    """Tells whether a download would help, and is allowed."""
    return error.installable is not None and not is_offline()


def fill(error: ExecutableNotFoundError, reporter: Reporter | None = None) -> None:
    """Gets what was missing, in this thread; tells the log if nobody else is given.

    Raises:
        ExecutableNotFoundError: The same one, where a download would not help or is not allowed.
        DownloadError: It could not be downloaded.
    """
    if error.installable is None or not helps(error):
        raise error
    reporter = reporter or for_log()
    reporter.say(f"no `temporal` executable is installed: getting {error.installable}")
    get(error.installable, None, reporter)


class Aside:
    """The same in a thread, with a descriptor that becomes readable at the end.

    The thread is left to itself where nobody waits any more: it ends with the next bytes, and what
    is there by then is gone on with by the next download.
    """

    def __init__(self, error: ExecutableNotFoundError) -> None:
        self._missing = error
        self._failure: BaseException | None = None
        self.is_given_up = False
        self._ours, self._theirs = socket.socketpair()

    def fileno(self) -> int:
        """Returns the descriptor."""
        return self._ours.fileno()

    def result(self) -> None:
        """Raises what went wrong."""
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        name = "temporal-devserver-install"
        threading.Thread(target=self._work, name=name, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_given_up = True
        self._ours.close()

    def give_up(self) -> None:
        """Has whoever waits for the end wait no longer, from any thread."""
        self.is_given_up = True
        with suppress(OSError):  # the end has come already
            self._ours.shutdown(socket.SHUT_RD)

    def _work(self) -> None:
        with self._theirs:  # its end is what the other side waits for
            try:
                fill(self._missing, _Watched(self))
            except BaseException as error:  # raised again by whoever waits
                self._failure = error

    def check(self) -> None:
        """Ends the thread where nobody waits any more."""
        if self.is_given_up:
            raise _GivenUp


class _GivenUp(Exception):  # noqa: N818  # ends a thread, and nobody sees it
    pass


class _Watched(Reporter):
    """Tells the log, and breaks off what nobody waits for."""

    def __init__(self, aside: Aside) -> None:
        self._aside, self._log = aside, for_log()

    def say(self, what: str) -> None:
        """Passes it on."""
        self._aside.check()
        self._log.say(what)

    def progress(self, done: int, total: int | None) -> None:
        """Passes it on."""
        self._aside.check()
        self._log.progress(done, total)

    def wait(self) -> None:
        """Looks whether there is somebody who waits."""
        self._aside.check()
