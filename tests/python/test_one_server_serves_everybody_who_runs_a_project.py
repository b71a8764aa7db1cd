"""Workers of xdist, two runs at once or in a row: one server; another project has another one."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from support import eventually, is_alive
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite
    from support import Sandbox

ALL_AT_ONCE = """
@pytest.fixture(scope="session")
def together(temporal_server):
    meet({count})  # so that no server goes before the last one has come

@pytest.mark.parametrize("number", range(24))
def test_one(together, temporal_server, temporal_namespace, number):
    tell(temporal_server.status().pid, temporal_namespace)
    assert temporal_namespace in temporal_server.list_namespaces()
"""

TWO = """
def test_one(temporal_server):
    tell(temporal_server.name, temporal_server.status().pid)
    meet(2)
"""


LONG = [pytest.param(count, marks=pytest.mark.long) for count in (4, 8)]


@pytest.mark.parametrize("workers", [0, 2, *LONG])
def test_the_workers_of_xdist(suite: Suite, workers: int) -> None:
    suite.tests(ALL_AT_ONCE.format(count=max(workers, 1)))
    suite.run("-n", str(workers)).assert_outcomes(passed=24)
    pids, namespaces = zip(*suite.told(), strict=True)
    assert len(set(pids)) == 1
    assert len(set(namespaces)) == 24


@pytest.mark.long
def test_files_distributed_to_workers(suite: Suite) -> None:
    for name in "ab":
        suite.tests(ALL_AT_ONCE.format(count=2), f"test_{name}.py")
    suite.run("-n2", "--dist", "loadfile").assert_outcomes(passed=48)
    assert len({pid for pid, _ in suite.told()}) == 1


def test_two_runs_at_once_of_one_project_but_not_of_two(suite: Suite) -> None:
    for name in ("test_suite.py", "sub/test_suite.py"):
        suite.tests(TWO.replace("meet(2)", "meet(3)"), name)
    other = suite.path / "other" / suite.path.name
    shutil.copytree(suite.path, other, ignore=shutil.ignore_patterns("other", "tell.py"))
    with (
        suite.started("test_suite.py") as one,
        suite.started("test_suite.py", cwd=suite.path / "sub") as two,
        suite.started("test_suite.py", cwd=other) as three,
    ):
        for run in (one, two, three):
            code, out, err = run.end()
            assert (code, err) == (0, ""), out
    servers = sorted(tuple(entry) for entry in suite.told())
    assert len(servers) == 3
    assert len(set(servers)) == 2


def test_a_run_that_comes_to_a_full_server_takes_nothing_from_another(suite: Suite) -> None:
    suite.tests(
        """
def test_fills(temporal_server, temporal_namespace):
    for number in range(205):
        temporal_server.create_namespace(f"old-{number}")
    tell(temporal_server.status().pid)
    meet(2)
    assert temporal_namespace in temporal_server.list_namespaces()
"""
    )
    suite.tests(
        """
def test_comes(temporal_server, temporal_namespace):
    tell(temporal_server.status().pid)
    meet(2)
""",
        "test_other.py",
    )
    with suite.started("test_suite.py") as one:
        eventually("it is full", suite.told, 40)
        with suite.started("test_other.py") as two:
            for run in (one, two):
                code, out, err = run.end()
                assert (code, err) == (0, ""), out
    first, second = suite.told()
    assert first == second


@pytest.mark.long
def test_runs_that_come_and_go(suite: Suite) -> None:
    suite.tests("def test_one(temporal_server, temporal_namespace): pass")
    with ExitStack() as stack:
        runs = [stack.enter_context(suite.started()) for _ in range(6)]
        for run in runs:
            code, out, err = run.end()
            assert (code, err) == (0, ""), out


@pytest.mark.long
def test_a_link_to_the_executable_is_no_other_server(suite: Suite, fake_temporal: Path) -> None:
    below = suite.path / "below"
    suite.tests(TWO)
    suite.file("below/empty.txt", "")
    (suite.path / "temporal").symlink_to(fake_temporal)
    suite.ini(temporal_executable="temporal")
    with (
        suite.started() as one,
        suite.started("..", "--temporal-executable=../temporal", "-n1", cwd=below) as two,
    ):
        for run in (one, two):
            code, out, err = run.end()
            assert (code, err) == (0, ""), out
    assert len({tuple(entry) for entry in suite.told()}) == 1


def test_another_environment_has_another_server(
    suite: Suite, fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.tests(TWO)
    suite.ini()
    with ExitStack() as stack:
        for name in ("one", "two"):
            copy = shutil.copy(fake_temporal, suite.path / name)
            monkeypatch.setenv("TEMPORAL_DEVSERVER_EXECUTABLE", str(copy))
            stack.enter_context(suite.started())
        eventually("both have met", lambda: len(suite.told()) == 2, 40)
    (one_name, one_pid), (two_name, two_pid) = suite.told()
    assert one_name != two_name
    assert one_pid != two_pid


@pytest.mark.long
def test_a_custom_rootdir_is_another_project(suite: Suite) -> None:
    suite.tests(TWO)
    suite.file("root/empty.txt", "")
    with suite.started("-n1") as one, suite.started("-n1", "--rootdir=root") as two:
        assert one.end()[0] == 0
        assert two.end()[0] == 0
    names = {name for name, _ in suite.told()}
    assert len(names) == 2
    assert any(name.startswith("pytest-root-") for name in names)


KEPT = """
import time

def test_one(request):
    began = time.perf_counter()
    server = request.getfixturevalue("temporal_server")
    seconds = time.perf_counter() - began
    tell(server.name, server.status().pid, server.ui_url, seconds)
"""


def ended(name: str, pid: int, sandbox: Sandbox) -> None:
    """Ends a server that was kept."""
    assert is_alive(pid)
    with DevServer(name, state_dir=sandbox.state / "pytest") as server:
        server.stop()
    eventually("it has gone", lambda: not is_alive(pid))


def test_a_kept_server_is_there_for_the_next_run(suite: Suite, sandbox: Sandbox) -> None:
    suite.tests(KEPT)
    for _ in range(2):
        suite.run("--temporal-keep=10min").assert_outcomes(passed=1)
    (name, pid, ui, _), (*again, seconds) = suite.told()
    assert [name, pid, ui] == again
    assert ui.startswith("http://")
    assert seconds < 0.5, "it attaches in some milliseconds"
    ended(name, pid, sandbox)


def test_a_kept_server_outlives_a_pytest_that_is_killed(suite: Suite, sandbox: Sandbox) -> None:
    suite.tests(KEPT + "    import os\n    os.kill(os.getpid(), 9)\n")
    suite.run("--temporal-keep=10min")
    ((name, pid, *_),) = suite.told()
    ended(name, pid, sandbox)
