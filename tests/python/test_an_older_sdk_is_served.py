"""An SDK may be older than the server: its messages lack fields, its enums values."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo, WorkflowExecutionExtendedInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from temporal_devserver._pytest import decoding, enums, older, server_time
from temporal_devserver._pytest.report import fields

if TYPE_CHECKING:
    import pytest
    from google.protobuf.message import Message


def without(kind: type[Message], field: str) -> type[Any]:
    """Returns the class of a message as it was before it had the field."""
    now = kind.DESCRIPTOR
    file = descriptor_pb2.FileDescriptorProto(name=f"older/{now.name}.proto", syntax="proto3")
    file.package = "older"
    file.dependency.extend([now.file.name, *(each.name for each in now.file.dependencies)])
    now.CopyToProto(file.message_type.add())
    (has,) = file.message_type
    kept = [each for each in has.field if each.name != field]
    assert len(kept) == len(has.field) - 1
    del has.field[:]
    has.field.extend(kept)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"older.{now.name}"))


def test_a_description_without_extended_info_has_the_time_of_the_server() -> None:
    described = without(DescribeWorkflowExecutionResponse, "workflow_extended_info")()
    assert server_time.of_workflow(described, 1000.0) == 1000.0


def test_extended_info_without_time_skipping_has_the_time_of_the_server() -> None:
    extended = without(WorkflowExecutionExtendedInfo, "time_skipping_info")()
    assert older.inner(extended, *server_time.SKIPPING[1:]) is None


def test_an_activity_without_options_has_no_task_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = without(PendingActivityInfo, "activity_options")
    monkeypatch.setattr(decoding, "PendingActivityInfo", kind)
    facts = decoding._activity(kind(activity_id="1"))
    assert (facts["activity_id"], facts["activity_task_queue"]) == ("1", "")


def test_an_event_without_user_metadata_has_no_summary() -> None:
    assert fields.with_summary("charge", without(HistoryEvent, "user_metadata")()) == "charge"


def test_the_decoder_needs_no_class_of_user_metadata() -> None:
    program = (
        "import temporalio.api.sdk.v1 as messages; del messages.UserMetadata\n"
        "from temporalio.api.failure.v1 import Failure\n"
        "from temporal_devserver._pytest import decoding, older\n"
        "assert not isinstance(Failure(), older.USER_METADATA)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_value_that_an_enum_lacks_is_named_by_its_number() -> None:
    assert enums.status(WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED) == "FAILED"
    assert enums.status(4711) == "VALUE_4711"
