"""A storage queue over the wire: what is received, what deletes it, and that nothing but its answer is taken for one."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from unittest import mock

import pytest

from agent.collect.aws.client import Deadline
from agent.collect.azure.identity import credential
from agent.collect.changes.queue import QueueFailed
from agent.collect.changes.storage_queue import StorageQueue
from checks.model import Reason
from tests.agent.collect.azure.eyes import ONE
from tests.world.arm_double import PORTAL, ArmDouble, Reply
from tests.world.storage_queue import QueueDouble, refused

URI = f"/subscriptions/{ONE}/resourceGroups/rg-shop/providers/Microsoft.Storage/storageAccounts/Orders"


def event(uri: str = URI, type_: str = "Microsoft.Resources.ResourceWriteSuccess", id_: str = "e-1") -> str:
    """As Event Grid puts it into a storage queue."""
    told = {
        "id": id_, "topic": f"/subscriptions/{ONE}", "subject": uri, "eventType": type_, "eventTime": "2026-11-20T06:00:00.1234567Z",
        "dataVersion": "2", "metadataVersion": "1",
        "data": {"resourceUri": uri, "operationName": "Microsoft.Storage/storageAccounts/write", "status": "Succeeded", "subscriptionId": ONE},
    }  # fmt: skip
    return base64.b64encode(json.dumps(told).encode()).decode()


@pytest.fixture
def double(azure: ArmDouble) -> QueueDouble:
    return QueueDouble(azure)


@pytest.fixture
def queue(double: QueueDouble) -> Iterator[StorageQueue]:
    with mock.patch.dict(os.environ, double.arm.environment):
        yield StorageQueue(double.url, credential("managed-identity"), Deadline(math.inf), lambda: datetime.now(UTC))


def test_what_is_received_is_deleted_with_its_newest_receipt(queue: StorageQueue, double: QueueDouble) -> None:
    double.put(event())
    (first,) = queue.receive(0)
    (change,) = first.changes
    assert (change.id, change.account, change.region, change.at) == ("e-1", ONE, "global", "2026-11-20T06:00:00Z")
    assert change.about == (("azure.storage.storageaccounts", URI.lower()),)
    assert queue.receive(0) == []
    double.show()
    (again,) = queue.receive(0)
    with pytest.raises(QueueFailed, match="PopReceiptMismatch"):
        queue.acknowledge(first)
    queue.acknowledge(again)
    assert double.messages == []
    with pytest.raises(QueueFailed, match="MessageNotFound") as failed:
        queue.acknowledge(again)
    assert failed.value.failure.reason is Reason.UNSUPPORTED


def test_what_nobody_understands_is_a_message_all_the_same(queue: StorageQueue, double: QueueDouble) -> None:
    for text in ("no base64!", base64.b64encode(b"\xff\xfe no json").decode(), "", "{}", "[1]"):
        double.put(text)
    double.put(event(type_="Microsoft.Storage.BlobCreated"))
    messages = queue.receive(0)
    assert [bool(one.problem) for one in messages] == [True] * 6
    assert not any(one.changes for one in messages)


@pytest.mark.parametrize(
    ("reply", "reason", "said"),
    [
        (Reply(200, PORTAL, {"Content-Type": "text/html"}), Reason.MALFORMED, "document type"),
        (Reply(200, b"<Portal/>"), Reason.MALFORMED, "not QueueMessagesList"),
        (Reply(200, b"<QueueMessagesList><QueueMess"), Reason.MALFORMED, "cut short"),
        (Reply(200, b""), Reason.MALFORMED, "cut short"),
        (Reply(204, b""), Reason.MALFORMED, "204 in the place of 200"),
        (Reply(200, b"<QueueMessagesList><QueueMessage/></QueueMessagesList>"), Reason.MALFORMED, "without its id"),
        (refused(403, "AuthorizationPermissionMismatch"), Reason.DENIED, "AuthorizationPermissionMismatch"),
        (refused(404, "QueueNotFound"), Reason.UNSUPPORTED, "QueueNotFound"),
        (Reply(302, b"", {"Location": "https://127.0.0.1:1/"}), Reason.MALFORMED, "302"),
    ],
)
def test_what_is_no_list_of_messages_is_no_empty_queue(
    queue: StorageQueue, double: QueueDouble, reply: Reply, reason: Reason, said: str
) -> None:
    double.put(event())
    double.arm.fail("/changes/messages", reply)
    with pytest.raises(QueueFailed, match=said) as failed:
        queue.receive(0)
    assert failed.value.failure.reason is reason
    assert "messages/process/action" in str(failed.value)


def test_an_answer_without_a_request_id_is_not_azures(queue: StorageQueue, double: QueueDouble) -> None:
    double.arm.fail("/changes/messages", Reply(200, b"<QueueMessagesList/>", {"x-ms-request-id": ""}))
    with pytest.raises(QueueFailed, match="request id"):
        queue.receive(0)


def test_a_token_that_is_refused_is_told(queue: StorageQueue, double: QueueDouble) -> None:
    with mock.patch.dict(os.environ, {"IDENTITY_HEADER": "another"}):
        other = StorageQueue(double.url, credential("managed-identity"), Deadline(math.inf), lambda: datetime.now(UTC))
        with pytest.raises(QueueFailed) as failed:
            other.receive(0)
    assert failed.value.failure.reason is Reason.EXPIRED_CREDENTIALS
