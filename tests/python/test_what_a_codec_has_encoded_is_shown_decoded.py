"""What is explained, saved and drawn is decoded by the data converter of the test's client."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

CODEC = """
import asyncio, dataclasses, time
from datetime import timedelta
from temporalio import activity, converter, workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

class Xor(converter.PayloadCodec):
    async def encode(self, payloads):
        return [
            Payload(metadata={"encoding": b"xor"}, data=bytes(b ^ 7 for b in p.SerializeToString()))
            for p in payloads
        ]

    async def decode(self, payloads):
        await self.before()
        return [self.one(payload) for payload in payloads]

    async def before(self):
        pass

    def one(self, payload):
        if payload.metadata["encoding"] != b"xor":
            raise ValueError("this codec has not encoded it")
        plain = Payload()
        plain.ParseFromString(bytes(b ^ 7 for b in payload.data))
        return plain

def data_converter(codec):
    failures = converter.DefaultFailureConverterWithEncodedAttributes
    return dataclasses.replace(
        converter.default(), payload_codec=codec, failure_converter_class=failures
    )

@activity.defn
async def charge(card: str) -> None:
    raise ValueError(f"card {card} declined")

HOUR = RetryPolicy(initial_interval=timedelta(hours=1))

@workflow.defn(sandboxed=False)
class Pay:
    @workflow.run
    async def run(self, card: str) -> None:
        limit = timedelta(seconds=30)
        await workflow.execute_activity(
            charge, card, start_to_close_timeout=limit, retry_policy=HOUR, summary="by card"
        )

@workflow.defn(sandboxed=False)
class Refuses:
    @workflow.run
    async def run(self) -> None:
        raise converter_error("no such order")

def converter_error(text):
    from temporalio.exceptions import ApplicationError
    return ApplicationError(text, type="Refused")

async def scenario(client):
    flows = [Pay, Refuses]
    async with Worker(client, task_queue="tests", workflows=flows, activities=[charge]):
        refuses = await client.start_workflow(Refuses.run, id="refuses", task_queue="tests")
        try:
            await refuses.result()
        except Exception:
            pass
        pay = await client.start_workflow(Pay.run, "4711", id="pay", task_queue="tests")
        while "attempt: 2" not in str((await pay.describe()).raw_description):
            await asyncio.sleep(0.01)
"""

TESTS = """
from flows import *

@pytest.fixture
def temporal_client_options():
    return {"data_converter": data_converter(Xor())}

def test_pays(temporal_client):
    asyncio.run(scenario(temporal_client))
    assert False
"""

EXPLAINED = [
    "pay  Pay  RUNNING",
    "    activity charge (id 1): attempt 2*last failure: ValueError: card 4711 declined",
    "refuses  Refuses  FAILED",
    "    Refused: no such order",
]


def replayed(path: Path, monkeypatch: pytest.MonkeyPatch, *, with_codec: bool) -> None:
    """Replays a file, with the codec or without."""
    history = WorkflowHistory.from_json("any", path.read_text())
    monkeypatch.setitem(sys.modules, "flows", None)
    monkeypatch.delitem(sys.modules, "flows")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(path.parents[3 if path.parent.name == "decoded" else 2])
        import flows

        more = {"data_converter": flows.data_converter(flows.Xor())} if with_codec else {}  # type: ignore[attr-defined]
        replayer = Replayer(workflows=[flows.Pay, flows.Refuses], **more)  # type: ignore[attr-defined]
        asyncio.run(replayer.replay_workflow(history))


@pytest.mark.real_server
def test_in_the_explanation_the_histories_and_the_drawing(
    real_suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_suite.file("flows.py", CODEC)
    real_suite.tests(TESTS)
    result = real_suite.run("--temporal-histories=saved", "--temporal-report=report.html")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(EXPLAINED)
    result.stdout.no_fnmatch_line("*not all could be decoded*")
    page = (real_suite.path / "report.html").read_text()
    assert "Encoded failure" not in page
    assert "ValueError: card 4711 declined" in page
    assert "charge “by card”" in page
    (folder,) = (real_suite.path / "saved").iterdir()
    saved, decoded = sorted(folder.glob("*.json")), sorted(folder.glob("decoded/*.json"))
    assert len(saved) == len(decoded) == 2
    for path in saved:
        replayed(path, monkeypatch, with_codec=True)
    for path in decoded:
        assert "Encoded failure" not in path.read_text()
        replayed(path, monkeypatch, with_codec=False)


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("decode", "problem"),
    [
        ("raise RuntimeError('the key is lost')", "RuntimeError: the key is lost"),
        ("await asyncio.Event().wait()", "the data converter took more than 1 s"),
        ("time.sleep(1000)", "the data converter took more than 1 s"),
    ],
    ids=["raises", "waits", "blocks"],
)
def test_a_codec_that_fails_costs_only_what_it_encodes(
    real_suite: Suite, decode: str, problem: str
) -> None:
    real_suite.file("flows.py", CODEC)
    real_suite.tests(
        TESTS.replace("    assert False", "    Xor.before = broken\n    assert False")
        + f"""
async def broken(codec):
    {decode}
"""
    )
    result = real_suite.run("--temporal-histories=saved")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([*EXPLAINED[::2], f"*not all could be decoded: {problem}*"])
    assert len(list((real_suite.path / "saved").glob("*/*.json"))) == 2
