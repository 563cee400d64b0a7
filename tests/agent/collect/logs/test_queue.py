"""Hints of new log files from a queue: every shape of notification, and that nothing is deleted before it was dealt with."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.collect.aws.accounts import AwsTarget
from agent.collect.aws.client import Deadline
from agent.collect.logs.queue import Hint, LogQueue, NotANotification, QueueFailed, notified
from agent.collect.logs.sources import queues
from checks.model import Reason
from tests.world.faults import Fault
from tests.world.log_bucket import ACCOUNT, REGION, LogBucket

CREATED = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "eventTime": "2026-11-20T06:00:00.000Z",
    "eventName": "ObjectCreated:Put",
    "s3": {"bucket": {"name": "mb-trail"}, "object": {"key": "AWSLogs/a+b%2Bc%C3%BC.gz", "size": 3, "eTag": "ab12", "versionId": "v1"}},
}
BRIDGED = {
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": "2026-11-20T06:00:00Z",
    "detail": {"bucket": {"name": "mb-trail"}, "object": {"key": "AWSLogs/a b+cü.gz", "size": 3, "etag": "ab12", "version-id": "v1"}},
}


@pytest.fixture
def queue(bucket: LogBucket) -> Iterator[LogQueue]:
    """A queue that the bucket announces its new objects to."""
    sqs = bucket.client("sqs")
    url = sqs.create_queue(QueueName="upheld-logs", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]}
    bucket.client().put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration=told)
    bucket.proxy.clear()
    yield LogQueue(AwsTarget(), url, REGION, Deadline(math.inf), lambda: datetime.now(UTC), bucket.name, "AWSLogs/")
    bucket.client().put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={})
    sqs.delete_queue(QueueUrl=url)


def drain(queue: LogQueue) -> list[Hint]:
    hints: list[Hint] = []
    while messages := queue.receive(wait=0):
        for message in messages:
            hints += message.hints
            queue.done(message.receipt)
    return hints


def test_a_new_object_is_announced_as_a_listing_would_show_it_and_can_be_read(bucket: LogBucket, queue: LogQueue) -> None:
    bucket.put("AWSLogs/a b+cü.gz", b"abc")
    (hint,) = drain(queue)
    (listed,) = bucket.store().objects(None, hint.written)
    assert (hint.object.name, hint.object.version, hint.object.size) == (listed.name, listed.version, listed.size)
    assert b"".join(bucket.store().raw(hint.object)) == b"abc"


def test_the_test_event_other_prefixes_and_deletions_are_no_hints_and_do_not_come_again(bucket: LogBucket, queue: LogQueue) -> None:
    assert [message.hints for message in queue.receive(wait=0)] == [()]  # s3:TestEvent
    bucket.put("elsewhere/a.gz")
    bucket.put("AWSLogs/a.gz")
    bucket.client().delete_object(Bucket=bucket.name, Key="AWSLogs/a.gz")
    assert [hint.key for hint in drain(queue)] == ["AWSLogs/a.gz"]
    assert queue.receive(wait=0) == []
    assert queue.malformed == set()


def test_a_message_comes_again_until_it_is_done(bucket: LogBucket, queue: LogQueue) -> None:
    drain(queue)
    bucket.put("AWSLogs/a.gz")
    (first,), (second,) = queue.receive(wait=0), queue.receive(wait=0)
    assert first.hints == second.hints
    queue.done(second.receipt)
    assert queue.receive(wait=0) == []


def test_an_object_that_is_written_twice_is_announced_twice_with_its_versions(bucket: LogBucket, queue: LogQueue) -> None:
    versions = {bucket.put("AWSLogs/a.gz", raw) for raw in (b"before", b"behind")}
    assert {hint.version for hint in drain(queue)} == versions
    assert len(versions) == 2


def test_a_message_that_cannot_be_read_is_counted_and_left(bucket: LogBucket, queue: LogQueue) -> None:
    drain(queue)
    sent = bucket.client("sqs").send_message(QueueUrl=queue.url, MessageBody="{not json")["MessageId"]
    assert (queue.receive(wait=0), queue.receive(wait=0)) == ([], [])
    assert queue.malformed == {sent}
    attributes = bucket.client("sqs").get_queue_attributes(QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"])
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "1"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("deny", Reason.DENIED), ("throttle", Reason.THROTTLED), ("html_200", Reason.MALFORMED), ("empty_200", Reason.MALFORMED)],
)
def test_a_queue_that_does_not_answer_is_not_an_empty_queue(bucket: LogBucket, queue: LogQueue, kind: str, reason: Reason) -> None:
    bucket.proxy.inject(Fault("sqs", "ReceiveMessage", kind))
    with pytest.raises(QueueFailed) as caught:
        queue.receive(wait=0)
    assert (caught.value.failure.reason, caught.value.action) == (reason, "sqs:ReceiveMessage")


def test_a_message_that_could_not_be_deleted_is_told(bucket: LogBucket, queue: LogQueue) -> None:
    (message,) = queue.receive(wait=0)
    bucket.proxy.inject(Fault("sqs", "DeleteMessage", "deny"))
    with pytest.raises(QueueFailed, match="needs sqs:DeleteMessage"):
        queue.done(message.receipt)


# --- roles, whose credentials end


ROLE = f"arn:aws:iam::{ACCOUNT}:role/log-reader"


@pytest.fixture
def in_a_role(bucket: LogBucket, queue: LogQueue, tmp_path: Path) -> LogQueue:
    """The same queue, as the agent opens one whose bucket is read in a role."""
    file = tmp_path / "upheld.yaml"
    place = f"{{bucket: {bucket.name}, region: {REGION}, role: '{ROLE}', queue: '{queue.url}'}}"
    file.write_text(f'schema: upheld.config/1\ncollect: {{logs: [{{id: logs, format: auto, s3: {place}, account: "{ACCOUNT}"}}]}}\n')
    (opened,) = queues(config.load(str(file), {}), Deadline(math.inf), lambda: datetime.now(UTC))
    assert bucket.asked("AssumeRole") == [], "nothing is asked before somebody listens"
    return opened


def test_a_role_is_entered_anew_when_its_credentials_have_ended(bucket: LogBucket, in_a_role: LogQueue) -> None:
    drain(in_a_role)
    assert len(bucket.asked("AssumeRole")) == 1
    bucket.proxy.inject(Fault("sqs", "ReceiveMessage", "expired", nth=1))
    bucket.put("AWSLogs/a.gz")
    (message,) = in_a_role.receive(wait=0)
    assert [hint.key for hint in message.hints] == ["AWSLogs/a.gz"]
    assert len(bucket.asked("AssumeRole")) == 2
    bucket.proxy.inject(Fault("sqs", "DeleteMessage", "expired", nth=1))
    in_a_role.done(message.receipt)
    assert in_a_role.receive(wait=0) == []
    assert len(bucket.asked("AssumeRole")) == 3


def test_credentials_that_do_not_hold_even_when_new_are_told(bucket: LogBucket, in_a_role: LogQueue) -> None:
    bucket.proxy.inject(Fault("sqs", "ReceiveMessage", "expired"))
    with pytest.raises(QueueFailed) as caught:
        in_a_role.receive(wait=0)
    assert caught.value.failure.reason is Reason.EXPIRED_CREDENTIALS
    assert len(bucket.asked("ReceiveMessage")) == 2


def test_a_role_that_cannot_be_entered_now_is_entered_later(bucket: LogBucket, in_a_role: LogQueue) -> None:
    bucket.proxy.inject(Fault("sts", "AssumeRole", "deny", times=1))
    with pytest.raises(QueueFailed, match="needs sts:AssumeRole") as caught:
        in_a_role.receive(wait=0)
    assert caught.value.failure.reason is Reason.DENIED
    assert drain(in_a_role) == []
    assert len(bucket.asked("ReceiveMessage")) >= 1


# --- shapes


@pytest.mark.parametrize(
    "body",
    [
        {"Records": [CREATED]},
        {"Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": json.dumps({"Records": [CREATED]})},
        BRIDGED,
        {"Type": "Notification", "Message": json.dumps(BRIDGED)},
    ],
)
def test_every_shape_says_the_same(body: Any) -> None:
    (hint,) = notified(json.dumps(body))
    assert (hint.bucket, hint.key, hint.version, hint.size) == ("mb-trail", "AWSLogs/a b+cü.gz", "ab12", 3)
    assert hint.written.isoformat() == "2026-11-20T06:00:00+00:00"


@pytest.mark.parametrize(
    "body",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "mb-trail"},
        {"Type": "Notification", "Message": json.dumps({"Event": "s3:TestEvent"})},
        {"Records": []},
        {"Records": [{**CREATED, "eventName": "ObjectRemoved:Delete"}]},
        {**BRIDGED, "detail-type": "Object Deleted"},
    ],
)
def test_what_announces_no_new_object_is_no_hint(body: Any) -> None:
    assert notified(json.dumps(body)) == []


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "7", '"text"', "{}", '{"Records": null}', '{"Records": [1]}', '{"Records": [{"eventSource": "aws:sns"}]}', "[" * 9999,
        json.dumps({"Records": [{**CREATED, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]}),
        json.dumps({"Records": [{**CREATED, "eventTime": "soon"}]}),
        json.dumps({"Records": [{**CREATED, "s3": {"bucket": {"name": ""}, "object": CREATED["s3"]["object"]}}]}),  # type: ignore[index]
        json.dumps({"Type": "Notification", "Message": "hello"}),
        json.dumps({"s3Bucket": "b", "s3ObjectKey": ["k"]}),
    ],
)  # fmt: skip
def test_anything_else_is_not_a_notification(body: str) -> None:
    with pytest.raises(NotANotification):
        notified(body)
