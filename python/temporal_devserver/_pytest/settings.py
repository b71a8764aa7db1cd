"""The options of the plugin: one table, from which flags, ini keys and variables are derived.

What is asked for comes from the command line, else from the environment (`PYTEST_TEMPORAL_<NAME>`),
else from the ini file (`temporal_<name>`). A value that cannot be is an error before any test runs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

from . import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

GROUP = "temporal"
"""Title of the options in `pytest --help`."""


class Source(NamedTuple):
    """Where a value comes from."""

    name: str
    """As the user wrote it: the flag, the variable or the ini key."""
    base: Path
    """What a relative path is relative to."""


class Option(NamedTuple):
    """What the table says of an option."""

    metavar: str
    help: str
    read: Callable[[str, Path], Any]
    default: Any
    several: bool


def _option(
    metavar: str,
    help: str,  # noqa: A002  # as argparse has it
    read: Callable[[str, Path], Any] = words.text,
    default: Any = None,  # noqa: ANN401
    *,
    several: bool = False,
) -> Any:  # noqa: ANN401
    return Option(metavar, help, read, default, several)


class Settings:
    """What a run was asked for. In the class itself stands, for each of them, the option."""

    executable: str | None = _option(
        "PATH", "the `temporal` executable; default: the first one found", words.path
    )
    version: str | None = _option("VERSION", "version that the executable must have")
    db: str | None = _option(
        "PATH", "keep the data in this file; default: it goes with the server", words.path
    )
    log_level: str | None = _option("LEVEL", "log level of the server; default: warn")
    dynamic_config: Mapping[str, object] | None = _option(
        "KEY=JSON", "dynamic configuration of the server", words.key_and_json, several=True
    )
    search_attributes: Mapping[str, str] | None = _option(
        "NAME=TYPE", "search attribute of every namespace", words.name_and_type, several=True
    )
    start_timeout: float | None = _option(
        "TIME", "time within which the server has to be ready; default: 30s", words.duration
    )
    schedules: bool = _option(
        "yes|no",
        "`no`: no schedule, batch operation or worker deployment works; it saves memory in each "
        "namespace; default: yes",
        words.yes_or_no,
        True,  # noqa: FBT003  # the default
    )
    retention: float | None = _option(
        "TIME",
        "how long closed workflows are kept in the namespace of a test, at least 1h; default: 1d",
        words.retention,
    )
    keep: float = _option(
        "TIME",
        "keep the server, with its web interface, so long after the run: the next one is there "
        "at once; on an existing server, keep the namespaces; default: 0",
        words.duration,
        0.0,
    )
    address: str | None = _option(
        "HOST:PORT", "run the tests against an existing server, and start none", words.address
    )
    profile: str | None = _option(
        "NAME",
        "run the tests against the server of this profile of Temporal's client configuration",
    )
    namespace: str | None = _option(
        "NAME", "namespace to use where none can be created on an existing server"
    )
    explain: bool = _option(
        "yes|no",
        "`no`: nothing is said about Temporal where a test fails; default: yes",
        words.yes_or_no,
        True,  # noqa: FBT003  # the default
    )
    fail_fast: int = _option(
        "yes|no|N",
        "end a wait for a workflow whose task failed N times in a row; `yes` is 3; default: yes",
        words.failures,
        words.FAILURES,
    )
    histories: str | None = _option(
        "DIR",
        "save the histories of failed tests there, for `temporalio.worker.Replayer`",
        words.path,
    )
    histories_of: str = _option(
        "failed|all", "of which tests; default: failed", words.failed_or_all, "failed"
    )
    report: str | None = _option(
        "FILE.html",
        "write a page that draws what the workflows of each test did, over time",
        words.path,
    )

    def __init__(self, given: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
        """Takes what was given, and where, and for all else the default."""
        self.sources = sources
        for name, option in TABLE.items():
            setattr(self, name, given.get(name, option.default))

    @property
    def is_external(self) -> bool:
        """Whether the server exists already, and is not ours."""
        return self.address is not None or self.profile is not None


TABLE = {name: option for name, option in vars(Settings).items() if isinstance(option, Option)}
"""The options by name, in the order in which they are shown."""


def declare(parser: pytest.Parser) -> None:
    """Adds every option to the command line and the ini file."""
    group = parser.getgroup("temporal", "a real Temporal server (temporal-devserver)")
    for name, option in TABLE.items():
        group.addoption(
            _flag(name),
            action="append" if option.several else "store",
            metavar=option.metavar,
            help=option.help + (" (may be repeated)" if option.several else ""),
        )
        kind: Literal["linelist", "string"] = "linelist" if option.several else "string"
        parser.addini(f"temporal_{name}", f"{option.help} ({option.metavar})", kind, default=None)


def read(config: pytest.Config) -> Settings:
    """Returns what was asked for.

    Raises:
        UsageError: A value cannot be; it says where it stands, and what would be one.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for name, option in TABLE.items():
        given = _given(config, name)
        if given is not None:
            sources[name], texts = given
            values[name] = _read(sources[name], option, texts)
    settings = Settings(values, sources)
    if settings.address and settings.profile:
        message = "temporal: an address and a profile are given; leave one of them out"
        raise pytest.UsageError(message)
    if sources:
        from . import checks

        checks.check_values(settings)
    return settings


def _given(config: pytest.Config, name: str) -> tuple[Source, list[str]] | None:
    """Returns the value as it was written, and where; None where it was not given."""
    flag = config.getoption(f"temporal_{name}")
    if flag is not None:
        return Source(_flag(name), config.invocation_params.dir), _lines(flag)
    variable = f"PYTEST_TEMPORAL_{name.upper()}"
    if os.environ.get(variable):
        return Source(variable, config.invocation_params.dir), os.environ[variable].splitlines()
    entry = config.getini(f"temporal_{name}")
    if entry:
        base = config.inipath.parent if config.inipath else config.rootpath
        return Source(f"temporal_{name}", base), _lines(entry)
    return None


def _read(source: Source, option: Option, texts: list[str]) -> object:
    try:
        if option.several:
            return dict(option.read(text, source.base) for text in texts if text.strip())
        if text := texts[-1].strip():
            return option.read(text, source.base)
    except ValueError as error:
        raise pytest.UsageError(f"{source.name}: {error}") from error
    message = f"{source.name}: no value is given; use {option.metavar}, or leave it out"
    raise pytest.UsageError(message)


def _lines(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _flag(name: str) -> str:
    return f"--temporal-{name.replace('_', '-')}"
