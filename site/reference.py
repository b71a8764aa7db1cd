"""Every public name is in the API reference.

A name without a docstring would be left out silently; `mkdocs build --strict` then fails.
"""

from __future__ import annotations

import ast
import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

PACKAGE = Path(__file__).parents[1] / "python/temporal_devserver/__init__.py"
log = logging.getLogger("mkdocs.hooks.reference")


def public_names() -> list[str]:
    """Returns `__all__`, without importing the package."""
    for node in ast.parse(PACKAGE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def on_page_content(html: str, page: Page, **_: object) -> None:
    """Warns of each name that is not on the page."""
    if page.file.src_uri == "api.md":
        for name in public_names() or ["__all__"]:
            if f'id="temporal_devserver.{name}"' not in html:
                log.warning("`%s` is not in the API reference: give it a docstring", name)
