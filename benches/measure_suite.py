"""A suite of small tests under pytest-xdist: our fixtures, and two that people write by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, milliseconds
from raw_server import plain, raw_server
from setting import MIB, field

if TYPE_CHECKING:
    from setting import Setting

TESTS = 100
WORKERS = 4

INI = """\
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""

WORKFLOW = """\
from temporalio import workflow


@workflow.defn
class Order:
    @workflow.run
    async def run(self, number: str) -> str:
        return f"{number} done"
"""

TEST = """\
from uuid import uuid4

import pytest
from temporalio.worker import Worker

from order import Order


@pytest.mark.parametrize("number", range({tests}))
async def test_order(client, number):
    queue = uuid4().hex
    async with Worker(client, task_queue=queue, workflows=[Order]):
        done = await client.execute_workflow(Order.run, "1", id=uuid4().hex, task_queue=queue)
    assert done == "1 done"
"""

OURS = """\
import pytest


@pytest.fixture
def client(temporal_client):
    return temporal_client
"""

BY_HAND = """\
import os

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment


@pytest_asyncio.fixture(scope="{scope}")
async def environment():
    path = os.environ["TEMPORAL_DEVSERVER_EXECUTABLE"]
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=path) as environment:
        yield environment


@pytest_asyncio.fixture
async def client(environment):
    return environment.client
"""


def suite(setting: Setting) -> list[Figure]:
    """The same tests with a namespace each, with a server for each worker, one for each test."""
    fixtures = {
        "ours": OURS,
        "start_local for each worker": BY_HAND.format(scope="session"),
        "start_local for each test": BY_HAND.format(scope="function"),
    }
    measured = {name: _run(setting, name, conftest) for name, conftest in fixtures.items()}
    ours, *others = measured.values()
    return [
        Figure(f"{TESTS} tests, -n {WORKERS}, {what}: ours / {name}", "x", [ratio], None, note)
        for name, theirs in zip([*fixtures][1:], others, strict=True)
        for what, ratio, note in _ratios(ours, theirs)
    ]


def _ratios(ours: tuple[float, float], theirs: tuple[float, float]) -> list[tuple[str, float, str]]:
    return [
        ("time", ours[0] / theirs[0], f"{ours[0]:.1f} s / {theirs[0]:.1f} s"),
        ("memory", ours[1] / theirs[1], f"{ours[1] / MIB:.0f} MiB / {theirs[1] / MIB:.0f} MiB"),
    ]


def existing(setting: Setting) -> list[Figure]:
    """What the end of a run costs on a plain server: the deletion of the namespaces it created."""
    each = []
    for number in range(setting.times(3)):
        with raw_server(plain(setting.executable), None) as (address, _):
            used = f"--temporal-address={address}"
            kept, _ = _run(setting, f"kept {number}", OURS, used, "--temporal-keep=1h")
            deleted, _ = _run(setting, f"deleted {number}", OURS, used)
        each.append((deleted - kept) / _tests(setting))
    return [milliseconds("an existing server: a namespace deleted at the end of the run", each)]


def _tests(setting: Setting) -> int:
    return WORKERS if setting.quick else TESTS


def _run(setting: Setting, name: str, conftest: str, *options: str) -> tuple[float, float]:
    """Runs the suite; returns the seconds it took, and its memory when it was largest, in bytes."""
    folder = setting.root / name.replace(" ", "-")
    folder.mkdir()
    for file, text in [
        ("pytest.ini", INI),
        ("order.py", WORKFLOW),
        ("test_order.py", TEST.format(tests=_tests(setting))),
        ("conftest.py", conftest),
    ]:
        (folder / file).write_text(text)
    words = [sys.executable, "-m", "pytest", "-q", "-n", str(WORKERS), "-p", "no:cacheprovider"]
    words.extend(options)
    mark = f"BENCH={folder}"
    environment = {**os.environ, "BENCH": str(folder)}
    environment["TEMPORAL_DEVSERVER_EXECUTABLE"] = setting.executable
    began = time.perf_counter()
    largest = 0
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            largest = max(largest, _memory(mark))
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        assert process.stdout is not None
        told = process.stdout.read().decode()
    assert process.returncode == 0, told
    return seconds, largest


def _memory(mark: str) -> int:
    """Returns the memory of all processes that have the mark: of each its share (PSS)."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    rollup = (entry / "smaps_rollup").read_text()
                    total += int(field(rollup, "Pss") * 1024)
            except OSError:
                pass
    return total
