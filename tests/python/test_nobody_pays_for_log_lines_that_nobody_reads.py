"""`logging` is imported when its defaults would show something, and for nothing less."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys
from temporal_devserver import DevServer

with DevServer(executable=sys.argv[1]) as server:
    print("logging" in sys.modules)
    events = server.events()
    os.kill(server.status().pid, signal.SIGKILL)
    while next(events).kind != "ready":
        pass
print("logging" in sys.modules)
"""


@pytest.mark.real_server
def test_a_start_imports_no_logging_and_a_crash_is_still_told(real_temporal: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, str(real_temporal)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["False", "True"]
    # What Python does for a program that has configured nothing: warnings, and nothing less.
    told = ran.stderr.splitlines()
    assert any("SIGKILL" in line for line in told)
    assert not any("ready" in line for line in told)
