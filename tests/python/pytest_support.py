"""Test suites that use the plugin, run by a pytest of their own.

Every warning is an error in them. What their tests have to tell goes to a file, so that it is known
although pytest is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from temporal_devserver._pytest import plugin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

TELL = '''
import json, os, pathlib, time

TOLD = pathlib.Path(__file__).with_name("told")

def tell(*what):
    with TOLD.open("a") as file:
        file.write(json.dumps(what) + "\\n")

def meet(count, who=os.getpid()):
    """Waits until so many have come."""
    place = TOLD.with_name("met")
    with place.open("a") as file:
        file.write(f"{who}\\n")
    until = time.monotonic() + 40
    while len(set(place.read_text().split())) < count:
        assert time.monotonic() < until, "nobody comes"
        time.sleep(0.005)
'''

FLOWS = """
import asyncio
from datetime import timedelta
from temporalio import activity, workflow
from temporalio.worker import Worker

@activity.defn
async def double(number: int) -> int:
    return 2 * number

@workflow.defn(sandboxed=False)
class Double:
    @workflow.run
    async def run(self, number: int) -> int:
        limit = timedelta(seconds=30)
        return await workflow.execute_activity(double, number, start_to_close_timeout=limit)

async def doubled(client, number=21, id="double"):
    async with Worker(client, task_queue="tests", workflows=[Double], activities=[double]):
        return await client.execute_workflow(Double.run, number, id=id, task_queue="tests")
"""

ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function")
"""Without it pytest-asyncio warns."""

NOISE = ("Traceback", "ResourceWarning", "Exception ignored", "INTERNALERROR")
"""What a run does not print that ends as it should."""

SECONDS = 50.0
"""How long a run may take."""


class Suite:
    """A project with tests, and the means to run them."""

    def __init__(self, pytester: pytest.Pytester, executable: Path) -> None:
        self.pytester, self.path = pytester, pytester.path
        self.ini(temporal_executable=executable)
        self.file("tell.py", TELL)

    def ini(self, **keys: object) -> None:
        """Writes the ini file anew."""
        fixed = {"filterwarnings": "error", "addopts": "-p no:randomly", **keys}
        lines = [f"{key} = {value}" for key, value in fixed.items()]
        self.file("pytest.ini", "\n".join(["[pytest]", *lines, ""]))

    def file(self, name: str, text: str) -> Path:
        """Writes a file of the project."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def tests(self, text: str, name: str = "test_suite.py") -> None:
        """Writes tests; they can tell something."""
        self.file(name, f"import pytest\nfrom tell import meet, tell\n{text}")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Runs the tests in a process of their own."""
        return self.pytester.runpytest_subprocess(*ASYNCIO, *arguments, timeout=SECONDS)

    def inside(self, *arguments: str) -> pytest.RunResult:
        """Runs the tests in this process, with no other plugin: quick."""
        with self.pytester._monkeypatch.context() as patch:
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return self.pytester.runpytest_inprocess(*arguments, plugins=[plugin])

    @contextlib.contextmanager
    def started(self, *arguments: str, cwd: Path | None = None) -> Iterator[Started]:
        """Starts the tests, in a process group of their own."""
        argv = [*self.pytester._getpytestargs(), *ASYNCIO, *arguments]
        with Started(argv, cwd or self.path, self.path) as started:
            yield started

    def told(self) -> list[list[Any]]:
        """Returns what the tests told."""
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line) for line in (self.path / "told").read_text().splitlines()]
        return []

    def forget(self) -> None:
        """Forgets what was told."""
        for name in ("told", "met"):
            (self.path / name).unlink(missing_ok=True)


def quiet(out: str, err: str) -> None:
    """Checks that a run made no noise."""
    assert not [noise for noise in NOISE if noise in out + err], out + err
    assert not err


class Started:
    """A pytest that runs."""

    def __init__(self, argv: Sequence[str], cwd: Path, tests: Path) -> None:
        self._process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(tests)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def signal(self, number: int, *, group: bool = False) -> None:
        """Signals it, or also its workers, as a terminal does."""
        (os.killpg if group else os.kill)(self.pid, number)

    def end(self, says: str = "") -> tuple[int, str, str]:
        """Waits for its end; returns the exit code and all that it printed."""
        out, err = self._process.communicate(says, SECONDS)
        return self._process.returncode, out, err

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, 9)
        self._process.communicate()
