"""Which tests fail fast: the option `--temporal-fail-fast`, and the marker that overrides it.

Without it a test waits for ever for a workflow whose task fails: the server retries the task until
it succeeds, because the next deployment may mend the code. In a test no deployment comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import run, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

MARKER = "temporal_fail_fast"
"""Name of the marker."""

DESCRIPTION = (
    f"{MARKER}(True | False | n): whether a wait for a workflow ends with an error once its "
    "workflow task has failed so often in a row; overrides --temporal-fail-fast"
)
"""The marker as `pytest --markers` shows it."""


def options(request: pytest.FixtureRequest, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the options of a test's client, with the interceptor that fails fast.

    Args:
        request: The fixture request of the test.
        given: The options of the client so far.

    Raises:
        ConfigError: The argument of the marker cannot work.
    """
    failures = _failures(request)
    if not failures:
        return given
    from . import waits

    interceptors = [*given.get("interceptors", ()), waits.FailFast(failures)]
    return {**given, "interceptors": interceptors}


def _failures(request: pytest.FixtureRequest) -> int:
    """Returns the number of failures in a row that end a wait; 0 for never."""
    configured: int = run.of(request.config).settings.fail_fast
    marker = request.node.get_closest_marker(MARKER)
    if marker is None:
        return configured
    value = marker.args[0] if marker.args else True
    if len(marker.args) > 1 or marker.kwargs or not isinstance(value, int) or value < 0:
        from .._errors import ConfigError

        given = ", ".join(
            [*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())]
        )
        problem = f"the marker {MARKER}({given}) has no meaning"
        remedy = "give it True, False, or a number of failures"
        message = f"{problem}; {remedy}"
        raise ConfigError(message, option=MARKER, problem=problem, remedy=remedy)
    if value is True:
        return configured or words.FAILURES
    return int(value)
