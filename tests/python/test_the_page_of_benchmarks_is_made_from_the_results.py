"""`docs/benchmarks.md` says what the last results say, and every plot that it shows is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench_support import ROOT, bench

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_page_is_made_from_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = (ROOT / "docs/benchmarks.md").read_text()
    copy = tmp_path / "benchmarks.md"
    copy.write_text(written)
    with bench("page") as page:
        monkeypatch.setattr(page, "PAGE", copy)
        page.write()
    assert copy.read_text() == written
    plots = re.findall(r"\]\((plots/[^)]+)\)", written)
    assert plots
    assert all((ROOT / "docs" / plot).exists() for plot in plots)
