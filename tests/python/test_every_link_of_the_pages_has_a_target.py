"""What a page links to inside the repository is there; `make docs` checks the same of the site."""

from __future__ import annotations

import re

from docs_support import PAGES, ROOT


def test_links() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page}: {link}"
