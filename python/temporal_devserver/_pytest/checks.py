"""Checks the options of a run that only the core, or the SDK, can judge.

A value that cannot work is told once, with the name of its option, before any test runs: without
that, each test that needs the server would fail with it.
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
    from collections.abc import Mapping

    from .._options import Options
    from .settings import Source

OF_SERVER = {"linger": "keep", **{name: name for name in FROM_SETTINGS}}
"""The setting behind an option of the server."""


def check(values: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
    """Checks the given values.

    Args:
        values: What was given, by the name of the setting.
        sources: Where each of them was given.

    Raises:
        UsageError: A value cannot work.
    """
    for option, name in OF_SERVER.items():
        if name in values:
            _check_option(sources[name], {option: values[name]})  # type: ignore[misc]
    if "histories" in values and os.path.isfile(values["histories"]):
        message = f"{sources['histories'].name}: {values['histories']} is a file; name a directory"
        raise pytest.UsageError(message)
    if "profile" in values:
        _check_profile(sources["profile"], values["profile"])


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
