"""`--temporal-report`: one page about all tests, whichever process ran them; nothing without it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from support import Sandbox

HTML = "{http://www.w3.org/1999/xhtml}"

SVG = "{http://www.w3.org/2000/svg}"

SUITE = Path(__file__).with_name("report_suite.py")


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the suite in a project of its own."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_shop.py").write_text(SUITE.read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )


def words(element: ET.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def labels(section: ET.Element) -> set[str]:
    return {words(text) for text in section.iter(f"{SVG}text")}


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("real_temporal")
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_every_test_and_workflow_is_in_it_once(sandbox: Sandbox, workers: tuple[str, ...]) -> None:
    project = sandbox.tmp / "project"
    project.mkdir()
    ran = run(project, "--temporal-report", "out/report.html", *workers)
    assert "1 failed, 4 passed, 1 skipped" in ran.stdout, ran.stdout + ran.stderr
    assert "Temporal report: " in ran.stdout
    (path,) = (project / "out").iterdir()
    root = ET.fromstring(path.read_text())

    rows = [[words(cell) for cell in row] for row in root.iter(f"{HTML}tr")][1:]
    assert rows[0][:2] == ["failed", "test_shop.py::test_refused"]
    assert {row[1].partition("::")[2]: row[3] for row in rows} == {
        "test_refused": "1",
        "test_delivered": "2",
        "test_waiting": "1",
        "test_lonely": "1",
        "test_without_temporal": "",
        "test_skipped": "",
    }
    sections = {words(next(each.iter(f"{HTML}h3"))): each for each in root.iter(f"{HTML}section")}
    assert len(sections) == 5
    found = {re.sub(r" (\d|µ)[^,]*, task queue \S+", "", head): s for head, s in sections.items()}
    assert set(found) == {
        "failed Order refused",
        "completed Order <b>Ö & co</b>",
        "completed Ship ship-1 , child of <b>Ö & co</b>",
        "running Waiting waiting",
        "running Any lonely",
    }
    _look_at(found, root)


def _look_at(found: dict[str, ET.Element], root: ET.Element) -> None:
    order = labels(found["completed Order <b>Ö & co</b>"])
    assert {"activity charge", "signal approve", "child Ship ship-1"} <= order
    assert any(label.startswith("completed, attempt 3, ") for label in order)
    refused = labels(found["failed Order refused"])
    assert any(label.startswith("failed, attempt 3, ") for label in refused)
    assert "ConnectionError: the bank <b>does not answer</b>" in refused
    waiting = labels(found["running Waiting waiting"])
    assert {"timer 1 h", "activity courier"} <= waiting
    assert any(label.startswith("pending, ") for label in waiting)
    assert any("no worker took it" in label for label in labels(found["running Any lonely"]))
    places = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    links = {element.attrib["href"][1:] for element in root.iter() if "href" in element.attrib}
    assert links <= places
    allowed = {"svg", "g", "a", "text", "tspan", "title", "rect", "path"}
    drawn = {each.tag.removeprefix(SVG) for each in root.iter() if each.tag.startswith(SVG)}
    assert drawn <= allowed


def test_nothing_of_it_is_loaded_without_the_option(sandbox: Sandbox) -> None:
    program = (
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print('LOADED', [name for name in sys.modules if '_pytest.report.' in name])\n"
    )
    (sandbox.tmp / "conftest.py").write_text(program)
    ran = run(sandbox.tmp, "-s", "-k", "without_temporal")
    assert "LOADED []" in ran.stdout, ran.stdout + ran.stderr


def test_a_page_that_cannot_be_written_fails_no_test(sandbox: Sandbox) -> None:
    ran = run(sandbox.tmp, "-k", "without_temporal", "--temporal-report", "test_shop.py/x.html")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the Temporal report cannot be written: " in ran.stdout


def test_a_directory_is_refused_at_once(sandbox: Sandbox) -> None:
    ran = run(sandbox.tmp, "--temporal-report", ".")
    assert ran.returncode == 4
    assert "name a file" in ran.stderr


def test_a_mere_collection_leaves_the_page_of_the_last_run(sandbox: Sandbox) -> None:
    (sandbox.tmp / "r.html").write_text("the last run")
    run(sandbox.tmp, "--collect-only", "--temporal-report", "r.html")
    assert (sandbox.tmp / "r.html").read_text() == "the last run"
