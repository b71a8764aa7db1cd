"""The plan of `make chaos`: one seed, one plan; every kind first; and the same from a trace."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from chaos.book import Book
from chaos.faults import FAULTS
from chaos.plan import VARIANTS, replayed, rounds

if TYPE_CHECKING:
    from pathlib import Path


def test_every_kind_can_be_inflicted() -> None:
    assert [*FAULTS] == [*VARIANTS]


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_is_the_same_plan_and_begins_with_every_kind(seed: int) -> None:
    plan = [*islice(rounds(seed, 1), 40)]
    assert plan == [*islice(rounds(seed, 1), 40)]
    first = [fault.kind for each in plan for fault in each.faults][: len(VARIANTS)]
    assert sorted(first) == sorted(VARIANTS)
    for each in plan:
        assert 1 <= len(each.faults) <= 3
        assert len({fault.kind for fault in each.faults}) == len(each.faults)
        assert len(each.faults) == 1 or not any(fault.is_alone for fault in each.faults)


def test_a_trace_is_the_plan_again(tmp_path: Path) -> None:
    plan = [*islice(rounds(7, 20), 10)]
    book = Book(tmp_path / "trace", 7, 1.0)
    for number, each in enumerate(plan, 1):
        for fault in each.faults:
            book.add(book.enter(number, each.pause, fault))
    book.close()
    assert replayed(tmp_path / "trace") == (7, plan)
