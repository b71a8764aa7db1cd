"""Without the SDK, an interpreter, or a name for it, an error says so and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from temporal_devserver import DevServer, SupervisorError, _launcher


def test_the_sdk(fake_temporal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DevServer(executable=fake_temporal) as server:
        monkeypatch.setitem(sys.modules, "temporalio.client", None)
        with pytest.raises(ImportError, match=r'pip install "temporal-devserver\[temporalio\]"'):
            server.connect()


def test_an_interpreter_for_the_command_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "temporal_devserver", "run", "--", "true"],
        env=os.environ | {_launcher.COOKIE: "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("temporal-devserver: the supervisor needs a Python interpreter")


def test_a_name_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_launcher, "_interpreter", lambda: "/odd\udcff/python3")
    with pytest.raises(SupervisorError, match="is not UTF-8"):
        _launcher.launcher.__wrapped__()
