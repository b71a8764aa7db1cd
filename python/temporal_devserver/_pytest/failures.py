"""Temporal's failures, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from temporalio.api.failure.v1 import Failure

TRACE = 3
"""Lines of the innermost stack trace that are shown."""


def chain(failure: Failure) -> Iterator[str]:
    """Returns a line for a failure and each of its causes, the innermost last."""
    while True:
        yield f"{_kind(failure)}: {failure.message}"
        if not failure.HasField("cause"):
            break
        failure = failure.cause
    for line in failure.stack_trace.splitlines()[-TRACE:]:
        yield f"    {line.rstrip()}"


def last(failure: Failure) -> str:
    """Returns the innermost cause in one line."""
    while failure.HasField("cause"):
        failure = failure.cause
    return f"{_kind(failure)}: {failure.message}"


def _kind(failure: Failure) -> str:
    if failure.HasField("application_failure_info"):
        return failure.application_failure_info.type or "ApplicationError"
    kind = failure.WhichOneof("failure_info") or "failure"
    words = kind.removesuffix("_failure_info").split("_")
    return "".join(word.title() for word in words) + "Error"
