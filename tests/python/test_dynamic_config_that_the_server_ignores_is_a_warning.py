"""What the server ignores of its dynamic configuration is a warning wherever its state is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compat.versions import NEWEST, OLDEST
from support import eventually
from temporal_devserver import ConfigError, DevServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_support import Suite

pytestmark = pytest.mark.real_server

IGNORED = {
    "frontend.rsp": 7,
    "matching.numTaskqueueReadPartition": 7,
    "mispelt.area": 7,
    "history.cacheSizeBasedLimits": 7,
}
"""Keys that no server knows."""

KNOWN = {
    "frontend.rps": 5000,
    "history.rps": 5000,
    "HISTORY.persistencemaxqps": 5000,
    "component.nexusoperations.limit.header.size": 4096,
    "limit.maxIDLength": 900,
}
"""Keys that each server knows; one in another spelling."""

SPELT = "history.persistenceMaxQPS=5000"
"""That one, as each server spells it: one before 1.30 takes any other spelling for another key."""


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_an_unknown_key_is_a_warning(temporal: Callable[[str], Path], version: str) -> None:
    with DevServer(
        "keys", executable=temporal(version), dynamic_config={**IGNORED, **KNOWN}
    ) as server:
        warnings = server.status().warnings
        for key in IGNORED:
            assert [key in each for each in warnings].count(True) == 1, warnings
        assert len(warnings) == len(IGNORED), warnings
        assert "did you mean `frontend.rps`?" in "".join(warnings)
        assert "did you mean `matching.numTaskqueueReadPartitions`?" in "".join(warnings)
        arguments = Path(f"/proc/{server.status().pid}/cmdline").read_text().split("\0")
        assert [each for each in arguments if "persistencemaxqps" in each.lower()] == [SPELT]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_value_of_a_wrong_type_is_a_warning(
    temporal: Callable[[str], Path], version: str
) -> None:
    wrong = {"frontend.rps": "many", "Limit.maxIDLength": True}
    with DevServer("types", executable=temporal(version), dynamic_config=wrong) as server:
        eventually("both are reported", lambda: len(server.status().warnings) == len(wrong))
        first, second = server.status().warnings
        assert "`Limit.maxIDLength`: the server cannot use the value true" in first
        assert '`frontend.rps`: the server cannot use the value "many"' in second
        assert "value type is not int" in second
        server.restart()
        eventually("they are again", lambda: len(server.status().warnings) == len(wrong))


def test_a_value_with_constraints_is_refused(real_temporal: Path) -> None:
    value = [{"value": 1, "constraints": {"namespace": "a"}}]
    with pytest.raises(ConfigError, match="has constraints") as refused:
        DevServer(executable=real_temporal, dynamic_config={"frontend.rps": value})
    assert str(refused.value).endswith("a server of its own")


def test_the_event_ready_reports_it(real_temporal: Path) -> None:
    config = {"frontend.rsp": 7}
    with DevServer("told", executable=real_temporal, dynamic_config=config) as server:
        events = server.events(("", 0))
        ready = next(event for event in events if event.kind == "ready")
        assert (ready.level, "did you mean `frontend.rps`?" in ready.message) == ("warning", True)
        assert "frontend.rsp" in str(ready.data["warning"])


def test_the_header_of_pytest_reports_it(real_suite: Suite) -> None:
    real_suite.tests("def test_nothing(): ...")
    result = real_suite.run("--temporal-dynamic-config", "frontend.rsp=7")
    result.stdout.fnmatch_lines(["temporal: warning: dynamic_config `frontend.rsp`: *rps`[?]"])
    result = real_suite.run("--temporal-dynamic-config", "frontend.rsp=7", "--collect-only")
    result.stdout.no_fnmatch_line("temporal: warning:*")
