"""A test that ends without a report is explained, too: after Ctrl-C, and when its time is up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from pytest_support import FLOWS, quiet
from support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

HANG = """
import pytest_timeout
from flows import *

@workflow.defn(sandboxed=False)
class Buggy:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("no such order")

def end(item, method):
    \"\"\"Has pytest-timeout end the test soon.\"\"\"
    soon = pytest_timeout.Settings(0.1, method, False, False)
    item.config.hook.pytest_timeout_set_timer(item=item, settings=soon)

async def hang(client, then=lambda: None):
    async with Worker(client, task_queue="tests", workflows=[Buggy]):
        handle = await client.start_workflow("Buggy", id="buggy", task_queue="tests")
        while "attempt: 2" not in str((await handle.describe()).raw_description):
            await asyncio.sleep(0.01)
        tell("it hangs")
        then()
        await handle.result()
"""

HANGS = f"{HANG}def test_hangs(temporal_client): asyncio.run(hang(temporal_client))"

OUT_OF_TIME = f"""
{HANG}
def test_hangs(temporal_client, request):
    asyncio.run(hang(temporal_client, lambda: end(request.node, "METHOD")))
"""

KEPT = ["--temporal-histories=saved", "--temporal-report=report.html"]

EXPLAINED = [
    "*Temporal workflows in test_hangs-*",
    "buggy  Buggy  RUNNING",
    "    workflow task fails, attempt * (*): KeyError: 'no such order'",
]

XDIST = pytest.param(["-n1"], id="xdist")
ALONE_OR_NOT = pytest.mark.parametrize("options", [pytest.param([], id="alone"), XDIST])


def explained(out: str) -> None:
    """Checks that the output has the explanation once."""
    pytest.LineMatcher(out.splitlines()).fnmatch_lines(EXPLAINED)
    assert out.count("Temporal workflows in") == 1, out


def kept(project: Path) -> None:
    """Checks that the history was saved, and the workflow drawn."""
    (history,) = (project / "saved").rglob("*.json")
    assert "no such order" in history.read_text()
    page = (project / "report.html").read_text()
    assert "Buggy" in page
    assert "KeyError: &#x27;no such order&#x27;" in page


@pytest.mark.real_server
@ALONE_OR_NOT
def test_after_ctrl_c(real_suite: Suite, options: list[str]) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(HANGS)
    with real_suite.started(*options, *KEPT) as run:
        eventually("the test hangs", real_suite.told, 40)
        run.signal(signal.SIGINT, group=True)
        code, out, err = run.end()
    assert code == pytest.ExitCode.INTERRUPTED, out
    explained(out)
    pytest.LineMatcher(out.splitlines()).fnmatch_lines(["*test_hangs (interrupted)*"])
    kept(real_suite.path)
    if not options:
        quiet("", err)


@pytest.mark.real_server
@ALONE_OR_NOT
def test_when_the_thread_of_pytest_timeout_ends_it(real_suite: Suite, options: list[str]) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(OUT_OF_TIME.replace("METHOD", "thread"))
    result = real_suite.run(*options, *KEPT)
    assert result.ret == 1
    explained(result.stdout.str())
    kept(real_suite.path)


@pytest.mark.real_server
def test_when_the_signal_of_pytest_timeout_ends_it(real_suite: Suite) -> None:
    real_suite.file("flows.py", FLOWS)
    real_suite.tests(OUT_OF_TIME.replace("METHOD", "signal"))
    result = real_suite.run(*KEPT)
    result.assert_outcomes(failed=1)
    explained(result.stdout.str())
    kept(real_suite.path)


def test_an_explanation_that_fails_leaves_the_interrupt_as_it_is(suite: Suite) -> None:
    suite.file(
        "conftest.py",
        """
from temporal_devserver._pytest import unreported

def broken(item, why):
    raise OSError("no explanation")

unreported._letter = broken
""",
    )
    suite.tests("def test_one(temporal_server): raise KeyboardInterrupt")
    result = suite.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_second_ctrl_c_ends_the_asking(suite: Suite) -> None:
    suite.file(
        "conftest.py",
        """
from tell import tell
from temporal_devserver._pytest import explain

explain.PATIENCE = 1000

def asked(*_):
    async def never(*_):
        import asyncio
        tell("it asks")
        await asyncio.Event().wait()
    return never

explain._workflows = asked
""",
    )
    suite.tests(
        """
import threading

def test_hangs(temporal_namespace):
    tell("it hangs")
    threading.Event().wait()
"""
    )
    with suite.started() as run:
        eventually("the test hangs", suite.told, 40)
        run.signal(signal.SIGINT)
        eventually("it asks", lambda: ["it asks"] in suite.told(), 40)
        run.signal(signal.SIGINT)
        code, out, err = run.end()
    assert code == pytest.ExitCode.INTERRUPTED, out
    quiet(out, err)


def test_a_test_without_temporal_is_interrupted_as_ever(suite: Suite) -> None:
    suite.tests(
        """
import threading

def test_hangs():
    tell("it hangs")
    threading.Event().wait()
"""
    )
    with suite.started() as run:
        eventually("the test hangs", suite.told, 40)
        run.signal(signal.SIGINT)
        code, out, err = run.end()
    assert code == pytest.ExitCode.INTERRUPTED
    assert "Temporal" not in out
    quiet(out, err)


def test_an_orderly_exit_is_not_explained(suite: Suite) -> None:
    suite.tests("def test_one(temporal_namespace): pytest.exit('enough')")
    assert "Temporal workflows" not in suite.run().stdout.str()
