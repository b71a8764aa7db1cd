"""A drawing is well-formed, inside its borders, and shows each thing once, whatever it is of."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from temporal_devserver._pytest.report import drawing, rows, units
from timelines import HOSTILE, NOW, bar, workflow

if TYPE_CHECKING:
    from temporal_devserver._pytest.report.data import Workflow

SVG = "{http://www.w3.org/2000/svg}"

KINDS = ("activity", "timer", "child", "signal", "update", "workflow task", "nexus")

OUTCOMES = ("completed", "failed", "timed out", "canceled", "pending", "fired", "left open")


def drawn(of: Workflow, here: tuple[str, ...] = ()) -> ET.Element:
    return ET.fromstring(drawing.svg(of, here))


def labels(root: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name: str) -> None:
    one = bar(name=name, note=name, outcome="failed")
    root = drawn(workflow(bars=[one, bar(kind=name, end=None)], id=name))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "g", "text", "tspan", "rect", "path", "title",
    }  # fmt: skip
    if name.isprintable() and len(name) < 30:
        assert f"activity {name}" in labels(root)


def test_no_history_and_no_time() -> None:
    assert labels(drawn(workflow())) != []
    root = drawn(workflow(bars=[bar(end=NOW)], end=NOW, asked=NOW))
    assert "activity charge" in labels(root)


@pytest.mark.parametrize("seed", range(40))
def test_anything_stays_inside_its_borders(seed: int) -> None:
    dice = random.Random(seed)
    bars = []
    for _ in range(dice.randrange(200)):
        begin = NOW + dice.choice([0, dice.random(), dice.random() * 1e6, -1000])
        bars.append(
            bar(
                kind=dice.choice(KINDS),
                name=dice.choice(HOSTILE),
                begin=begin,
                start=dice.choice([None, begin, begin + dice.random()]),
                end=dice.choice([None, begin, begin + dice.random() * 10, begin + 1e5]),
                outcome=dice.choice(OUTCOMES),
                attempts=dice.choice([1, 1, 2, 99]),
                note=dice.choice(["", *HOSTILE]),
            )
        )
    bars.sort(key=lambda bar: bar["begin"])
    length = dice.choice([0.0, 1e-6, 1.0, 3e7])
    root = drawn(workflow(bars=bars, end=NOW + length, asked=NOW + length))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.attrib["width"]) >= drawing.NARROWEST
        assert drawing.LABEL - 1 <= float(box.attrib["x"]) <= drawing.LABEL + drawing.CHART
        assert float(box.attrib["y"]) < float(root.attrib["height"])
    assert len(list(root.iter(f"{SVG}title"))) == len(bars)


def test_a_retried_activity_shows_what_failed_before() -> None:
    one = bar(start=NOW + 0.8, attempts=3, note="ValueError: declined")
    root = drawn(workflow(bars=[one]))
    retried, last = root.iter(f"{SVG}rect")
    assert (retried.attrib["class"], last.attrib["class"]) == ("retried", "good")
    assert float(retried.attrib["width"]) > 3 * float(last.attrib["width"])
    assert {"completed, attempt 3, 1 s", "ValueError: declined"} <= set(labels(root))


def test_what_is_open_is_drawn_open() -> None:
    root = drawn(workflow(bars=[bar(end=None, start=None, outcome="pending")], end=None))
    (path,) = (path for path in root.iter(f"{SVG}path") if path.attrib["class"] == "open")
    assert not path.attrib["d"].endswith("z")
    assert "no worker took it, 2 s" in labels(root)


def test_a_child_is_linked_where_it_is_in_the_page() -> None:
    child = bar(kind="child", link="r2")
    targets = [
        link.attrib["href"] for link in drawn(workflow(bars=[child]), ("r2",)).iter(f"{SVG}a")
    ]
    assert set(targets) == {"#w-r2"}
    assert not list(drawn(workflow(bars=[child])).iter(f"{SVG}a"))


def test_bars_share_a_row_unless_they_overlap() -> None:
    first, second = bar(), bar(begin=NOW + 1, end=NOW + 2, outcome="failed")
    (row,) = rows.rows(workflow(bars=[first, second]))
    assert rows.result(workflow(), row) == "1 completed, 1 failed"
    assert len(rows.rows(workflow(bars=[first, bar(begin=NOW + 0.5)]))) == 2


def test_what_was_left_out_is_said() -> None:
    assert "7 more are not drawn" in labels(drawn(workflow(bars=[bar()], more=7)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"), (1e-9, "0 s"), (4e-5, "40 µs"), (0.0012, "1.2 ms"), (0.25, "250 ms"),
        (0.9996, "1 s"), (1.25, "1.25 s"), (59.999, "1 min"), (125, "2 min 5 s"), (7200, "2 h"),
        (7259.9, "2 h 1 min"), (90_000, "1 d 1 h"), (86_400 * 400.0, "400 d"),
    ],
)  # fmt: skip
def test_times_in_words(seconds: float, words: str) -> None:
    assert units.span(seconds) == words


@pytest.mark.parametrize("exponent", range(-3, 10))
def test_the_axis_has_some_marks_and_not_too_many(exponent: int) -> None:
    for factor in (1, 1.9, 3, 5, 9.9):
        marks = units.ticks(factor * 10.0**exponent)
        assert 2 <= len(marks) <= 7, factor
        assert len({units.span(mark) for mark in marks}) == len(marks)
        assert marks[0] == 0
        assert marks[-1] <= factor * 10.0**exponent
