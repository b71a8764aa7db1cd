"""Status and Event: frozen, the same fields as on the socket, tolerant of other versions."""

import copy
import dataclasses
import pickle
from typing import Any, get_type_hints

import pytest

from temporal_devserver import Event, Lease, Probe, Status

STATUS: dict[str, Any] = {
    "state": "ready",
    "name": "orders",
    "pid": 41,
    "supervisor_pid": 40,
    "address": "127.0.0.1:7233",
    "ui_url": "http://127.0.0.1:8233",
    "http_address": "127.0.0.1:7243",
    "metrics_address": "127.0.0.1:7253",
    "namespaces": ["default", "other"],
    "version": "1.9.1",
    "started_at": 1700000000.5,
    "uptime": 12.5,
    "restarts": 2,
    "restart_causes": {"crash": 2},
    "last_exit": "signal 9",
    "warnings": ["its database lacks columns"],
    "probes": [{"layer": "history", "latency": 0.002, "error": None}],
    "leases": [{"pid": 7, "command": "pytest", "since": 1700000001.0}],
    "pinned": True,
    "db_path": "/x/temporal.db",
    "db_bytes": 4096,
    "log_path": "/x/server.log",
    "state_dir": "/x",
}

EVENT: dict[str, Any] = {
    "kind": "exited",
    "seq": 3,
    "time": 1700000002.0,
    "server": "identity",
    "pid": 41,
    "level": "warning",
    "message": "server 41 was killed by signal 9",
    "data": {"signal": 9},
}


def jsonable(model: Status | Event) -> dict[str, Any]:
    lists = {tuple: list}
    made = dataclasses.asdict(model)
    return {key: lists.get(type(value), lambda v: v)(value) for key, value in made.items()}


@pytest.mark.parametrize(("model", "json"), [(Status, STATUS), (Event, EVENT)])
def test_fields_are_those_of_the_socket(model: type[Status] | type[Event], json: Any) -> None:
    assert [field.name for field in dataclasses.fields(model)] == list(json)
    assert jsonable(model.from_json(json)) == json


def test_nested_values_are_typed() -> None:
    status = Status.from_json(STATUS)
    assert status.probes == (Probe(layer="history", latency=0.002),)
    assert status.leases == (Lease(pid=7, command="pytest", since=1700000001.0),)


def test_keys_of_other_versions_do_not_matter() -> None:
    status = Status.from_json({"state": "ready", "name": "x", "mood": "fine"})
    assert (status.pid, status.leases, status.restarts) == (None, (), 0)
    assert Event.from_json({**EVENT, "colour": 1}).kind == "exited"


@pytest.mark.parametrize("model", [Status.from_json(STATUS), Event.from_json(EVENT)])
def test_models_are_values(model: Status | Event) -> None:
    assert pickle.loads(pickle.dumps(model)) == model
    assert copy.copy(model) == model
    assert hash(copy.copy(model)) == hash(model)
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.pid = 1  # type: ignore[misc]
    assert get_type_hints(type(model))["pid"] == (int | None)
