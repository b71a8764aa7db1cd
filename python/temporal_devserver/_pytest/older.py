"""Reads what the messages of an older SDK may lack.

The fact: the classes of messages belong to the SDK. A field that the server has sent is therefore
missing with an older SDK, and reading it is an `AttributeError`; the descriptor tells.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from temporalio.api.sdk import v1 as sdk_messages

if TYPE_CHECKING:
    from google.protobuf.message import Message

USER_METADATA: Final[type[Any]] = getattr(sdk_messages, "UserMetadata", NoneType)
"""The message `UserMetadata`, which SDK 1.5 does not have. No message is a `NoneType`."""


def inner(message: Message, *path: str) -> Any:  # noqa: ANN401  # of any type
    """Returns the message at a path of fields; None where one is not set, or the SDK lacks it."""
    found: Any = message
    for field in path:
        if field not in found.DESCRIPTOR.fields_by_name or not found.HasField(field):
            return None
        found = getattr(found, field)
    return found
