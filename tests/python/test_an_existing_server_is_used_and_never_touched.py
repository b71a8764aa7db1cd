"""`--temporal-address` and `--temporal-profile`: the same tests, against a server that is not ours.

Never because `TEMPORAL_ADDRESS` is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS
from support import free_port, listening
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_support import Suite
    from support import Sandbox

TESTS = """
from flows import *

@pytest.mark.parametrize("number", range(2))
def test_one(temporal_server, temporal_client, temporal_namespace, number):
    assert asyncio.run(doubled(temporal_client)) == 42
    tell(temporal_server.address, temporal_namespace)
    assert (temporal_server.namespace, temporal_server.name) in [
        ("default", "external"), ("given", "external")
    ]
"""

REFUSED = """
@pytest.mark.parametrize("verb", ["stop", "kill", "pause", "restart", "delete_namespace", "events"])
def test_verb(temporal_server, verb):
    getattr(temporal_server, verb)

def test_options_of_its_own(temporal_server_factory):
    temporal_server_factory(search_attributes={"customer": "Keyword"})

def test_a_server_of_its_own(temporal_private_server):
    raise AssertionError
"""


@pytest.fixture
def existing(real_temporal: Path) -> Iterator[DevServer]:
    with DevServer(executable=real_temporal) as server:
        yield server


@pytest.mark.real_server
def test_by_its_address(real_suite: Suite, existing: DevServer, sandbox: Sandbox) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(TESTS + REFUSED)
    result = real_suite.run(f"--temporal-address={existing.address}", "-n2")
    result.assert_outcomes(passed=2, failed=7, skipped=1)
    assert "external.py" not in result.stdout.str(), "the plugin's own code"
    result.stdout.fnmatch_lines_random(
        [
            "*ExternalServerError: `stop` is not for an existing server*",
            "*ExternalServerError: a server with options of its own is not for*",
        ]
    )
    (one, first), (two, second) = real_suite.told()
    assert one == two == existing.address
    assert first != second
    assert existing.status().restarts == 0
    assert len(sandbox.servers()) == 1, "no other was started"


@pytest.mark.real_server
def test_by_its_profile(
    real_suite: Suite, existing: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = f'[profile.here]\naddress = "{existing.address}"\nnamespace = "default"\n'
    file = real_suite.file("temporal.toml", profile)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")  # that of another
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(TESTS)
    real_suite.run("--temporal-profile=here").assert_outcomes(passed=2)
    assert {address for address, _ in real_suite.told()} == {existing.address}


@pytest.mark.real_server
@pytest.mark.long
def test_with_the_given_namespace_where_none_can_be_created(
    real_suite: Suite, existing: DevServer
) -> None:
    existing.create_namespace("given")
    real_suite.file("flows.py", FLOWS)
    real_suite.file(
        "conftest.py",
        """
import pytest
from temporalio.service import RPCError, RPCStatusCode, WorkflowService

@pytest.fixture(autouse=True)
def refused(monkeypatch):
    async def register_namespace(*_, **__):
        raise RPCError("not permitted", RPCStatusCode.PERMISSION_DENIED, b"")

    monkeypatch.setattr(WorkflowService, "register_namespace", register_namespace, raising=True)
""",
    )
    real_suite.tests(
        TESTS.replace("doubled(temporal_client)", "doubled(temporal_client, id=str(number))")
    )
    address = f"--temporal-address={existing.address}"
    real_suite.run(address, "--temporal-namespace=given").assert_outcomes(passed=2)
    assert {namespace for _, namespace in real_suite.told()} == {"given"}


def test_never_by_inheriting_its_address(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.tests("def test_one(temporal_server): tell(temporal_server.address)")
    with listening() as port:
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
        suite.inside().assert_outcomes(passed=1)
        ((address,),) = suite.told()
        assert address != f"127.0.0.1:{port}"


ONE = "def test_one(temporal_client): pass\ndef test_two(temporal_client): pass\n"


def told_shortly(result: pytest.RunResult, what: str) -> None:
    """Checks the error of two tests: what, and what to do, in one line, without a traceback."""
    result.assert_outcomes(errors=2)
    lines = [line for line in result.outlines if line.startswith("ExternalServerError")]
    assert len(lines) == 2
    assert what in lines[0]
    assert "Traceback" not in result.stdout.str()
    assert len(result.outlines) < 30
    assert not result.errlines


def test_an_address_where_nobody_listens(suite: Suite) -> None:
    suite.tests(ONE)
    result = suite.inside(f"--temporal-address=127.0.0.1:{free_port()}")
    told_shortly(result, "does not answer")


def test_an_address_that_does_not_answer(suite: Suite) -> None:
    suite.file(
        "conftest.py",
        "from temporal_devserver._pytest import external\nexternal.ANSWER_SECONDS = 0.5\n",
    )
    suite.tests(ONE)
    with listening() as port:
        result = suite.run(f"--temporal-address=127.0.0.1:{port}")
    told_shortly(result, "does not answer")


def test_a_profile_that_there_is_not_is_a_usage_error(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(suite.file("temporal.toml", "")))
    suite.tests(ONE)
    result = suite.inside("--temporal-profile=nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert "--temporal-profile: the profile `nowhere` cannot be used" in line


def test_a_profile_with_an_address_that_cannot_be(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = suite.file("temporal.toml", '[profile.wrong]\naddress = "local host:7233"\n')
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    suite.tests(ONE)
    result = suite.inside("--temporal-profile=wrong")
    told_shortly(result, "the Temporal server at local host:7233 does not answer")
