"""The server gets the user's environment without `TEMPORAL_*`, and a few defaults of ours.

What the user has set wins.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from temporal_devserver import DevServer

if TYPE_CHECKING:
    import pytest


def environment_of_a_server(executable: Path) -> dict[str, str]:
    """Starts a server, and returns the variables that it was started with."""
    with DevServer(executable=executable) as server:
        variables = Path(f"/proc/{server.status().pid}/environ").read_text().rstrip("\0")
    return dict(variable.split("=", 1) for variable in variables.split("\0"))


def test_the_server_collects_garbage_half_as_often_as_go_does(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOGC", "GOMEMLIMIT"):
        monkeypatch.delenv(name, raising=False)
    variables = environment_of_a_server(fake_temporal)
    assert variables["GOGC"] == "200"
    assert "GOMEMLIMIT" not in variables  # beyond a limit the server would do nothing else


def test_the_users_collector_settings_win(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"GOGC": "off", "GOMEMLIMIT": "300MiB"}
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    assert environment_of_a_server(fake_temporal).items() >= wanted.items()


def test_no_temporal_variable_reaches_the_server(
    fake_temporal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "production:7233")
    names = environment_of_a_server(fake_temporal)
    ours = {name for name in names if name.startswith("TEMPORAL_")}
    assert ours == {"TEMPORAL_DEVSERVER_SUPERVISOR"}
