"""The options of a server: the one list of them in Python, and their way to the core.

The core checks the values and knows the defaults. Here only what the core cannot know is done:
relative paths are resolved in the host, and Python's own types (`timedelta`, `PathLike`, search
attribute keys) become JSON.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import reprlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat, TypeAlias, TypedDict

from ._errors import ConfigError

if TYPE_CHECKING:
    from temporalio.common import SearchAttributeKey

Seconds: TypeAlias = "float | timedelta"
"""A duration: seconds, or a `timedelta`."""

Path: TypeAlias = "str | os.PathLike[str]"


class Health(TypedDict, total=False):
    """The health check of a running server."""

    interval: Seconds
    """Time between two checks."""
    timeout: Seconds
    """Time within which a check has to be answered."""
    failures: int
    """Failed checks in a row after which the server is restarted."""


class Restart(TypedDict, total=False):
    """When a server that ended is started again, and when no more.

    A server that had been ready is started again at once, up to `limit` times within `window`. Only
    exits without ever being ready are followed by a delay. `limit` and `window` bound how often a
    client brings back a lost supervisor, too: with a count of its own.
    """

    limit: int
    """Restarts within `window` (default 5); one more, and the server is given up (`failed`). With 0
    nothing is started again."""
    window: Seconds
    """Time over which restarts are counted (default 60 s)."""
    initial_delay: Seconds
    """Delay after the first exit without being ready (default 0.1 s); each further such exit is
    followed by a delay twice as long."""
    max_delay: Seconds
    """Longest delay after an exit without being ready (default 10 s)."""
    reset_after: Seconds
    """Time of being ready after which the delays begin anew (default 60 s)."""
    never_ready_limit: int
    """Exits in a row without ever being ready, after which the server is given up (default 3)."""


class Options(TypedDict, total=False):
    """The options of a server.

    Leaving one out, or None, means: the default, or on a running server: as it is.
    """

    db: Path | Literal[True] | None
    """Where the data lies: None in a throw-away file, True in one kept under the server's name, or
    a path."""
    namespaces: Sequence[str] | None
    """Namespaces to have. The first is the handle's `namespace`; without any it is `default`."""
    search_attributes: Mapping[str, str] | Sequence[SearchAttributeKey[Any]] | None
    """Search attributes to have in every namespace: type by name (`{"customer": "Keyword"}`), or
    Temporal's keys."""
    dynamic_config: Mapping[str, object] | None
    """Dynamic configuration of the server: JSON value by key, each for the whole server. It wins
    over what this package sets. Keys that the server does not know, and values of a wrong type,
    are `Status.warnings`."""
    ip: str | None
    """Where to listen: `127.0.0.1`, or `0.0.0.0`: all interfaces, without any authentication."""
    port: int | None
    """gRPC port; default: a free one."""
    ui: bool | None
    """Whether to serve the web interface."""
    ui_port: int | None
    """Port of the web interface, which is served then; default: a free one."""
    http_port: int | None
    """Port of the HTTP interface; default: a free one."""
    metrics_port: int | None
    """Port of the metrics; default: a free one."""
    executable: Path | None
    """Path of the `temporal` executable; default: the first one found."""
    version: str | None
    """Version that the `temporal` executable must have; downloaded where there is none such."""
    log_level: str | None
    """Log level of the server: `debug`, `info`, `warn`, `error` or `never`."""
    extra_args: Sequence[str] | None
    """Further arguments of `temporal server start-dev`."""
    start_timeout: Seconds | None
    """Time within which the server has to be ready."""
    stop_timeout: Seconds | None
    """Time that the server has for an orderly end before it is killed."""
    linger: Seconds | None
    """Time for which the server outlives this lease."""
    reset_above: int | None
    """When this lease is the first after none on a lingering server with throw-away data that has
    more than so many namespaces, the server is reset before the lease is granted. For the pytest
    plugin."""
    health: Health | None
    """The health check."""
    restart: Restart | None
    """The restart policy."""
    state_dir: Path | None
    """Directory of the server: locks, socket, logs."""
    watch: bool
    """Blocking face only: whether a daemon thread logs events and heals while the program does
    other things (default True). Without it that happens during calls."""


_PATHS = ("db", "executable", "state_dir")
HOST_ONLY = ("watch",)
"""Options that the core does not know."""


def to_json(options: Options) -> str:
    """Returns the JSON object that the core takes: the options that were given.

    Raises:
        ConfigError: An option is unknown or cannot be written as JSON.
    """
    known = Options.__annotations__
    given: dict[str, object] = {}
    for name, value in options.items():
        if name not in known:
            message = f"option `{name}`: is unknown; the options are {', '.join(sorted(known))}"
            raise ConfigError(message, option=name, problem="is unknown")
        if value is not None and name not in HOST_ONLY:
            given[name] = _plain(name, value)
            _check_text(name, json.dumps(given[name], ensure_ascii=False))
    return json.dumps(given)


def check_name(name: object) -> None:
    """Checks that the core can be told the name of a server; what a name may be, the core knows.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(name, (str, type(None))):
        raise _unfit("name", f"{name!r} is no text", "give a `str`, or None for a private server")
    _check_text("name", name or "")


def to_path(name: str, value: Path) -> str:
    """Returns a path that an argument names, as the core takes it: resolved here.

    Raises:
        ConfigError: It is none.
    """
    try:
        path = os.fspath(value)
    except TypeError:
        path = None
    if not isinstance(path, str) or not path:
        raise _unfit(name, f"{value!r} is no path", "give a `str` or a `pathlib.Path`")
    path = os.path.abspath(path)
    _check_text(name, path)
    return path


def to_seconds(name: str, value: Seconds | None) -> float | None:
    """Returns a duration that an argument names, in seconds.

    Raises:
        ConfigError: It is none.
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    given: object = value
    seconds = math.nan
    with contextlib.suppress(OverflowError):
        seconds = float(given) if isinstance(given, SupportsFloat) else math.nan
    if not math.isfinite(seconds):
        problem = f"{reprlib.repr(given)} is no duration"
        remedy = "give a finite number of seconds or a `timedelta`, or leave it out"
        raise _unfit(name, problem, remedy)
    return seconds


def _check_text(name: str, text: str) -> None:
    """Refuses what Python makes of bytes that are not UTF-8: JSON has no way to say it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        problem = f"{text[error.start]!r} stands for a byte that is not UTF-8"
        raise _unfit(name, problem, "use a path, or text, in UTF-8") from error


def _plain(name: str, value: object) -> object:
    """Returns a value of an option as JSON knows it."""
    if name in _PATHS and isinstance(value, (str, os.PathLike)):
        return os.path.abspath(os.fspath(value))
    if name == "search_attributes" and not isinstance(value, (str, Mapping)):
        value = dict(map(_search_attribute, _sequence(name, value)))
    elif name != "dynamic_config":
        value = _in_seconds(name, value)
    try:
        return json.loads(json.dumps(value, default=_mapping_or_sequence, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise _unfit(name, str(error)) from error


def _in_seconds(name: str, value: object) -> object:
    """Returns a value with its durations in seconds; JSON has no word for those without an end."""
    if isinstance(value, Mapping):
        return {key: _in_seconds(name, entry) for key, entry in value.items()}
    return to_seconds(name, value) if isinstance(value, (float, timedelta)) else value


def _mapping_or_sequence(value: object) -> object:
    """Lets `json` take every mapping and sequence, not only `dict`, `list` and `tuple`."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    message = f"a `{type(value).__name__}` is no JSON value"
    raise TypeError(message)


def _sequence(name: str, value: object) -> Sequence[object]:
    if isinstance(value, Sequence):
        return value
    raise _unfit(name, f"a {type(value).__name__} is neither a mapping nor a sequence")


def _search_attribute(key: object) -> tuple[str, str]:
    """Returns name and type (spelled as by `temporal`: `KeywordList`) of a search attribute key."""
    try:
        kind: str = key.indexed_value_type.name  # type: ignore[attr-defined]
        name: str = key.name  # type: ignore[attr-defined]
    except AttributeError as error:
        raise _unfit("search_attributes", f"{key!r} is no search attribute key") from error
    return name, kind.title().replace("_", "")


def _unfit(name: str, problem: str, remedy: str = "") -> ConfigError:
    remedy = remedy or f"see the type of `{name}` in the documentation"
    message = f"option `{name}`: {problem}; {remedy}"
    return ConfigError(message, option=name, problem=problem, remedy=remedy)


for _class in (Health, Restart):
    _class.__module__ = "temporal_devserver"
