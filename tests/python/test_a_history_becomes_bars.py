"""What begins and ends in a history is a bar; what is left open, or out of order, is no error."""

from __future__ import annotations

import json
import random

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.update.v1 import Input, Outcome, Request
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from temporal_devserver._pytest.report import timeline
from timelines import HOSTILE, NOW, History, failure

SIGNAL = "signal_external_workflow_execution"
CANCEL = "request_cancel_external_workflow_execution"


def rich() -> History:
    """A history with one of everything."""
    history = History()
    add = history.add
    add("workflow_execution_started", workflow_type=WorkflowType(name="Order"))
    add("workflow_task_scheduled", 0.0, attempt=1)
    add("workflow_task_started", 0.1, scheduled_event_id=2)
    add("workflow_task_completed", 0.2, scheduled_event_id=2, started_event_id=3)
    add(
        "activity_task_scheduled", 0.2, activity_id="a"
    ).activity_task_scheduled_event_attributes.activity_type.name = "charge"
    add(
        "timer_started", 0.2, timer_id="t"
    ).timer_started_event_attributes.start_to_fire_timeout.FromMilliseconds(1500)
    add(
        "start_child_workflow_execution_initiated",
        0.3,
        workflow_id="ship-1",
        workflow_type=WorkflowType(name="Ship"),
    )
    add(
        "child_workflow_execution_started",
        0.4,
        initiated_event_id=7,
        workflow_execution=WorkflowExecution(run_id="child-run"),
    )
    add(
        "activity_task_started",
        1.0,
        scheduled_event_id=5,
        attempt=3,
        last_failure=failure("declined"),
    )
    add("activity_task_completed", 1.2, scheduled_event_id=5, started_event_id=9)
    add("workflow_execution_signaled", 1.3, signal_name="approve")
    add("timer_fired", 1.7, timer_id="t", started_event_id=6)
    add(
        "child_workflow_execution_failed",
        1.8,
        initiated_event_id=7,
        started_event_id=8,
        failure=failure("lost"),
    )
    add("workflow_execution_failed", 2.0, failure=failure("no parcel"))
    return history


def test_one_of_everything() -> None:
    found = timeline.of("order-1", "run", rich().events, None, NOW + 9)
    assert (found["type"], found["status"], found["end"]) == ("Order", "failed", NOW + 2)
    assert found["note"] == "ValueError: no parcel"
    told = {
        f"{bar['kind']} {bar['name']}": (
            round(bar["begin"] - NOW, 3), round((bar["end"] or 0) - NOW, 3), bar["outcome"],
            bar["attempts"], bar["note"], bar["link"],
        )
        for bar in found["bars"]
    }  # fmt: skip
    assert told == {
        "workflow task ": (0.0, 0.2, "completed", 1, "", ""),
        "activity charge": (0.2, 1.2, "completed", 3, "ValueError: declined", ""),
        "timer 1.5 s": (0.2, 1.7, "fired", 1, "", ""),
        "child Ship ship-1": (0.3, 1.8, "failed", 1, "ValueError: lost", "child-run"),
        "signal approve": (1.3, 1.3, "received", 1, "", ""),
    }


def bars_of(history: History) -> dict[str, tuple[float, float, str, str]]:
    """Returns begin, end, outcome and note of each bar, by kind and name."""
    found = timeline.of("order-1", "run", history.events, None, NOW + 9)["bars"]
    seconds = [(round(bar["begin"] - NOW, 3), round((bar["end"] or 0) - NOW, 3)) for bar in found]
    return {
        f"{bar['kind']} {bar['name']}": (*span, bar["outcome"], bar["note"])
        for bar, span in zip(found, seconds, strict=True)
    }


def test_what_comes_from_others_and_goes_to_others() -> None:
    history = History()
    other = WorkflowExecution(workflow_id="ship-1")
    add = history.add
    for at, name in ((0.1, "address"), (0.2, "price")):
        request = Request(input=Input(name=name))
        add("workflow_execution_update_accepted", at, accepted_request=request)
    add("workflow_execution_update_completed", 0.3, accepted_event_id=1)
    outcome = Outcome(failure=failure("too late"))
    add("workflow_execution_update_completed", 0.4, accepted_event_id=2, outcome=outcome)
    add("nexus_operation_scheduled", 0.5, service="bank", operation="pay")
    add("nexus_operation_completed", 0.6, scheduled_event_id=5)
    add(f"{SIGNAL}_initiated", 0.7, workflow_execution=other, signal_name="go")
    add("external_workflow_execution_signaled", 0.8, initiated_event_id=7)
    add(f"{CANCEL}_initiated", 0.9, workflow_execution=other)
    add(f"{CANCEL}_failed", 1.0, initiated_event_id=9)
    add("workflow_execution_cancel_requested", 1.1, cause="a test")
    assert bars_of(history) == {
        "update address": (0.1, 0.3, "completed", ""),
        "update price": (0.2, 0.4, "failed", "ValueError: too late"),
        "nexus bank.pay": (0.5, 0.6, "completed", ""),
        "signal to ship-1 go": (0.7, 0.8, "delivered", ""),
        "cancel ship-1": (0.9, 1.0, "failed", ""),
        "cancel request a test": (1.1, 1.1, "received", ""),
    }


@pytest.mark.parametrize(
    ("data", "begin", "end", "name"),
    [
        (
            {
                "activity_type": "weigh",
                "original_schedule_time": {"seconds": int(NOW), "nanos": 250_000_000},
                "complete_time": {"seconds": int(NOW), "nanos": 750_000_000},
            },
            0.25,
            0.75,
            "weigh",
        ),
        ({"activity_type": "weigh", "original_schedule_time": "soon"}, 1.0, 1.0, "weigh"),
        (["what a later SDK writes"], 1.0, 1.0, ""),
        (None, 1.0, 1.0, ""),
    ],
)
def test_a_marker_is_read_as_far_as_it_can_be(
    data: object, begin: float, end: float, name: str
) -> None:
    history = History()
    payloads = Payloads(payloads=[Payload(data=json.dumps(data).encode())] if data else [])
    history.add(
        "marker_recorded", 1.0, marker_name="core_local_activity", details={"data": payloads}
    )
    history.add("marker_recorded", 1.0, marker_name="core_patch")
    assert bars_of(history) == {
        f"local activity {name}": (begin, end, "completed", ""),
        "marker core_patch": (1.0, 1.0, "recorded", ""),
    }


def test_a_workflow_that_was_terminated_says_why() -> None:
    history = History()
    history.add("workflow_execution_terminated", 1.0, reason="it was in the way")
    found = timeline.of("order-1", "run", history.events, None, NOW + 9)
    assert (found["status"], found["note"]) == ("terminated", "it was in the way")


def test_what_is_pending_has_its_attempts_and_its_last_failure() -> None:
    description = DescribeWorkflowExecutionResponse()
    pending = description.pending_activities.add(activity_id="a", attempt=4, state=1)
    pending.last_failure.CopyFrom(failure("declined again"))
    found = timeline.of("order-1", "run", rich().events[:5], description, NOW + 9)
    (activity,) = (bar for bar in found["bars"] if bar["kind"] == "activity")
    assert (found["status"], found["end"], activity["end"]) == ("running", None, None)
    assert (activity["attempts"], activity["note"]) == (4, "ValueError: declined again")


def test_a_workflow_task_that_fails_again_and_again_is_told_with_its_reason() -> None:
    history = rich()
    del history.events[3:]
    history.add("workflow_task_failed", 0.2, scheduled_event_id=2, failure=failure("a bug"))
    description = DescribeWorkflowExecutionResponse()
    description.pending_workflow_task.attempt = 5
    found = timeline.of("order-1", "run", history.events, description, NOW + 9)
    assert [(bar["outcome"], bar["attempts"]) for bar in found["bars"]] == [
        ("failed", 1),
        ("pending", 5),
    ]
    assert found["bars"][1]["note"] == found["bars"][0]["note"] == "unspecified: ValueError: a bug"
    assert found["bars"][1]["begin"] == found["bars"][0]["end"]


def test_a_workflow_task_that_the_history_has_as_open_is_not_told_twice() -> None:
    description = DescribeWorkflowExecutionResponse()
    description.pending_workflow_task.attempt = 2
    found = timeline.of("order-1", "run", rich().events[:3], description, NOW + 9)
    assert [(bar["attempts"], bar["end"]) for bar in found["bars"]] == [(2, None)]


def test_what_was_open_when_its_workflow_closed_ends_with_it() -> None:
    history = rich()
    kept = [event for event in history.events if event.event_id not in {10, 12, 13}]
    found = timeline.of("order-1", "run", kept, None, NOW + 9)
    left = {bar["kind"]: bar["end"] for bar in found["bars"] if bar["outcome"] == "left open"}
    assert left == {"activity": NOW + 2, "timer": NOW + 2, "child": NOW + 2}


def test_nothing_at_all() -> None:
    found = timeline.of("order-1", "run", [], None, NOW)
    assert (found["bars"], found["status"], found["begin"]) == ([], "running", NOW)


def test_what_is_in_trouble_is_not_left_out() -> None:
    history = History()
    history.add("workflow_execution_started")
    for number in range(2 * timeline.MOST):
        history.add("workflow_execution_signaled", number, signal_name=f"s{number}")
    history.add("activity_task_scheduled", 1000.0, activity_id="late")
    found = timeline.of("order-1", "run", history.events, None, NOW + 2000)
    assert len(found["bars"]) == timeline.MOST
    assert found["more"] == timeline.MOST + 1
    assert found["bars"][-1]["kind"] == "activity"


@pytest.mark.parametrize("seed", range(40))
def test_any_part_of_a_history_in_any_order_is_bounded_json(seed: int) -> None:
    dice = random.Random(seed)
    history = rich()
    for name in HOSTILE:
        proto = name.encode("utf-8", "replace").decode()
        history.add("workflow_execution_signaled", dice.random(), signal_name=proto)
        history.add("activity_task_scheduled", dice.random(), activity_id=proto)
    part = dice.sample(history.events, dice.randrange(len(history.events) + 1))
    found = timeline.of("i" * 10_000, "run", part, None, NOW + dice.random() * 3)
    assert json.loads(json.dumps(found)) == found
    assert len(json.dumps(found)) < 20_000
    for bar in found["bars"]:
        assert (bar["end"] or found["asked"]) <= found["asked"] or bar["end"] == found["end"]
