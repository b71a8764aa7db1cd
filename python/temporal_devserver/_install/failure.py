"""What goes wrong on the way, before it is known to whom it has to be told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import _core

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

CACHE_DIR = "TEMPORAL_DEVSERVER_CACHE_DIR"

BY_HAND = (
    'try again later, or get it by `pip install "temporal-devserver[server]"`, or name one by '
    "`executable=`"
)
"""The ways out where the network is in the way."""


class Trouble(Exception):  # noqa: N818  # no error yet: `get` makes one of it
    """It cannot be done.

    Attributes:
        problem: What happened.
        remedy: What to do.
    """

    def __init__(self, problem: str, remedy: str = BY_HAND) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


class Passing(Trouble):
    """It may work a moment later.

    Attributes:
        after: Seconds after which the other side asked to be asked again, None where it did not.
    """

    def __init__(self, problem: str, after: float | None = None, *, remedy: str = BY_HAND) -> None:
        super().__init__(problem, remedy)
        self.after = after


SUSPECT = (
    "do not use it; look at the address that it comes from, and at the variables "
    "`TEMPORAL_DEVSERVER_DOWNLOAD_URL` and `https_proxy`"
)
"""What to do where an archive is not what it should be."""


@contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Tells of a file that cannot be written (a full disk, a quota) as what it is."""
    try:
        yield
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or error}"
        elsewhere = f"set {CACHE_DIR} to a directory of your own elsewhere"
        raise Trouble(problem, _core.remedy(error.errno or 0, elsewhere)) from error
