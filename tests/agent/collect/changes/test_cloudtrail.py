"""Events of AWS as EventBridge delivers them, in every shape that comes; what is none of them is told."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.changes.cloudtrail import changes
from agent.collect.changes.queue import NotAChange

CALL: dict[str, Any] = {
    "version": "0", "id": "36eb8523-97d0-4518-b33d-ee3579ff19f0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3",
    "account": "111122223333", "time": "2026-11-20T06:00:00Z", "region": "eu-central-1", "resources": [],
    "detail": {
        "eventVersion": "1.11", "eventTime": "2026-11-20T05:59:58Z", "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy",
        "awsRegion": "eu-west-1", "recipientAccountId": "444455556666", "readOnly": False, "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"arn": "arn:aws:iam::444455556666:user/anna"},
        "requestParameters": {"bucketName": "mb-orders", "bucketPolicy": {"Statement": [{"Effect": "Allow"}]}}, "responseElements": None,
        "resources": [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::mb-orders", "accountId": "444455556666"}],
    },
}  # fmt: skip
ITEM: dict[str, Any] = {
    "version": "0", "id": "cfg-1", "detail-type": "Config Configuration Item Change", "source": "aws.config", "account": "111122223333",
    "time": "2026-11-20T06:00:00Z", "region": "eu-central-1", "resources": [],
    "detail": {
        "recordVersion": "1.3", "messageType": "ConfigurationItemChangeNotification",
        "configurationItem": {
            "resourceType": "AWS::EC2::Volume", "resourceId": "vol-1", "ARN": "arn:aws:ec2:eu-central-1:111122223333:volume/vol-1",
            "awsRegion": "eu-central-1", "awsAccountId": "111122223333", "configurationItemCaptureTime": "2026-11-20T05:59:57.100Z",
            "configurationItemStatus": "OK", "configuration": {"volumeId": "vol-1", "encrypted": False},
        },
    },
}  # fmt: skip


def without(data: dict[str, Any], *path: str, **more: Any) -> str:
    """The event with other members, and without one."""
    held = json.loads(json.dumps(data))
    held["detail"] |= more
    inside = held
    for name in path[:-1]:
        inside = inside[name]
    if path:
        del inside[path[-1]]
    return json.dumps(held)


def test_a_call_is_a_change_of_its_own_account_region_and_time() -> None:
    (one,) = changes(json.dumps(CALL))
    assert (one.id, one.name, one.source) == (CALL["id"], "PutBucketPolicy", "s3")
    assert (one.account, one.region, one.at) == ("444455556666", "eu-west-1", "2026-11-20T05:59:58Z")
    assert one.members["bucketname"] == {"mb-orders"}
    assert {"mb-orders", "arn:aws:s3:::mb-orders"} <= one.texts
    assert not any("anna" in text for text in one.texts), "who did it is not what it is about"


def test_by_way_of_sns_it_is_the_same() -> None:
    assert changes(json.dumps({"Type": "Notification", "Message": json.dumps(CALL)})) == changes(json.dumps(CALL))


@pytest.mark.parametrize("more", [{"readOnly": True}, {"errorCode": "AccessDenied"}])
def test_what_only_read_or_failed_changed_nothing(more: dict[str, Any]) -> None:
    assert changes(without(CALL, **more)) == ()


def test_a_call_that_does_not_say_whether_it_reads_is_a_change() -> None:
    assert len(changes(without(CALL, "detail", "readOnly"))) == 1


def test_a_configuration_item_names_its_resource() -> None:
    (one,) = changes(json.dumps(ITEM))
    assert (one.about, one.deleted) == ((("AWS::EC2::Volume", "vol-1"),), False)
    assert (one.account, one.region, one.at) == ("111122223333", "eu-central-1", "2026-11-20T05:59:57Z")
    gone = json.loads(json.dumps(ITEM))
    gone["detail"]["configurationItem"]["configurationItemStatus"] = "ResourceDeleted"
    assert changes(json.dumps(gone))[0].deleted
    summary = json.loads(json.dumps(ITEM))
    summary["detail"] = {"configurationItemSummary": {**ITEM["detail"]["configurationItem"], "changeType": "DELETE"}}
    assert changes(json.dumps(summary))[0].deleted


def test_another_event_of_a_service_is_of_that_service() -> None:
    state = {
        **CALL, "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification",
        "resources": ["arn:aws:ec2:eu-central-1:111122223333:instance/i-1"], "detail": {"instance-id": "i-1", "state": "stopped"},
    }  # fmt: skip
    (one,) = changes(json.dumps(state))
    assert (one.source, one.name, one.account) == ("ec2", "EC2 Instance State-change Notification", "111122223333")
    assert {"i-1", "arn:aws:ec2:eu-central-1:111122223333:instance/i-1"} <= one.texts


@pytest.mark.parametrize(
    "path",
    [("id",), ("source",), ("detail",), ("detail", "eventSource"), ("region", ), ("account",)],
)  # fmt: skip
def test_an_event_without_what_every_event_has_is_none(path: tuple[str, ...]) -> None:
    held = json.loads(json.dumps(CALL))
    del held["detail"]["awsRegion"], held["detail"]["recipientAccountId"]
    with pytest.raises(NotAChange):
        changes(without(held, *path))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["detail", "source", "id", "Type", "Message", "eventName", "configurationItem"]) | st.text(), inner
            )
        ),
    )
)
def test_whatever_a_message_holds_it_is_changes_or_none(value: Any) -> None:
    with contextlib.suppress(NotAChange):
        changes(json.dumps(value))
