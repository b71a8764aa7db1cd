"""How the core starts processes: by a Python interpreter, or with an error that says what to do."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from temporal_devserver import SupervisorError, _launcher


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    _launcher.launcher.cache_clear()
    yield
    _launcher.launcher.cache_clear()


def test_supervisor_is_a_bare_interpreter_with_the_extension_by_path() -> None:
    facts = json.loads(_launcher.launcher())
    executable, *flags, stub, core, entry = facts["supervisor"]
    assert (executable, flags) == (sys.executable, ["-I", "-S", "-c"])
    compile(stub, "stub", "exec")
    assert os.path.isabs(core)
    assert entry == "supervise"
    assert facts["python"] == sys.executable
    assert os.path.dirname(sys.executable) in facts["scripts"]
    assert facts["environment"] == {_launcher.COOKIE: "1"}


@pytest.mark.parametrize("executable", ["", None, "/usr/sbin/uwsgi"])
def test_embedded_python_uses_the_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, executable: str | None
) -> None:
    python = tmp_path / "bin" / "python{}.{}".format(*sys.version_info)
    python.parent.mkdir()
    python.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert json.loads(_launcher.launcher())["python"] == str(python)


def test_no_interpreter_is_an_error_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(SupervisorError, match=r"can be executed.*temporal-devserver run"):
        _launcher.launcher()


def test_frozen_application_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(SupervisorError, match="frozen"):
        _launcher.launcher()


def test_application_that_took_itself_for_python_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_launcher.COOKIE, "1")
    with pytest.raises(SupervisorError, match="was started as a Python interpreter"):
        _launcher.launcher()
