"""Checks the options of a run that only the core, or the SDK, can judge.

A value that cannot work is told once, with the name of its option, before any test runs: without
that, each test that needs the server would fail with it. A file may be made later than the option
that names it, so files are checked only for a run with a test that uses them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from .. import _core
from .._errors import (
    ConfigError,
    DatabaseError,
    ExecutableNotFoundError,
    ExternalServerError,
)
from .._options import to_json
from .shared import FROM_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._options import Options
    from .settings import Settings, Source

OF_SERVER = {"linger": "keep", **{name: name for name in FROM_SETTINGS}}
"""The setting behind an option of the server."""


FILES = ("executable", "db")
"""Settings that name a file of the server."""


def check_values(settings: Settings) -> None:
    """Checks the given values that are no files.

    Raises:
        UsageError: A value cannot work.
    """
    for option, name in OF_SERVER.items():
        if name in settings.sources and name not in FILES:
            for value in _apart(settings, name):
                _check_option(settings.sources[name], {option: value})  # type: ignore[misc]


def check_files(settings: Settings) -> None:
    """Checks the files and the profile that were given.

    Raises:
        UsageError: One of them cannot be used.
    """
    sources = settings.sources
    if not settings.is_external:
        for name in FILES:
            if name in sources:
                _check_option(sources[name], {name: getattr(settings, name)})  # type: ignore[misc]
    if "histories" in sources and os.path.isfile(settings.histories or ""):
        message = f"{sources['histories'].name}: {settings.histories} is a file; name a directory"
        raise pytest.UsageError(message)
    if settings.profile is not None:
        _check_profile(sources["profile"], settings.profile)


def _apart(settings: Settings, name: str) -> Iterator[Any]:
    """Returns a value as it is to be checked.

    A dev server has room for a few search attributes of a type. Another server may have more, so
    there each attribute is checked alone.
    """
    value = getattr(settings, name)
    if settings.is_external and name == "search_attributes":
        yield from ({key: kind} for key, kind in value.items())
    else:
        yield value


def _check_option(source: Source, option: Options) -> None:
    try:
        _core.check_options(to_json(option))
    except ConfigError as error:
        raise pytest.UsageError(f"{source.name}: {error.problem}; {error.remedy}") from error
    except (DatabaseError, ExecutableNotFoundError) as error:
        raise pytest.UsageError(f"{source.name}: {error}") from error


def _check_profile(source: Source, name: str) -> None:
    from . import external

    try:
        external.profile(name)
    except ExternalServerError as error:
        raise pytest.UsageError(f"{source.name}: {error}") from error
    except ImportError:
        pass  # told by the first test that needs the SDK
