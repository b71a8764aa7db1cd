"""What went on in Temporal stands in the report of a test that fails, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_support import Suite

FAILS = """
def test_fails(temporal_server, temporal_namespace):
    with open(temporal_server.log_path, "a") as log:
        log.write("this is of the time of the test\\n")
    assert False
"""


def test_with_the_lines_of_the_log_since_it_began(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_TEMPORAL", "print=this is of the start")
    suite.tests(FAILS)
    result = suite.inside()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Temporal log of pytest-*", "this is of the time of the test"])
    result.stdout.no_fnmatch_line("this is of the start")


def test_also_where_its_end_fails(suite: Suite) -> None:
    suite.tests(
        """
@pytest.fixture
def ending(temporal_private_server, temporal_server, temporal_namespace):
    yield
    with open(temporal_server.log_path, "a") as log:
        log.write("this is of the end of the test\\n")
    raise OSError

def test_ends_badly(ending): pass
def test_after_it(temporal_namespace): pass
"""
    )
    result = suite.inside()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*Temporal workflows in test_ends_badly-*", "this is of the end of the test"]
    )
    assert result.stdout.str().count("Temporal workflows in test_ends_badly") == 1


def test_unless_it_is_told_not_to(suite: Suite) -> None:
    suite.tests(FAILS)
    result = suite.inside("--temporal-explain=no")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*Temporal*")


def test_that_asks_for_its_namespace_late(suite: Suite) -> None:
    suite.tests(
        """
def test_fails(request):
    request.getfixturevalue("temporal_namespace")
    assert False
"""
    )
    result = suite.inside()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Temporal workflows in test_fails-*"])


def test_though_its_namespace_is_one_of_its_project(suite: Suite) -> None:
    suite.file(
        "conftest.py",
        """
import pytest

@pytest.fixture(scope="session")
def temporal_namespace(temporal_server):
    temporal_server.create_namespace("ours")
    return "ours"
""",
    )
    suite.tests("def test_fails(temporal_client): assert False\n")
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Temporal workflows in ours*"])


def test_each_time_it_is_run_anew(suite: Suite) -> None:
    suite.tests("def test_fails(temporal_namespace): assert False\n")
    result = suite.run("--reruns=2")
    assert result.parseoutcomes() == {"failed": 1, "rerun": 2}
    assert result.stdout.str().count("Temporal workflows in") == 1


def test_with_one_section_for_a_server_used_twice(suite: Suite) -> None:
    suite.tests(
        """
def test_fails(temporal_server, temporal_server_factory):
    again = temporal_server_factory()
    assert again.address == temporal_server.address
    with open(temporal_server.log_path, "a") as log:
        log.write("one line\\n")
    assert False
"""
    )
    result = suite.inside()
    result.assert_outcomes(failed=1)
    assert result.stdout.str().count("Temporal log of") == 1
