"""`temporal_environment`: `os.environ` of one test, and afterwards what it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

APP = """
import os
from temporalio.client import Client
from temporalio.envconfig import ClientConfig

async def by_hand():
    address = os.environ.get("TEMPORAL_ADDRESS", "localhost:7233")
    return await Client.connect(address, namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"))

async def by_configuration():
    return await Client.connect(**ClientConfig.load_client_connect_config())
"""

CONNECTS = """
import asyncio, os, subprocess, sys
import app

async def reaches(namespace):
    for client in (await app.by_hand(), await app.by_configuration()):
        assert client.namespace == namespace
        assert (await client.count_workflows()).count == 0

def test_plain(temporal_environment, temporal_client):
    asyncio.run(reaches(temporal_client.namespace))
    assert temporal_environment["TEMPORAL_NAMESPACE"] == temporal_client.namespace
    assert temporal_environment.items() <= os.environ.items()
    tell("plain", dict(temporal_environment))

@pytest.mark.asyncio
async def test_async(temporal_environment, temporal_namespace):
    await reaches(temporal_namespace)
    tell("async", dict(temporal_environment))

def test_child(temporal_environment):
    child = "import asyncio, app; print(asyncio.run(app.by_configuration()).namespace)"
    ended = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)
    assert ended.stdout.strip() == temporal_environment["TEMPORAL_NAMESPACE"], ended.stderr
    tell("child", dict(temporal_environment))
"""

RESTORES = """
import os

def environment():
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}

BEFORE = environment()
EARLIER = {"TEMPORAL_TLS_SERVER_NAME": "of an earlier fixture"}

@pytest.fixture(autouse=True)
def first(monkeypatch):
    for name, value in EARLIER.items():
        monkeypatch.setenv(name, value)

@pytest.fixture(scope="module", autouse=True)
def after_all():
    yield
    tell("module", environment() == BEFORE)

def test_fails(temporal_environment):
    assert "TEMPORAL_API_KEY" not in os.environ
    raise AssertionError

def test_1():
    tell("fails", environment() == {**BEFORE, **EARLIER})

def test_changes(temporal_environment, monkeypatch):
    del os.environ["TEMPORAL_ADDRESS"]
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "of monkeypatch")
    os.environ.update(TEMPORAL_API_KEY="new", TEMPORAL_GRPC_META_X="new", no_grpc_proxy="new")
    os.environ["TEMPORAL_TLS"] = "true"

def test_2():
    tell("changes", environment() == {**BEFORE, **EARLIER})

@pytest.fixture
def broken(temporal_environment):
    raise AssertionError

def test_error(broken): ...

def test_3():
    tell("error", environment() == {**BEFORE, **EARLIER})
"""

MISLEADING = {
    "TEMPORAL_ADDRESS": "my-ns.a1b2c.tmprl.cloud:7233",
    "TEMPORAL_NAMESPACE": "my-ns",
    "TEMPORAL_API_KEY": "secret",
    "TEMPORAL_PROFILE": "cloud",
    "no_proxy": "corp",
}


@pytest.fixture(autouse=True)
def _misled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in MISLEADING.items():
        monkeypatch.setenv(name, value)


@pytest.mark.real_server
@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_each_test_has_its_namespace(real_suite: Suite, workers: list[str]) -> None:
    real_suite.file("app.py", APP)
    real_suite.tests(CONNECTS)
    real_suite.run(*workers).assert_outcomes(passed=3)
    told = [values for _, values in real_suite.told()]
    assert len({values["TEMPORAL_NAMESPACE"] for values in told}) == 3
    assert len({values["TEMPORAL_ADDRESS"] for values in told}) == 1
    assert all(values["no_proxy"] == "corp,127.0.0.1,localhost" for values in told)


def test_afterwards_all_is_as_it_was(suite: Suite) -> None:
    suite.tests(RESTORES)
    suite.run().assert_outcomes(passed=4, failed=1, errors=1)
    assert suite.told() == [[name, True] for name in ("fails", "changes", "error", "module")]


@pytest.mark.real_server
def test_an_existing_server_is_reached_by_its_address(
    real_suite: Suite, real_temporal: Path
) -> None:
    real_suite.file("app.py", APP)
    real_suite.tests(CONNECTS)
    with DevServer(executable=real_temporal) as existing:
        real_suite.run(f"--temporal-address={existing.address}").assert_outcomes(passed=3)
        assert {values["TEMPORAL_ADDRESS"] for _, values in real_suite.told()} == {existing.address}


PROFILE = """
from temporalio.envconfig import ClientConfig

def test_profile(temporal_environment):
    tell(dict(temporal_environment), ClientConfig.load_client_connect_config())
"""


@pytest.mark.real_server
def test_an_existing_server_is_reached_with_the_key_of_its_profile(
    real_suite: Suite, real_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(real_suite.path / "temporal.toml"))
    monkeypatch.delenv("TEMPORAL_API_KEY")
    real_suite.tests(PROFILE)
    with DevServer(executable=real_temporal) as existing:
        address = existing.address
        real_suite.file(
            "temporal.toml",
            f'[profile.mine]\naddress = "{address}"\napi_key = "k"\n'
            "[profile.mine.tls]\ndisabled = true\n"
            '[profile.mine.grpc_meta]\nx = "y"\n',
        )
        real_suite.run("--temporal-profile=mine").assert_outcomes(passed=1)
    ((set_by_us, loaded),) = real_suite.told()
    namespace = set_by_us.pop("TEMPORAL_NAMESPACE")
    assert set_by_us == {"TEMPORAL_ADDRESS": address, "TEMPORAL_PROFILE": "mine"}
    assert (loaded["target_host"], loaded["namespace"]) == (address, namespace)
    assert (loaded["api_key"], loaded["rpc_metadata"]) == ("k", {"x": "y"})
