"""The page has each test and workflow once, nothing unescaped, and a size that a browser bears."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from temporal_devserver._pytest.report import page
from timelines import HOSTILE, NOW, bar, entry, workflow

if TYPE_CHECKING:
    from temporal_devserver._pytest.report.data import Entry

HTML = "{http://www.w3.org/1999/xhtml}"


def parsed(*tests: Entry, title: str = "t") -> ET.Element:
    return ET.fromstring(page.page(title, tests, "now"))


def ids(root: ET.Element) -> list[str]:
    return [element.attrib["id"] for element in root.iter() if "id" in element.attrib]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name: str) -> None:
    told = workflow(id=name, type=name, queue=name, status=name, note=name, bars=[bar(name=name)])
    test = entry(name, [told], outcome="failed", text=name, why=name, problems=[name])
    root = parsed(test, title=name)
    assert not list(root.iter(f"{HTML}script"))
    assert len(ids(root)) == 2
    if name and name.isprintable() and len(name) < 300:
        assert "".join(next(root.iter(f"{HTML}pre")).itertext()) == name


def test_every_workflow_is_drawn_once_and_every_link_leads_somewhere() -> None:
    child = workflow("r2", parent="r1")
    parent = workflow("r1", [bar(kind="child", link="r2"), bar(kind="child", link="r9")], next="r3")
    root = parsed(entry("a", [parent, child]), entry("b", [child, workflow("r3")]), entry("c"))
    places = ids(root)
    assert sorted(places) == ["t0", "t1", "w-r1", "w-r2", "w-r3"]
    links = {link.attrib["href"] for link in root.iter() if "href" in link.attrib}
    assert links == {f"#{place}" for place in places}


def test_failed_tests_come_first_and_are_open() -> None:
    root = parsed(entry("good", [workflow("r1")]), entry("bad", outcome="failed", text="no"))
    first, second = root.findall(f"{HTML}body/{HTML}details")
    assert "bad" in "".join(first.itertext())
    assert ("open" in first.attrib, "open" in second.attrib) == (True, False)
    assert "1 failed, 1 passed, 1 workflows" in "".join(root.itertext())


def test_it_loads_nothing() -> None:
    text = page.page("t", [entry("a", [workflow(bars=[bar()])])], "now")
    for word in ("<script", "<link", "<img", "src=", "url(", "@import"):
        assert word not in text
    assert "default-src 'none'" in text.replace("&#x27;", "'")


@pytest.mark.long
def test_a_thousand_tests_stay_small() -> None:
    many = [bar(name=f"step {n}", begin=NOW + n / 100, end=NOW + n / 90) for n in range(200)]
    tests = [
        entry(f"test_{n}", [workflow(f"{n}-{m}", many) for m in range(5)], text="x\n" * 3000)
        for n in range(1000)
    ]
    tests[-1]["outcome"] = "failed"
    begin = time.process_time()
    text = page.page("t", tests, "now")
    assert time.process_time() - begin < 20
    assert len(text.encode()) < 10_000_000
    assert 'id="w-999-4"' in text
    assert "more is left out" in text
    ET.fromstring(text)
