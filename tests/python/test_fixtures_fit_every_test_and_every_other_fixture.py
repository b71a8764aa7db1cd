"""Names of any length and script, fixtures of any scope around ours, threads, many namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS

if TYPE_CHECKING:
    from pytest_support import Suite
    from support import Sandbox

SLOWEST_MS = 50.0

NAMES = """
import re

ODD = ["x" * 300, "größe", "注文", "a/b c", "..", "[]", "a::b", "-", "", "\\x00\\n", "%s{}$HOME"]

@pytest.mark.parametrize("id", ODD, ids=ODD)
def test_größe(temporal_server, temporal_namespace, temporal_task_queue, id):
    assert temporal_namespace in temporal_server.list_namespaces()
    for name in (temporal_namespace, temporal_task_queue):
        assert re.fullmatch(r"[A-Za-z0-9_.-]{10,69}", name)
        assert name.startswith("test_gr")
    tell(temporal_namespace)
"""


def test_any_name(suite: Suite) -> None:
    suite.tests(NAMES)
    suite.inside().assert_outcomes(passed=11)
    assert len({name for (name,) in suite.told()}) == 11


def test_any_name_of_a_project(suite: Suite) -> None:
    suite.tests(NAMES)
    name = "größe & {x}" + "y" * 200
    (suite.path / "test_suite.py").rename(suite.file(f"{name}/test_suite.py", ""))
    for file in ("tell.py", "pytest.ini"):
        (suite.path / file).rename(suite.path / name / file)
    suite.inside(f"--rootdir={name}", "-c", f"{name}/pytest.ini", name).assert_outcomes(passed=11)


def test_a_fixture_for_the_whole_session(suite: Suite) -> None:
    suite.tests(
        """
@pytest.fixture(scope="session", autouse=True)
def ours(temporal_server):
    temporal_server.create_namespace("ours")
    yield temporal_server
    assert "ours" in temporal_server.list_namespaces()

@pytest.fixture(scope="session")
def special(temporal_server_factory):
    return temporal_server_factory(namespaces=["special"])

def test_one(ours, special, temporal_namespace):
    assert ours.address != special.address
    assert "special" in special.list_namespaces()
    assert "special" not in ours.list_namespaces()

class TestOfAClass:
    @pytest.fixture
    def temporal_namespace(self, ours):
        return "ours"

    def test_one(self, temporal_namespace):
        assert temporal_namespace == "ours"

def test_the_same_options_are_the_same_server(special, temporal_server_factory):
    assert temporal_server_factory(namespaces=["special"]).address == special.address
"""
    )
    suite.inside().assert_outcomes(passed=3)


@pytest.mark.real_server
@pytest.mark.long
def test_fixtures_that_are_overridden(real_suite: Suite) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.file(
        "conftest.py",
        """
import pytest

@pytest.fixture(scope="session")
def temporal_client_options():
    return {"identity": "ours"}

@pytest.fixture
def temporal_task_queue():
    return "ours"

@pytest.fixture(scope="module")
def temporal_namespace(temporal_server):
    temporal_server.create_namespace("ours")
    return "ours"

@pytest.fixture
def temporal_server(temporal_private_server):
    return temporal_private_server
""",
    )
    real_suite.tests(
        """
from flows import *

def test_one(temporal_client):
    assert temporal_client.identity == "ours"
"""
    )
    result = real_suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ScopeMismatch*"])
    conftest = (real_suite.path / "conftest.py").read_text()
    real_suite.file("conftest.py", conftest.replace('(scope="module")', ""))
    real_suite.tests(
        """
from flows import *

@pytest.mark.parametrize("number", range(2))
def test_one(temporal_server, temporal_client, temporal_private_server, number):
    assert temporal_client.identity == "ours"
    assert asyncio.run(doubled(temporal_client)) == 42
    assert temporal_server is temporal_private_server
    tell(temporal_server.name)
"""
    )
    real_suite.run().assert_outcomes(passed=2)
    one, two = real_suite.told()
    assert one != two


def test_a_private_server_for_each_test(suite: Suite, sandbox: Sandbox) -> None:
    suite.tests(
        """
@pytest.mark.parametrize("number", range(2))
def test_one(temporal_private_server, temporal_server, number):
    temporal_private_server.kill()
    temporal_private_server.wait_ready()
    tell(temporal_private_server.status().db_path, temporal_server.address)
    temporal_private_server.stop()
"""
    )
    suite.inside().assert_outcomes(passed=2)
    (one, same), (two, again) = suite.told()
    assert one != two
    assert same == again
    assert not sandbox.servers()


def test_many_threads(suite: Suite) -> None:
    suite.tests(
        """
from concurrent.futures import ThreadPoolExecutor
from temporal_devserver._pytest import run

def test_one(temporal_server, pytestconfig):
    def one(number):
        return run.of(pytestconfig).namespace(temporal_server, "thread")

    with ThreadPoolExecutor(16) as threads:
        names = set(threads.map(one, range(64)))
    assert len(names) == 64
    assert names <= set(temporal_server.list_namespaces())
"""
    )
    suite.inside().assert_outcomes(passed=1)


@pytest.mark.real_server
@pytest.mark.long
def test_two_hundred_tests_with_a_namespace_each(real_suite: Suite) -> None:
    real_suite.tests(
        """
import time

@pytest.mark.parametrize("number", range(200))
def test_one(temporal_server, number, request):
    began = time.perf_counter()
    request.getfixturevalue("temporal_namespace")
    tell(time.perf_counter() - began)
"""
    )
    real_suite.run("-q").assert_outcomes(passed=200)
    times = sorted(seconds * 1000 for (seconds,) in real_suite.told())
    print(f"median {times[100]:.1f} ms, slowest {times[-1]:.1f} ms")  # noqa: T201
    assert times[-1] < 10 * SLOWEST_MS
