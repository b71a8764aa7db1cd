"""Who that does not use it pays next to nothing; who does sees nothing of it if all is well."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from support import eventually

if TYPE_CHECKING:
    from pytest_support import Suite
    from support import Sandbox

TESTS = "def test_one(temporal_namespace): pass\ndef test_two(temporal_client): pass\n"


def test_its_import_loads_nothing_heavy() -> None:
    loaded = "import sys, temporal_devserver._pytest.plugin; print(*sys.modules)"
    modules = set(subprocess.check_output([sys.executable, "-c", loaded], text=True).split())
    ours = {f"temporal_devserver.{name}" for name in ("_core", "_aside", "_blocking")}
    assert not modules & (ours | {"temporalio"})


@pytest.mark.parametrize("options", [["--collect-only"], ["--fixtures"], ["--setup-plan"], []])
def test_nothing_is_started_unless_a_fixture_is_used(suite: Suite, options: list[str]) -> None:
    suite.tests(TESTS if options else "def test_one(temporal_task_queue): pass")
    suite.file("notemporal", "")
    suite.ini(temporal_executable=suite.path / "notemporal")  # would be an error
    result = suite.inside(*options)
    assert result.ret == 0
    assert "rror" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("options", [[], ["-n1"]])
def test_a_run_without_temporal_loads_nothing_heavy(suite: Suite, options: list[str]) -> None:
    suite.ini()
    suite.tests("def test_one(): pass")
    suite.file(
        "conftest.py",
        """
import sys
from tell import tell

def pytest_unconfigure():
    heavy = {"_core", "_aside", "_blocking"}
    tell([name for name in heavy if f"temporal_devserver.{name}" in sys.modules])
""",
    )
    suite.run("-q", *options).assert_outcomes(passed=1)
    assert suite.told() == [[[]]] * (1 + len(options))


def test_tests_that_pass_print_nothing(suite: Suite) -> None:
    suite.tests(TESTS)
    result = suite.run("-rA", "--verbose", "-s")
    result.assert_outcomes(passed=2)
    assert not result.errlines
    begin = next(n for n, line in enumerate(result.outlines) if line.startswith("collect"))
    assert "emporal" not in "\n".join(result.outlines[begin:]).replace("temporal_namespace", "")


def test_it_can_be_switched_off(suite: Suite) -> None:
    suite.tests("def test_one(temporal_server): pass")
    (suite.path / "pytest.ini").write_text("[pytest]\n")
    result = suite.run("-p", "no:temporal_devserver")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'temporal_server' not found*"])


def test_a_report_for_machines_stays_as_it_is(suite: Suite) -> None:
    suite.tests(TESTS + "def test_three(temporal_namespace): assert False")
    suite.inside("--junitxml=junit.xml")
    cases = list(ElementTree.parse(suite.path / "junit.xml").iter("testcase"))
    assert [[child.tag for child in case] for case in cases] == [[], [], ["failure"]]
    suite.inside("--junitxml=all.xml", "-o", "junit_logging=all")
    captured = ElementTree.parse(suite.path / "all.xml").iter("system-out")
    assert "Temporal" not in "".join(each.text or "" for each in captured)


def test_it_is_alive_while_one_debugs(suite: Suite) -> None:
    suite.tests("def test_one(temporal_server, temporal_namespace):\n    assert False\n")
    with suite.started("--pdb") as run:
        code, out, err = run.end(
            "print('is there:', temporal_namespace in temporal_server.list_namespaces())\nquit()\n"
        )
    assert "is there: True" in out, out + err
    assert code in {1, 2}
    assert not err


def test_in_any_order_and_again(suite: Suite, fake_temporal: object) -> None:
    suite.tests(
        """
RUNS = []

@pytest.mark.parametrize("number", range(8))
def test_one(temporal_server, temporal_namespace, number):
    tell(temporal_server.address)
    RUNS.append(number)
    assert number or RUNS.count(0) > 2
"""
    )
    pytest.importorskip("pytest_randomly", reason="it is made for Python 3.11 and newer")
    suite.ini(temporal_executable=fake_temporal, addopts="-p randomly")
    result = suite.run("--reruns=3")
    assert result.parseoutcomes() == {"passed": 8, "rerun": 2}
    result.stdout.fnmatch_lines(["Using --randomly-seed=*"])
    assert len({address for (address,) in suite.told()}) == 1


@pytest.mark.long
def test_what_a_test_starts_may_use_it_too(suite: Suite, sandbox: Sandbox) -> None:
    suite.tests(
        """
import subprocess, sys

def test_outer(temporal_server):
    tell(temporal_server.status().pid)
    argv = [sys.executable, "-m", "pytest", "-p", "no:asyncio", "test_inner.py"]
    subprocess.run(argv, check=True)
"""
    )
    suite.tests(
        "def test_inner(temporal_server): tell(temporal_server.status().pid)", "test_inner.py"
    )
    suite.run("test_suite.py").assert_outcomes(passed=1)
    (one,), (two,) = suite.told()
    assert one == two
    eventually("it has gone", lambda: one not in sandbox.servers() and one != os.getpid())
