"""A page for everything outside `docs/` that the documentation links to.

A link such as `../examples/outage` works wherever the repository is browsed. The site knows no
address of the repository, so it holds these files itself. What is not there gets no page, and
`mkdocs build --strict` refuses the link.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(\.\./([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each target that is there."""
    for page in list(files.documentation_pages()):
        for target in LINK.findall(page.content_string):
            if (ROOT / target).exists() and name_of(target) not in files.src_uris:
                files.append(File.generated(config, name_of(target), content=page_of(target)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lets the links go to these pages."""
    return LINK.sub(lambda link: f"]({name_of(link[1])}", markdown)


def name_of(target: str) -> str:
    """Returns where the page of a target is."""
    return f"sources/{target.removesuffix('.md').rstrip('/')}.md"


def page_of(target: str) -> str:
    """Returns a file, or each file of a folder, as a page."""
    path = ROOT / target
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    parts = sorted(path.iterdir()) if path.is_dir() else [path]
    shown = [f"# {target}"]
    for part in parts:
        if part.is_file():
            language = {".py": "python", ".ini": "ini", ".json": "json"}.get(part.suffix, "text")
            code = part.read_text(encoding="utf-8")
            shown.append(f"## {part.name}\n\n````{language}\n{code}````")
    return "\n\n".join(shown)
