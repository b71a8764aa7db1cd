"""The guard of the ratios: one bad round may be bad luck, three are a loss."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench_support import bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("rounds", "is_good"),
    [([1.0], True), ([1.4, 1.4, 1.3], True), ([1.4, 1.32, 1.9], False), ([9.0, 1.3], True)],
)
def test_what_is_lost(
    rounds: list[float], is_good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = tmp_path / "accepted.json"
    accepted.write_text(json.dumps({"start": {"largest": 1.01, "medians": [1.0, 1.01]}}))
    left = iter(rounds)
    with bench("guard") as guard:

        def measure(_: object) -> object:
            return guard.Figure("start", "x", [next(left)])

        monkeypatch.setattr(guard, "FILE", accepted)
        monkeypatch.setattr(guard, "RATIOS", [measure])
        assert guard.check(None) is is_good
    assert next(left, None) is None, "it went on although all was clear"
