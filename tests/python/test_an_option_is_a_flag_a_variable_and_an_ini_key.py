"""Each option in three ways, from one table; what cannot be is told before any test runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from temporal_devserver._pytest import plugin
from temporal_devserver._pytest.settings import TABLE

if TYPE_CHECKING:
    from pytest_support import Suite


def test_all_of_them_in_the_help(suite: Suite) -> None:
    text = suite.inside("--help").stdout.str()
    for name in TABLE:
        assert f"--temporal-{name.replace('_', '-')}" in text
        assert re.search(rf"^  temporal_{name} \(", text, re.MULTILINE), name
    assert max(map(len, text.splitlines())) < 200


def test_every_fixture_says_what_it_is(suite: Suite) -> None:
    text = suite.inside("--fixtures").stdout.str()
    ours = re.findall(r"^(temporal_\w+).*--.*\n    (\S.*)", text, re.MULTILINE)
    fixtures = {name for name in plugin.__all__ if name.startswith("temporal_")}
    assert {name for name, _ in ours} == fixtures
    assert "no docstring" not in " ".join(line for _, line in ours)


def test_a_flag_wins_over_a_variable_over_the_ini_file(
    suite: Suite, fake_temporal: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.tests(
        """
from temporal_devserver._pytest import run

def test_one(pytestconfig):
    tell(run.of(pytestconfig).settings.keep)
"""
    )
    suite.ini(temporal_executable=fake_temporal, temporal_keep="1min")
    suite.inside().assert_outcomes(passed=1)
    monkeypatch.setenv("PYTEST_TEMPORAL_KEEP", "2 h")
    suite.inside().assert_outcomes(passed=1)
    suite.inside("--temporal-keep=0.5s").assert_outcomes(passed=1)
    assert suite.told() == [[60], [7200], [0.5]]


def test_what_may_be_repeated(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.tests(
        """
from temporal_devserver._pytest import run

def test_one(pytestconfig):
    settings = run.of(pytestconfig).settings
    tell(settings.search_attributes, settings.dynamic_config)
"""
    )
    monkeypatch.setenv("PYTEST_TEMPORAL_DYNAMIC_CONFIG", 'a.b=true\n\nc={"d": 1}\ne=words')
    flags = ["--temporal-search-attributes", "one=Keyword", "--temporal-search-attributes=two=Int"]
    suite.inside(*flags).assert_outcomes(passed=1)
    config = {"a.b": True, "c": {"d": 1}, "e": "words"}
    assert suite.told() == [[{"one": "Keyword", "two": "Int"}, config]]


def test_how_many_failures_end_a_wait(suite: Suite) -> None:
    suite.tests(
        """
from temporal_devserver._pytest import run

def test_one(pytestconfig):
    tell(run.of(pytestconfig).settings.fail_fast)
"""
    )
    for given in ([], ["yes"], ["no"], ["1"], ["20"], ["0"]):
        suite.inside(*(f"--temporal-fail-fast={text}" for text in given)).assert_outcomes(passed=1)
    assert suite.told() == [[3], [3], [0], [1], [20], [0]]


def test_where_a_path_is_relative_to(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.tests(
        """
from temporal_devserver._pytest import run

def test_one(pytestconfig):
    settings = run.of(pytestconfig).settings
    tell(settings.db, settings.histories)
""",
        "below/test_suite.py",
    )
    suite.ini(temporal_db="kept.db", temporal_histories="~/saved")
    monkeypatch.syspath_prepend(suite.path)
    monkeypatch.chdir(suite.path / "below")
    suite.inside().assert_outcomes(passed=1)
    suite.inside("--temporal-db=kept.db").assert_outcomes(passed=1)
    in_ini, by_flag = suite.told()
    assert in_ini == [str(suite.path / "kept.db"), os.path.expanduser("~/saved")]
    assert by_flag[0] == str(suite.path / "below/kept.db")


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("keep", "soon", "30s, 10min, 2h or 1d"),
        ("keep", "-1", "30s, 10min, 2h or 1d"),
        ("keep", "10 fortnights", "30s, 10min, 2h or 1d"),
        ("keep", "9" * 400, "30s, 10min, 2h or 1d"),
        ("schedules", "perhaps", "use yes or no"),
        ("explain", " ", "use yes|no, or leave it out"),
        ("address", "localhost", "like localhost:7233"),
        ("address", ":7233", "like localhost:7233"),
        ("address", "http://localhost:7233", "like localhost:7233"),
        ("address", "local host:7233", "like localhost:7233"),
        ("address", "localhost:\u0667", "like localhost:7233"),
        ("address", "localhost:99999", "like localhost:7233"),
        ("search_attributes", "customer", "customer=Keyword"),
        ("dynamic_config", "=1", "frontend.enableUpdateWorkflowExecution=true"),
        ("histories_of", "none", "use failed or all"),
        ("fail_fast", "often", "use yes, no, or a number like 3"),
        ("fail_fast", "-1", "use yes, no, or a number like 3"),
        ("executable", "", "use PATH, or leave it out"),
        ("profile", "", "use NAME, or leave it out"),
        ("search_attributes", "T1=Strin", '{"CustomerId":"Keyword"}'),
        ("log_level", "loud", 'give a value like "warn"'),
        ("version", "newest", "like 1.9.1"),
        ("start_timeout", "0s", "use a number from 0.001 to 1e9"),
        ("keep", "99999999d", "use a number from 0 to 1e9"),
        ("retention", "1s", "use 1h or more"),
        ("executable", "/no/such/temporal", "TEMPORAL_DEVSERVER_EXECUTABLE"),
        ("db", "/no/such/folder/x.db", "create the folder first"),
        ("db", "/etc/passwd", "use another path"),
        ("histories", "/etc/passwd", "name a directory"),
        ("profile", "nobodys", "set TEMPORAL_CONFIG_FILE to the file that has it"),
    ],
)
def test_a_value_that_cannot_be(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, name: str, value: str, remedy: str
) -> None:
    suite.tests("def test_one(temporal_server): tell('it ran')")
    flag = f"--temporal-{name.replace('_', '-')}"
    for given in ("flag", "variable", "ini"):
        if given != "flag" and (not value.strip() or "\0" in value):
            continue  # an empty variable or key is none, and no variable has a NUL
        with monkeypatch.context() as patch:
            options = [f"{flag}={value}"] if given == "flag" else []
            if given == "variable":
                patch.setenv(f"PYTEST_TEMPORAL_{name.upper()}", value)
            elif given == "ini":
                options = ["-o", f"temporal_{name}={value}"]
            result = suite.inside(*options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        lines = [line for line in result.stderr.lines if line]
        assert len(lines) == 1
        assert lines[0].endswith(remedy), lines
    assert not suite.told()


def test_more_search_attributes_than_there_is_room_for(suite: Suite) -> None:
    suite.tests("def test_one(temporal_client): tell('it ran')")
    flags = [f"--temporal-search-attributes=T{number}=Text" for number in range(4)]
    result = suite.inside(*flags)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert "--temporal-search-attributes: Text has room for 3 search attributes" in line
    assert not suite.told()


def test_an_existing_server_may_have_room_for_more_search_attributes(suite: Suite) -> None:
    suite.tests("def test_one(): pass")
    flags = [f"--temporal-search-attributes=T{number}=Text" for number in range(4)]
    suite.inside("--temporal-address=localhost:1", *flags).assert_outcomes(passed=1)
    result = suite.inside("--temporal-address=localhost:1", "--temporal-search-attributes=T=Strin")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_an_address_and_a_profile(suite: Suite) -> None:
    result = suite.inside("--temporal-address=localhost:1", "--temporal-profile=prod")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: temporal: an address and a profile are given; leave one*"])
