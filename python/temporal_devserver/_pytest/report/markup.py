"""Writes markup that is HTML and XML at once: every text that comes in goes through `text`."""

from __future__ import annotations

import html
import re

_IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f]")
"""What XML cannot have: control characters and halves of surrogate pairs."""


def text(told: object) -> str:
    """Returns any text, fit for content and for attributes in quotes."""
    return html.escape(_IMPOSSIBLE.sub("\ufffd", str(told)))


def short(told: str, most: int) -> str:
    """Returns the text, or its beginning, fit for content."""
    return text(told if len(told) <= most else f"{told[: most - 1]}…")


def place(run: str) -> str:
    """Returns the id of the drawing of a run."""
    return f"w-{text(run)}"
