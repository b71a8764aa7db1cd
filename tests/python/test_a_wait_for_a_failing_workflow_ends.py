"""`--temporal-fail-fast`: a wait for a workflow whose task fails each time ends with its cause.

Where a suite needs three failures in a row, its workflows have a task timeout of five seconds: a
worker reports the first failure alone, and only after that time the server gives out the third
attempt.
"""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import (
    HistoryEvent,
    TimerFiredEventAttributes,
    TimerStartedEventAttributes,
    WorkflowTaskFailedEventAttributes,
)
from temporalio.api.workflow.v1 import PendingWorkflowTaskInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import OutboundInterceptor
from temporalio.converter import DataConverter, PayloadCodec

from temporal_devserver import WorkflowTaskFailedError, _timer
from temporal_devserver._pytest import enums, taskfailures, waits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence

    from temporalio.api.common.v1 import Payload

    from pytest_support import Suite

WORKFLOWS = """
import asyncio, base64, time, unittest
from datetime import timedelta
import temporalio.converter
from temporalio import activity, workflow
from temporalio.client import (
    Client, WorkflowFailureError, WorkflowUpdateHandle, WorkflowUpdateStage)
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporal_devserver import WorkflowTaskFailedError

SECOND, TASK_TIMEOUT = timedelta(seconds=1), timedelta(seconds=5)
runs = []

@workflow.defn(sandboxed=False)
class Buggy:
    @workflow.run
    async def run(self) -> str:
        return {}["no such key"]

    @workflow.query
    def asked(self) -> str:
        return "an answer"

@workflow.defn
class Restricted:
    @workflow.run
    async def run(self) -> None:
        import random
        random.random()

@workflow.defn(sandboxed=False)
class Changing:
    @workflow.run
    async def run(self) -> None:
        runs.append(workflow.info().run_id)
        if len(runs) == 1:
            await asyncio.sleep(0.01)
        else:
            await workflow.wait_condition(lambda: False)

@workflow.defn(sandboxed=False)
class Parent:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_child_workflow(
            Buggy.run, id="child", task_timeout=TASK_TIMEOUT)

@workflow.defn(sandboxed=False)
class Unawaiting:
    @workflow.run
    async def run(self, seconds: float) -> str:
        policy = workflow.ParentClosePolicy.ABANDON
        await workflow.start_child_workflow(Buggy.run, id="child", parent_close_policy=policy)
        await asyncio.sleep(seconds)
        return "done"

    @workflow.query
    def slow_query(self) -> str:
        time.sleep(1)
        return "an answer"

    @workflow.update
    async def slow_update(self) -> str:
        await asyncio.sleep(1.5)
        return "an answer"

@workflow.defn(sandboxed=False)
class Again:
    @workflow.run
    async def run(self, runs: int) -> None:
        if not runs:
            raise LookupError("the last run")
        workflow.continue_as_new(runs - 1)

@workflow.defn(sandboxed=False)
class Updated:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def fails(self) -> str:
        raise LookupError("in the update")

    @workflow.update
    async def fails_late(self) -> str:
        await asyncio.sleep(0.3)
        raise LookupError("in the accepted update")

    @workflow.update
    async def waits(self) -> None:
        await workflow.wait_condition(lambda: False)

@workflow.defn(sandboxed=False)
class Mended:
    @workflow.run
    async def run(self) -> str:
        runs.append(workflow.info().run_id)
        if len(runs) < 3:
            raise LookupError(f"not mended yet")
        return "mended"

@workflow.defn(sandboxed=False)
class Slow:
    @workflow.run
    async def run(self) -> str:
        time.sleep(0.6)
        await asyncio.sleep(1)
        return "slow"

@activity.defn
async def flaky() -> int:
    if activity.info().attempt < 5:
        raise LookupError("not yet")
    return activity.info().attempt

@workflow.defn(sandboxed=False)
class Tries:
    @workflow.run
    async def run(self) -> int:
        policy = temporalio.common.RetryPolicy(initial_interval=SECOND / 2, backoff_coefficient=1)
        return await workflow.execute_activity(
            flaky, start_to_close_timeout=SECOND, retry_policy=policy)

@workflow.defn(sandboxed=False)
class Sleeps:
    @workflow.run
    async def run(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "slept"

ALL = [Buggy, Restricted, Changing, Parent, Unawaiting, Again, Updated, Mended, Slow, Tries, Sleeps]

def working(client, **options):
    runs.clear()
    return Worker(client, task_queue="q", workflows=ALL, activities=[flaky], **options)

def started(client, flow, *args, id="w"):
    return client.start_workflow(flow.run, *args, id=id, task_queue="q")

def soon(client, flow, *args):
    return client.start_workflow(flow.run, *args, id="w", task_queue="q", task_timeout=TASK_TIMEOUT)

async def ends(client, flow, *args, start=started, **options):
    async with working(client, **options):
        with pytest.raises(WorkflowTaskFailedError) as caught:
            await (await start(client, flow, *args)).result()
        return caught.value
"""

OF_THREE = """
pytestmark = pytest.mark.asyncio

async def test_a_plain_exception(temporal_client):
    error = await ends(temporal_client, Buggy, start=soon)
    assert error.code == "workflow_task_failed"
    assert (error.workflow_id, error.workflow_type) == ("w", "Buggy")
    assert error.failures == 3
    assert error.cause == "KeyError: 'no such key'"
    assert 'return {}["no such key"]' in error.traceback
    assert error.traceback.endswith(error.cause)
    assert error.traceback in str(error) and str(error).endswith(error.remedy)
    assert "raise `ApplicationError`" in error.remedy
    assert "KeyError" in repr(error.__cause__)
    assert not isinstance(error, WorkflowFailureError)

async def test_an_update_that_is_not_accepted(temporal_client):
    async with working(temporal_client):
        handle = await soon(temporal_client, Updated)
        with pytest.raises(WorkflowTaskFailedError, match="LookupError: in the update"):
            await handle.execute_update(Updated.fails)

async def test_a_child_workflow(temporal_client):
    error = await ends(temporal_client, Parent)
    assert (error.workflow_id, error.workflow_type) == ("child", "Buggy")

async def test_the_task_fails_twice_and_then_succeeds(temporal_client):
    async with working(temporal_client):
        assert await (await soon(temporal_client, Mended)).result() == "mended"
    assert len(runs) == 3
"""

OF_ONE = """
pytestmark = [pytest.mark.asyncio, pytest.mark.temporal_fail_fast(1)]

async def test_what_the_sandbox_forbids(temporal_client):
    error = await ends(temporal_client, Restricted)
    assert error.failures == 1
    assert "RestrictedWorkflowAccessError" in error.cause

async def test_code_that_is_not_deterministic(temporal_client):
    error = await ends(temporal_client, Changing, max_cached_workflows=0)
    assert "non_deterministic_error" in str(error)
    assert "workflow.patched()" in error.remedy

async def test_a_child_that_its_parent_waits_for(temporal_client):
    assert (await ends(temporal_client, Parent)).workflow_id == "child"

async def test_the_last_of_several_runs(temporal_client):
    error = await ends(temporal_client, Again, 2)
    assert error.cause == "LookupError: the last run"

async def test_an_accepted_update(temporal_client):
    async with working(temporal_client):
        handle = await started(temporal_client, Updated)
        accepted = WorkflowUpdateStage.ACCEPTED
        update = await handle.start_update(Updated.fails_late, wait_for_stage=accepted)
        assert type(update) is WorkflowUpdateHandle
        with pytest.raises(WorkflowTaskFailedError, match="LookupError: in the accepted update"):
            await update.result()

async def test_a_query(temporal_client):
    async with working(temporal_client):
        handle = await started(temporal_client, Buggy)
        with pytest.raises(WorkflowTaskFailedError, match="no such key"):
            await handle.query(Buggy.asked)

class Reversed(temporalio.converter.PayloadCodec):
    async def encode(self, payloads):
        return [
            type(each)(metadata={"encoding": b"reversed"}, data=each.SerializeToString()[::-1])
            for each in payloads]

    async def decode(self, payloads):
        return [type(payload).FromString(payload.data[::-1]) for payload in payloads]

class TestEncoded:
    @pytest.fixture
    def temporal_client_options(self):
        encoded = temporalio.converter.DefaultFailureConverterWithEncodedAttributes
        converter = temporalio.converter.DataConverter(
            payload_codec=Reversed(), failure_converter_class=encoded)
        return {"data_converter": converter}

    async def test_an_encoded_failure(self, temporal_client):
        error = await ends(temporal_client, Buggy)
        assert error.cause == "KeyError: 'no such key'"
        assert 'return {}["no such key"]' in error.traceback

async def test_a_client_of_a_private_server(temporal_private_client):
    await ends(temporal_private_client, Buggy)
"""

UNDISTURBED = """
pytestmark = pytest.mark.asyncio

@pytest.mark.temporal_fail_fast(1)
async def test_a_workflow_that_no_test_waits_for(temporal_client):
    async with working(temporal_client):
        await started(temporal_client, Buggy)
        other = await started(temporal_client, Sleeps, 2, id="other")
        assert await other.result() == "slept"

@pytest.mark.temporal_fail_fast(1)
async def test_a_parent_that_does_not_wait_for_its_failing_child(temporal_client):
    async with working(temporal_client):
        assert await (await started(temporal_client, Unawaiting, 2.5)).result() == "done"

@pytest.mark.temporal_fail_fast(1)
async def test_answers_of_the_parent_of_a_failing_child(temporal_client):
    async with working(temporal_client):
        handle = await started(temporal_client, Unawaiting, 60)
        assert await handle.query(Unawaiting.slow_query) == "an answer"
        assert await handle.execute_update(Unawaiting.slow_update) == "an answer"

@pytest.mark.temporal_fail_fast(1)
async def test_an_activity_that_is_tried_again(temporal_client):
    async with working(temporal_client):
        assert await (await started(temporal_client, Tries)).result() == 5

@pytest.mark.temporal_fail_fast(1)
async def test_a_server_that_is_killed_while_a_task_runs(
    temporal_private_server, temporal_private_client
):
    async with working(temporal_private_client):
        handle = await soon(temporal_private_client, Slow)
        await asyncio.sleep(0.3)
        temporal_private_server.kill()
        assert await handle.result() == "slow"

@pytest.mark.temporal_fail_fast(1)
async def test_a_workflow_that_was_reset(temporal_client):
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

    async with working(temporal_client):
        handle = await started(temporal_client, Sleeps, 2)
        await handle.query("__stack_trace")
        request = ResetWorkflowExecutionRequest(
            namespace=temporal_client.namespace,
            workflow_execution=WorkflowExecution(workflow_id="w"),
            request_id="reset", workflow_task_finish_event_id=4)
        await temporal_client.workflow_service.reset_workflow_execution(request)
        assert await temporal_client.get_workflow_handle("w").result() == "slept"
"""

CANCELLED = """
pytestmark = pytest.mark.asyncio

@pytest.mark.parametrize("seconds", [0.1, 0.6])
@pytest.mark.parametrize("call", ["result", "update", "accepted update", "query"])
@pytest.mark.parametrize(
    "fails_fast",
    [pytest.param(it, marks=pytest.mark.temporal_fail_fast(it)) for it in (True, False)],
)
async def test_cancelled(temporal_client, call, fails_fast, seconds):
    handle = await started(temporal_client, Updated)
    if call == "result":
        wait = handle.result()
    elif call == "query":
        wait = handle.query("nothing")
    elif call == "update":
        wait = handle.execute_update(Updated.waits)
    else:
        async with working(temporal_client):
            accepted = WorkflowUpdateStage.ACCEPTED
            update = await handle.start_update(Updated.waits, wait_for_stage=accepted)
        wait = update.result()
    waiting = asyncio.ensure_future(wait)
    assert not (await asyncio.wait({waiting}, timeout=seconds))[0]
    waiting.cancel()
    [outcome] = await asyncio.gather(waiting, return_exceptions=True)
    tell(call, seconds, fails_fast, type(outcome).__name__)

async def test_limited(temporal_client):
    handle = await started(temporal_client, Updated)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(handle.result(), 0.6)
"""

OFF = """
pytestmark = [pytest.mark.asyncio, pytest.mark.temporal_fail_fast(False)]

async def test_off(temporal_client):
    async with working(temporal_client):
        handle = await started(temporal_client, Buggy)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(handle.result(), 3)
"""

EVERYWHERE = """
import asyncio

pytestmark = pytest.mark.temporal_fail_fast(1)

def test_sync(temporal_client):
    asyncio.run(ends(temporal_client, Buggy))

@pytest.mark.asyncio
async def test_asyncio(temporal_client):
    await ends(temporal_client, Buggy)

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(temporal_client):
    await ends(temporal_client, Buggy)

class TestUnit(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def client(self, temporal_client):
        self.temporal = temporal_client

    async def test_unittest(self):
        await ends(self.temporal, Buggy)
"""

CHOSEN = """
from temporal_devserver._pytest import run

def limit(client):
    return [each._failures for each in client.config()["interceptors"]]

def test_configured(temporal_client):
    tell("configured", limit(temporal_client))

@pytest.mark.temporal_fail_fast
def test_on(temporal_client):
    tell("on", limit(temporal_client))

@pytest.mark.temporal_fail_fast(False)
def test_off(temporal_client):
    tell("off", limit(temporal_client))

@pytest.mark.temporal_fail_fast(7)
def test_seven(temporal_client):
    tell("seven", limit(temporal_client))
"""

REFUSED = """
@pytest.mark.temporal_fail_fast("often")
def test_often(temporal_client): ...

@pytest.mark.temporal_fail_fast(-1)
def test_negative(temporal_client): ...

@pytest.mark.temporal_fail_fast(1, times=2)
def test_two(temporal_client): ...
"""


def run(suite: Suite, tests: str, *arguments: str, **outcomes: int) -> str:
    """Runs a suite that makes no noise; returns its output."""
    suite.tests(WORKFLOWS + tests)
    result = suite.run("-p", "no:cacheprovider", "--strict-markers", *arguments)
    out = result.stdout.str()
    assert result.parseoutcomes() == {key: value for key, value in outcomes.items() if value}, out
    assert "never retrieved" not in out
    assert "was destroyed" not in out
    return out


def names(tests: str) -> list[str]:
    """Returns the names of the tests of a suite: one that takes seconds runs alone."""
    return re.findall(r"def (test_\w+)", tests)


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.parametrize("name", names(OF_THREE))
def test_three_failures_in_a_row_end_a_wait(real_suite: Suite, name: str) -> None:
    run(real_suite, OF_THREE, f"test_suite.py::{name}", passed=1)


@pytest.mark.long
@pytest.mark.real_server
def test_a_marker_changes_the_number(real_suite: Suite) -> None:
    run(real_suite, OF_ONE, passed=8)


@pytest.mark.long
@pytest.mark.real_server
@pytest.mark.parametrize("name", names(UNDISTURBED))
def test_only_the_awaited_failing_workflow_ends_a_wait(real_suite: Suite, name: str) -> None:
    run(real_suite, UNDISTURBED, f"test_suite.py::{name}", passed=1)


@pytest.mark.long
@pytest.mark.real_server
def test_a_marker_turns_it_off(real_suite: Suite) -> None:
    run(real_suite, OFF, "--temporal-fail-fast=1", passed=1)


@pytest.mark.long
@pytest.mark.real_server
def test_a_cancelled_wait_ends_as_in_plain(real_suite: Suite) -> None:
    run(real_suite, CANCELLED, passed=17)
    told = [tuple(what) for what in real_suite.told()]
    plain = {what[:2]: what[3] for what in told if not what[2]}
    assert len(plain) == 8
    assert {what[:2]: what[3] for what in told if what[2]} == plain


@pytest.mark.real_server
def test_every_kind_of_test_fails_fast(real_suite: Suite) -> None:
    run(real_suite, EVERYWHERE, passed=4)


@pytest.mark.long
@pytest.mark.real_server
def test_a_marker_wins_over_the_configuration(
    real_suite: Suite,
) -> None:
    marked = [["off", []], ["on", [3]], ["seven", [7]]]
    for options, configured, on in [
        ((), [3], [3]),
        (("--temporal-fail-fast=no",), [], [3]),
        (("--temporal-fail-fast=5",), [5], [5]),
    ]:
        run(real_suite, CHOSEN, *options, passed=4)
        expected = [["configured", configured], ["on", on], *marked[::2]]
        assert sorted(real_suite.told(), key=str) == sorted(expected, key=str)
        real_suite.forget()


@pytest.mark.real_server
def test_a_marker_without_a_meaning_is_refused(real_suite: Suite) -> None:
    out = run(real_suite, REFUSED, errors=3)
    errors = [line for line in out.splitlines() if line.startswith("ConfigError")]
    assert len(errors) == 3
    assert all(line.endswith("give it True, False, or a number of failures") for line in errors)
    assert "temporal_fail_fast(1, times=2) has no meaning" in out
    assert "Traceback" not in out


def test_an_unknown_cause_is_named_by_its_number() -> None:
    failed = WorkflowTaskFailedEventAttributes(cause=9999)  # type: ignore[arg-type]
    assert enums.cause(failed) == "value_9999"
    assert enums.status(9999) == "VALUE_9999"


class Scripted(OutboundInterceptor):
    """A server with one workflow, whose task has failed once with an encoded failure."""

    def __init__(self, converter: DataConverter, cause: int = 0) -> None:
        self.converter, self.cause, self.asked = converter, cause, asyncio.Event()

    async def describe_workflow(self, input: Any) -> Any:  # noqa: A002  # as the SDK has it
        self.asked.set()
        task = PendingWorkflowTaskInfo(state=2, attempt=2)  # type: ignore[arg-type]
        return SimpleNamespace(
            id=input.id,
            run_id="run",
            workflow_type="Buggy",
            data_converter=self.converter,
            raw_description=DescribeWorkflowExecutionResponse(pending_workflow_task=task),
        )

    def fetch_workflow_history_events(self, input: Any) -> Any:  # noqa: A002, ARG002  # as above
        return self._events()

    async def _events(self) -> AsyncIterator[HistoryEvent]:
        failure = Failure(message="Encoded failure")
        failure.encoded_attributes.data = b"?"
        failed = WorkflowTaskFailedEventAttributes(failure=failure, cause=self.cause)  # type: ignore[arg-type]
        kind = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        yield HistoryEvent(event_type=kind, workflow_task_failed_event_attributes=failed)


class Raises(PayloadCodec):
    """A codec that decodes nothing."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        raise NotImplementedError

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:  # noqa: ARG002
        message = "no key"
        raise ValueError(message)


class Hangs(Raises):
    """A codec that decodes for ever."""

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.Event().wait()
        return [*payloads]


async def end(server: Scripted, failures: int, call: Coroutine[Any, Any, str]) -> str:
    """Returns what a watched call returns."""
    seen = taskfailures.Seen(server, failures, children=False)
    return await _timer.limited(waits.Watch(seen, "w", None).end_of(call), 10)


@pytest.mark.parametrize("codec", [Raises, Hangs])
def test_a_codec_has_no_effect_before_failures_are_too_many(codec: type[Raises]) -> None:
    async def check() -> None:
        server = Scripted(DataConverter(payload_codec=codec()))

        async def call() -> str:
            await server.asked.wait()
            server.asked.clear()
            await server.asked.wait()
            return "recovered"

        assert await end(server, 2, call()) == "recovered"

    asyncio.run(check())


@pytest.mark.parametrize("cause", [0, 9999])
@pytest.mark.parametrize("codec", [Raises, Hangs])
def test_a_failure_that_cannot_be_decoded_ends_a_wait(codec: type[Raises], cause: int) -> None:
    async def check() -> None:
        server = Scripted(DataConverter(payload_codec=codec()), cause)
        call = asyncio.Event()

        async def wait() -> str:
            await call.wait()
            return ""

        with pytest.raises(WorkflowTaskFailedError) as caught:
            await end(server, 1, wait())
        assert caught.value.cause == "FailureError: Encoded failure"

    asyncio.run(check())


def test_a_call_that_ends_does_not_wait_for_the_answer_to_a_question() -> None:
    class Silent(Scripted):
        async def describe_workflow(self, input: Any) -> Any:  # noqa: A002, ARG002  # as the SDK has it
            self.asked.set()
            await asyncio.Event().wait()

    async def check() -> None:
        server = Silent(DataConverter.default)

        async def call() -> str:
            await server.asked.wait()
            return "done"

        assert await end(server, 1, call()) == "done"

    asyncio.run(check())


def test_a_question_that_raises_ends_no_wait() -> None:
    class Broken(Scripted):
        async def describe_workflow(self, input: Any) -> Any:  # noqa: A002, ARG002  # as the SDK has it
            self.asked.set()
            message = "the user's interceptor"
            raise LookupError(message)

    async def check() -> None:
        server = Broken(DataConverter.default)

        async def call() -> str:
            await server.asked.wait()
            server.asked.clear()
            await server.asked.wait()
            return "done"

        assert await end(server, 1, call()) == "done"

    asyncio.run(check())


class Family(Scripted):
    """A server with the parent `w` of failing and healthy children."""

    def __init__(self, children: Sequence[str], events: Sequence[HistoryEvent] = ()) -> None:
        super().__init__(DataConverter.default)
        self.children, self.events, self.activities = children, events, 0

    async def describe_workflow(self, input: Any) -> Any:  # noqa: A002  # as the SDK has it
        description = await super().describe_workflow(input)
        if input.id != "failing":
            raw = description.raw_description
            raw.ClearField("pending_workflow_task")
            if input.id == "w":
                for child in self.children:
                    raw.pending_children.add(workflow_id=child, run_id="run")
                for _ in range(self.activities):
                    raw.pending_activities.add()
        return description

    def fetch_workflow_history_events(self, input: Any) -> Any:  # noqa: A002  # as the SDK has it
        return self._of_parent() if input.id == "w" else self._events()

    async def _of_parent(self) -> AsyncIterator[HistoryEvent]:
        for event in self.events:
            yield event

    def error(self, *, children: bool = True) -> WorkflowTaskFailedError | None:
        """Returns the error of the parent."""
        return asyncio.run(taskfailures.Seen(self, 1, children=children).error("w", None))


TIMER = HistoryEvent(
    event_type=EventType.EVENT_TYPE_TIMER_STARTED,
    timer_started_event_attributes=TimerStartedEventAttributes(timer_id="1"),
)
FIRED = HistoryEvent(
    event_type=EventType.EVENT_TYPE_TIMER_FIRED,
    timer_fired_event_attributes=TimerFiredEventAttributes(timer_id="1"),
)


def test_a_failing_child_counts_only_where_its_parent_can_do_nothing_else() -> None:
    error = Family(["failing", "failing"], [TIMER, FIRED]).error()
    assert error is not None
    assert error.workflow_id == "failing"
    assert Family(["failing"]).error(children=False) is None
    assert Family(["failing"], [TIMER]).error() is None
    assert Family(["failing", "healthy"]).error() is None
    assert Family([]).error() is None
    busy = Family(["failing"])
    busy.activities = 1
    assert busy.error() is None
