"""Options on their way to the core: Python's own types are resolved, unset ones left out."""

import json
from collections import ChainMap, deque
from datetime import timedelta
from pathlib import Path

import pytest

from temporal_devserver import ConfigError
from temporal_devserver._options import Options, to_json


def converted(options: Options) -> dict[str, object]:
    result: dict[str, object] = json.loads(to_json(options))
    return result


def test_unset_and_python_only_options_are_left_out() -> None:
    assert converted({"db": None, "port": None, "ui": False, "watch": False}) == {"ui": False}


def test_paths_are_resolved_in_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert converted({"db": "a.db", "executable": Path("bin/temporal"), "state_dir": "."}) == {
        "db": str(tmp_path / "a.db"),
        "executable": str(tmp_path / "bin/temporal"),
        "state_dir": str(tmp_path),
    }
    assert converted({"db": True}) == {"db": True}


def test_durations_are_seconds() -> None:
    minute = timedelta(minutes=1)
    assert converted(
        {
            "start_timeout": minute,
            "linger": 0.5,
            "health": {"interval": minute, "failures": 3},
            "restart": {"window": minute},
        }
    ) == {
        "start_timeout": 60.0,
        "linger": 0.5,
        "health": {"interval": 60.0, "failures": 3},
        "restart": {"window": 60.0},
    }


def test_any_mapping_and_sequence_will_do() -> None:
    assert converted(
        {
            "namespaces": deque(["a"]),
            "dynamic_config": ChainMap({"limit": [1, {"x": None}]}),
        }
    ) == {"namespaces": ["a"], "dynamic_config": {"limit": [1, {"x": None}]}}


def test_search_attributes_by_name_or_by_key() -> None:
    common = pytest.importorskip("temporalio.common")
    by_name = {"customer": "Keyword", "tags": "KeywordList", "due": "Datetime"}
    key = common.SearchAttributeKey
    keys = [
        key.for_keyword("customer"),
        key.for_keyword_list("tags"),
        key.for_datetime("due"),
    ]
    assert converted({"search_attributes": by_name}) == {"search_attributes": by_name}
    assert converted({"search_attributes": keys}) == {"search_attributes": by_name}


def test_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"`prot`.*dynamic_config.*port") as caught:
        to_json({"prot": 1})  # type: ignore[typeddict-unknown-key]
    assert caught.value.option == "prot"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", object()),
        ("linger", float("nan")),
        ("dynamic_config", {"x": timedelta(1)}),
        ("search_attributes", 7),
        ("search_attributes", ["customer"]),
    ],
)
def test_value_that_is_no_json_names_its_option(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        to_json({name: value})  # type: ignore[misc]
    assert caught.value.option == name
    assert f"`{name}`" in str(caught.value)
