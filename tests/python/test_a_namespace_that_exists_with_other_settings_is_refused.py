"""A namespace that exists is used as it is; one with other settings than asked for is an error.

It says which, and the namespace stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from temporal_devserver import DevServer, NamespaceError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite
    from support import Sandbox

HOUR = 3600.0

TESTS = """
from temporal_devserver import NamespaceError

def test_as_it_is(temporal_server):
    temporal_server.create_namespace("orders")
    temporal_server.create_namespace("orders", retention=7200)

def test_otherwise(temporal_server):
    with pytest.raises(NamespaceError, match="for 2:00:00, not for 1:00:00; use another one"):
        temporal_server.create_namespace("orders", retention=3600)
"""


@pytest.mark.real_server
def test_another_retention(real_temporal: Path, real_suite: Suite) -> None:
    with DevServer(executable=real_temporal) as server:
        server.create_namespace("orders", retention=2 * HOUR)
        for retention in (None, 2 * HOUR):
            server.create_namespace("orders", retention=retention)
        with pytest.raises(NamespaceError, match="for 7200 s, not for 3600 s; use it without"):
            server.create_namespace("orders", retention=HOUR)
        server.create_namespace("orders", retention=2 * HOUR)
        real_suite.tests(TESTS)
        address = f"--temporal-address={server.address}"
        real_suite.run(address).assert_outcomes(passed=2)


@pytest.mark.real_server
def test_an_attribute_of_another_type(
    real_temporal: Path, real_suite: Suite, sandbox: Sandbox
) -> None:
    path = sandbox.root / "kept.db"
    with DevServer(executable=real_temporal, db=path, search_attributes={"customer": "Keyword"}):
        pass
    real_suite.tests("def test_one(temporal_namespace): pass")
    kept = f"--temporal-db={path}"
    result = real_suite.run(kept, "--temporal-search-attributes=customer=Int")
    result.assert_outcomes(errors=1)
    (line,) = (line for line in result.outlines if line.startswith("NamespaceError"))
    assert "customer" in line
    assert "Keyword" in line
    assert "; " in line
    assert "Traceback" not in result.stdout.str()
    real_suite.run(kept, "--temporal-search-attributes=customer=Keyword").assert_outcomes(passed=1)
