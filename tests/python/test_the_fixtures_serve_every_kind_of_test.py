"""Sync tests, pytest-asyncio in each mode and loop, anyio, unittest: a workflow runs in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS

if TYPE_CHECKING:
    from pytest_support import Suite

PLAIN = """
import unittest
from flows import *

def test_sync(temporal_client):
    assert asyncio.run(doubled(temporal_client, 1)) == 2
    assert asyncio.run(doubled(temporal_client, 2, "again")) == 4  # another loop

async def one(client):
    return await doubled(client)

def test_environment(temporal_env):
    assert asyncio.run(doubled(temporal_env.client)) == 42
    assert not temporal_env.supports_time_skipping

class Async(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def temporal(self, temporal_client):
        self.client = temporal_client

    async def test_unittest(self):
        assert await doubled(self.client) == 42
"""

STRICT = """
import pytest_asyncio

@pytest_asyncio.fixture
async def result(temporal_client):
    return await doubled(temporal_client)

@pytest.mark.asyncio
async def test_function_loop(temporal_client, result):
    assert await doubled(temporal_client, result, "again") == 84

@pytest.mark.asyncio(loop_scope="session")
async def test_session_loop(temporal_client):
    assert await doubled(temporal_client) == 42

@pytest.mark.asyncio(loop_scope="session")
async def test_session_loop_again(temporal_client):
    assert await doubled(temporal_client) == 42

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(temporal_client):
    assert await doubled(temporal_client) == 42
"""

AUTO = """
@pytest.fixture
async def result(temporal_client):
    return await doubled(temporal_client)

async def test_one(temporal_client, result):
    assert await doubled(temporal_client, result, "again") == 84

async def test_two(temporal_client):
    assert await doubled(temporal_client) == 42
"""


@pytest.mark.real_server
def test_strict_mode_anyio_and_unittest(real_suite: Suite) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(PLAIN + STRICT)
    real_suite.run().assert_outcomes(passed=7)


@pytest.mark.real_server
@pytest.mark.parametrize("scope", ["function", pytest.param("session", marks=pytest.mark.long)])
def test_auto_mode(real_suite: Suite, scope: str) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(PLAIN + AUTO)
    loops = [f"asyncio_default_{kind}_loop_scope={scope}" for kind in ("test", "fixture")]
    options = [word for loop in loops for word in ("-o", loop)]
    real_suite.run("-o", "asyncio_mode=auto", *options).assert_outcomes(passed=5)
