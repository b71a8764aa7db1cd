"""Decodes what the data converter of a test's client has encoded: failures, summaries, payloads.

A converter is the user's code: it may block, raise, or take for ever. So it runs in a thread of its
own; what it does not decode stays as it is, and the reason is told once.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

from temporalio import converter as sdk
from temporalio.api.common.v1 import Payload, SearchAttributes
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo

from .. import _aside, _timer
from .older import USER_METADATA, inner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.message import Message
    from temporalio.converter import DataConverter

SECONDS = 1.0
"""How long one decoding may take; a converter that takes longer is not used again."""


DEFAULTS = (sdk.DefaultFailureConverter, sdk.DefaultFailureConverterWithEncodedAttributes)
"""They change no failure but what is encoded in it."""

PLAIN = b"json/plain"


class Decoder:
    """Decodes what belongs to one namespace."""

    def __init__(self, converters: Sequence[DataConverter], namespace: str) -> None:
        self._converters = [*converters] or [sdk.DataConverter.default]
        self._namespace = namespace
        self._turn = asyncio.Lock()
        self._problem = ""

    @property
    def has_codec(self) -> bool:
        """Whether payloads are encoded."""
        return any(each.payload_codec is not None for each in self._converters)

    def problems(self) -> list[str]:
        """Returns a line that tells why something could not be decoded; none where all could be."""
        return [f"not all could be decoded: {self._problem}"] if self._problem else []

    async def decode(
        self, message: Message, workflow_id: str, workflow_type: str, *, payloads: bool = False
    ) -> None:
        """Decodes the failures and summaries in a message of the server, in place.

        Args:
            message: The message.
            workflow_id: Id of the workflow that it is about.
            workflow_type: Type of that workflow.
            payloads: Whether all other payloads are decoded, too.
        """
        facts = {"workflow_id": workflow_id, "workflow_type": workflow_type}
        kinds = (Failure, USER_METADATA, Payload) if payloads else (Failure, USER_METADATA)
        async with self._turn:  # the user's code is called once at a time
            for part, more in _parts(message, kinds):
                await self._change(part, {**facts, **more})

    async def _change(self, part: Message, facts: dict[str, Any]) -> None:
        """Puts what the first converter makes of it, that makes something of it, in its place."""
        before, problem = part.SerializeToString(deterministic=True), ""
        for converter in [each for each in self._converters if _is_encoded(part, each)]:
            copy = type(part)()
            copy.CopyFrom(part)
            work = _decode(converter, copy, {"namespace": self._namespace, **facts})
            try:
                await _timer.limited(_aside.waited(work, SECONDS), SECONDS)
            except asyncio.TimeoutError:
                problem = f"the data converter took more than {SECONDS:g} s"
                self._converters.remove(converter)
            except Exception as error:  # it is the user's, and may raise anything
                problem = f"{type(error).__name__}: {error}"
            else:
                if copy.SerializeToString(deterministic=True) != before:
                    part.CopyFrom(copy)
                    return
        self._problem = problem or self._problem


def _parts(
    message: Message, kinds: tuple[type[Message], ...]
) -> Iterator[tuple[Message, dict[str, Any]]]:
    """Returns what can be encoded in a message, each with what is known of its activity."""
    for field, value in message.ListFields():
        if field.message_type is None or isinstance(value, SearchAttributes):
            continue
        for part in _each(value):
            if isinstance(part, kinds):
                yield part, _activity(message)
            elif hasattr(part, "ListFields"):
                yield from _parts(part, kinds)


def _each(value: Any) -> Iterable[Any]:  # noqa: ANN401  # a message, a list or a map of them
    if hasattr(value, "ListFields"):
        return (value,)
    values: Iterable[Any] = value.values() if hasattr(value, "values") else value
    return values


def _activity(message: Message) -> dict[str, Any]:
    if not isinstance(message, PendingActivityInfo):
        return {}
    task_queue = inner(message, "activity_options", "task_queue")
    return {
        "activity_id": message.activity_id,
        "activity_type": message.activity_type.name,
        "activity_task_queue": "" if task_queue is None else task_queue.name,
        "is_local": False,
    }


def _is_encoded(part: Message, converter: DataConverter) -> bool:
    """Tells whether a converter can make something of it: a thread for nothing is too slow."""
    if isinstance(part, Failure):
        has_own = type(converter.failure_converter) not in DEFAULTS
        return has_own or _has_attributes(part)
    if isinstance(part, USER_METADATA):
        return bool(part.summary.metadata.get("encoding", PLAIN) != PLAIN)
    return converter.payload_codec is not None


def _has_attributes(failure: Failure) -> bool:
    return failure.HasField("encoded_attributes") or (
        failure.HasField("cause") and _has_attributes(failure.cause)
    )


async def _decode(converter: DataConverter, message: Message, facts: dict[str, Any]) -> None:
    converter = _in_context(converter, facts)
    if isinstance(message, Failure):
        error = await converter.decode_failure(message)
        _overlay(message, error)
    elif isinstance(message, USER_METADATA) and message.HasField("summary"):
        (summary,) = await converter.decode([message.summary])
        plain = sdk.DataConverter.default.payload_converter.to_payloads([summary])
        message.summary.CopyFrom(plain[0])
    elif isinstance(message, Payload) and converter.payload_codec is not None:
        (payload,) = await converter.payload_codec.decode([message])
        message.CopyFrom(payload)


def _overlay(failure: Failure, error: BaseException) -> None:
    """Writes into a failure, and its causes, what a failure converter made of it."""
    known = getattr(error, "failure", None)
    if isinstance(known, Failure):
        failure.stack_trace = known.stack_trace
    if failure.message:
        failure.message = str(getattr(error, "message", None) or error)
    if failure.HasField("cause") and error.__cause__ is not None:
        _overlay(failure.cause, error.__cause__)


def _in_context(converter: DataConverter, facts: dict[str, Any]) -> DataConverter:
    """Tells a converter of which workflow or activity it is about, where it can be told."""
    kind = "ActivitySerializationContext" if "is_local" in facts else "WorkflowSerializationContext"
    context = getattr(sdk, kind, None)
    if context is None or not hasattr(converter, "with_context"):
        return converter
    names = {field.name for field in dataclasses.fields(context)}
    return converter.with_context(context(**{key: facts[key] for key in names & facts.keys()}))
