"""What requests and responses in CloudTrail say, as typed columns: in the shapes that the APIs document, and out of shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.logs.formats.cloudtrail_derived import _NARROWS, _PUBLIC, _RETENTION, _TRAIL, derived
from checks.logs.tables.cloudtrail import CLOUDTRAIL

TRAIL, S3, EC2, LOGS = "cloudtrail.amazonaws.com", "s3.amazonaws.com", "ec2.amazonaws.com", "logs.amazonaws.com"
GUARD, CONFIG, RDS = "guardduty.amazonaws.com", "config.amazonaws.com", "rds.amazonaws.com"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
XMLNS = {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}


def of(source: str, name: str, request: Any = None, response: Any = None, region: str = "eu-central-1") -> dict[str, Any]:
    return derived(
        {"eventSource": source, "eventName": name, "awsRegion": region, "requestParameters": request, "responseElements": response}
    )


def selectors(*held: dict[str, Any]) -> dict[str, Any]:
    return {"trailName": "org", "eventSelectors": list(held)}


def advanced(*held: dict[str, list[str]], **more: list[str]) -> dict[str, Any]:
    """Advanced selectors of a category each; `more` are field selectors beside it."""
    fields = [[{"field": "eventCategory", **one}, *({"field": name, "equals": values} for name, values in more.items())] for one in held]
    return {"trailName": "org", "advancedEventSelectors": [{"name": "", "fieldSelectors": one} for one in fields]}


NARROWS = [
    (TRAIL, "UpdateTrail", {"name": "org", "isMultiRegionTrail": False}, True),
    (TRAIL, "UpdateTrail", {"name": "org", "isMultiRegionTrail": True, "includeGlobalServiceEvents": False}, True),
    (TRAIL, "UpdateTrail", {"name": "org", "isOrganizationTrail": False, "s3BucketName": "elsewhere"}, True),
    (TRAIL, "UpdateTrail", {"name": "org", "isMultiRegionTrail": True, "enableLogFileValidation": False}, False),
    (TRAIL, "UpdateTrail", {"name": "org", "isMultiRegionTrail": True, "s3BucketName": "elsewhere"}, None),
    (TRAIL, "UpdateTrail", {"name": "org", "isMultiRegionTrail": "perhaps"}, None),
    (TRAIL, "PutEventSelectors", selectors({"readWriteType": "All", "includeManagementEvents": True}), False),
    (TRAIL, "PutEventSelectors", selectors({}), False),
    (TRAIL, "PutEventSelectors", selectors({"readWriteType": "WriteOnly", "includeManagementEvents": True}), True),
    (TRAIL, "PutEventSelectors", selectors({"includeManagementEvents": False, "dataResources": []}), True),
    (TRAIL, "PutEventSelectors", selectors({"excludeManagementEventSources": ["kms.amazonaws.com"]}), True),
    (TRAIL, "PutEventSelectors", selectors({"readWriteType": "ReadOnly"}, {"readWriteType": "WriteOnly"}), None),
    (TRAIL, "PutEventSelectors", selectors({"readWriteType": "Sometimes"}), None),
    (TRAIL, "PutEventSelectors", advanced({"equals": ["Data"]}, {"equals": ["Management"]}), False),
    (TRAIL, "PutEventSelectors", advanced({"equals": ["Data"]}), True),
    (TRAIL, "PutEventSelectors", advanced({"equals": ["Management"]}, readOnly=["false"]), True),
    (TRAIL, "PutEventSelectors", advanced({"startsWith": ["Man"]}), None),
    (TRAIL, "PutEventSelectors", {"trailName": "org"}, None),
    (TRAIL, "UpdateEventDataStore", {"eventDataStore": "lake", "multiRegionEnabled": False}, True),
    (TRAIL, "UpdateEventDataStore", {"eventDataStore": "lake", "terminationProtectionEnabled": True}, False),
    (TRAIL, "UpdateEventDataStore", {"eventDataStore": "lake", **advanced({"equals": ["Data"]})}, True),
    (TRAIL, "UpdateEventDataStore", {"eventDataStore": "lake", "organizationEnabled": 1}, None),
    (S3, "PutBucketLogging", {"bucketName": "mb", "BucketLoggingStatus": XMLNS}, True),
    (S3, "PutBucketLogging", {"bucketName": "mb", "BucketLoggingStatus": ""}, True),
    (S3, "PutBucketLogging", {"bucketName": "mb", "BucketLoggingStatus": {**XMLNS, "LoggingEnabled": {"TargetBucket": "logs"}}}, False),
    (S3, "PutBucketLogging", {"bucketName": "mb"}, None),
    (S3, "PutBucketVersioning", {"bucketName": "mb", "VersioningConfiguration": {**XMLNS, "Status": "Suspended"}}, True),
    (S3, "PutBucketVersioning", {"bucketName": "mb", "VersioningConfiguration": {**XMLNS, "Status": "Enabled"}}, False),
    (S3, "PutBucketVersioning", {"bucketName": "mb"}, None),
    (CONFIG, "PutConfigurationRecorder", {"configurationRecorder": {"recordingGroup": {"allSupported": True}}}, False),
    (CONFIG, "PutConfigurationRecorder", {"configurationRecorder": {"recordingGroup": {"allSupported": False}}}, True),
    (CONFIG, "PutConfigurationRecorder", {"configurationRecorder": {"name": "default"}}, None),
    (GUARD, "UpdateDetector", {"detectorId": "d1", "enable": False}, True),
    (GUARD, "UpdateDetector", {"detectorId": "d1", "enable": True, "findingPublishingFrequency": "SIX_HOURS"}, False),
    (GUARD, "UpdateDetector", {"detectorId": "d1", "enable": True, "features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]}, None),
    (GUARD, "UpdateDetector", {"detectorId": "d1"}, None),
]  # fmt: skip
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
NARROWS += [
    (S3, name, {"bucketName": "mb", "PublicAccessBlockConfiguration": {**XMLNS, **dict.fromkeys(BLOCKS, True), **changed}}, narrows)
    for name in ("PutBucketPublicAccessBlock", "PutAccountPublicAccessBlock")
    for changed, narrows in (
        ({}, False),
        ({"BlockPublicAcls": False}, True),
        ({"BlockPublicPolicy": "false"}, True),
        ({BLOCKS[0]: None}, None),
    )
]


@pytest.mark.parametrize(("source", "name", "request_", "narrows"), NARROWS)
def test_a_change_of_a_log_or_a_guard_says_whether_it_asks_for_less(source: str, name: str, request_: Any, narrows: bool | None) -> None:
    assert of(source, name, request_)["narrows"] is narrows


def acl(*grantees: Any) -> dict[str, Any]:
    return {"AccessControlPolicy": {"AccessControlList": {"Grant": [{"Grantee": one, "Permission": "READ"} for one in grantees]}}}


def share(member: str, **asked: Any) -> dict[str, Any]:
    return {"snapshotId": "snap-1", member: {how: {"items": items} for how, items in asked.items()}}


def ingress(ports: tuple[int, int], *cidrs: str, protocol: str = "tcp", **more: Any) -> dict[str, Any]:
    held = {
        "ipProtocol": protocol, "fromPort": ports[0], "toPort": ports[1], "groups": {}, "prefixListIds": {},
        "ipRanges": {"items": [{"cidrIp": cidr} for cidr in cidrs if ":" not in cidr]},
        "ipv6Ranges": {"items": [{"cidrIpv6": cidr} for cidr in cidrs if ":" in cidr]}, **more,
    }  # fmt: skip
    return {"groupId": "sg-1", "ipPermissions": {"items": [held]}}


def policy(principal: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mb/*", **more}
    return {"bucketName": "mb", "bucketPolicy": {"Version": "2012-10-17", "Statement": [statement]}}


PUBLIC = [
    (S3, "PutBucketAcl", {"x-amz-acl": ["public-read"]}, True),
    (S3, "PutBucketAcl", {"x-amz-acl": "authenticated-read"}, True),
    (S3, "PutBucketAcl", {"x-amz-acl": ["private"], "acl": [""]}, False),
    (S3, "PutBucketAcl", {"x-amz-acl": ["a-new-one"]}, None),
    (S3, "PutObjectAcl", {"x-amz-grant-read": [f'uri="{ALL_USERS}"']}, True),
    (S3, "PutObjectAcl", {"x-amz-grant-read": ['id="0123"']}, False),
    (S3, "PutBucketAcl", acl({"xsi:type": "Group", "URI": ALL_USERS}), True),
    (S3, "PutBucketAcl", acl({"xsi:type": "CanonicalUser", "ID": "0123"}), False),
    (S3, "PutBucketAcl", {"AccessControlPolicy": {"AccessControlList": {"Grant": {"Grantee": {"URI": ALL_USERS}}}}}, True),
    (S3, "PutBucketAcl", acl("someone"), None),
    (S3, "PutBucketAcl", {"bucketName": "mb"}, None),
    (S3, "PutBucketPolicy", policy("*"), True),
    (S3, "PutBucketPolicy", policy({"AWS": "arn:aws:iam::111122223333:root"}), False),
    (S3, "PutBucketPolicy", policy("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}), False),
    (S3, "PutBucketPolicy", {"bucketPolicy": {"Statement": [{"Effect": "Perhaps"}]}}, None),
    (S3, "PutBucketPolicy", {"bucketName": "mb"}, None),
    (EC2, "ModifySnapshotAttribute", share("createVolumePermission", add=[{"group": "all"}]), True),
    (EC2, "ModifySnapshotAttribute", share("createVolumePermission", add=[{"userId": "444455556666"}]), False),
    (EC2, "ModifySnapshotAttribute", share("createVolumePermission", remove=[{"group": "all"}]), False),
    (EC2, "ModifySnapshotAttribute", share("createVolumePermission", add=["all"]), None),
    (EC2, "ModifySnapshotAttribute", {"snapshotId": "snap-1"}, None),
    (EC2, "ModifyImageAttribute", share("launchPermission", add=[{"userId": "444455556666"}, {"group": "all"}]), True),
    (EC2, "ModifyImageAttribute", {"imageId": "ami-1", "description": {"value": "new"}}, None),
    (RDS, "ModifyDBSnapshotAttribute", {"attributeName": "restore", "valuesToAdd": ["all"]}, True),
    (RDS, "ModifyDBClusterSnapshotAttribute", {"attributeName": "restore", "valuesToAdd": ["444455556666"]}, False),
    (RDS, "ModifyDBSnapshotAttribute", {"attributeName": "restore", "valuesToRemove": ["all"]}, False),
    (RDS, "ModifyDBSnapshotAttribute", {"attributeName": "restore", "valuesToAdd": "all"}, None),
    (RDS, "ModifyDBSnapshotAttribute", {}, None),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), "0.0.0.0/0"), True),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), "0.0.0.0/1"), True),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((3000, 4000), "::/0"), True),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((443, 443), "0.0.0.0/0"), False),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), "10.0.0.0/8", "198.51.100.7/32"), False),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((-1, -1), "0.0.0.0/0", protocol="-1"), True),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), prefixListIds={"items": [{"prefixListId": "pl-1"}]}), None),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), "the office"), None),
    (EC2, "AuthorizeSecurityGroupIngress", ingress((22, 22), ipRanges="0.0.0.0/0"), None),
    (EC2, "AuthorizeSecurityGroupIngress", {"groupId": "sg-1", "ipPermissions": {}}, None),
    (EC2, "AuthorizeSecurityGroupIngress", {"groupId": "sg-1", "cidrIp": "0.0.0.0/0"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "name", "request_", "public"), PUBLIC)
def test_a_grant_says_whether_it_admits_everyone(source: str, name: str, request_: Any, public: bool | None) -> None:
    assert of(source, name, request_)["public"] is public


@pytest.mark.parametrize(
    ("source", "request_", "target"),
    [
        (
            TRAIL,
            {"name": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/org"},
            "arn:aws:cloudtrail:eu-central-1:111122223333:trail/org",
        ),
        (TRAIL, {"trailName": "org"}, "org"),
        (S3, {"bucketName": "mb-trail"}, "mb-trail"),
        (LOGS, {"logGroupName": "/shop/audit", "retentionInDays": 1}, "/shop/audit"),
        (EC2, {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}}, "fl-1"),
        (EC2, {"DeleteFlowLogsRequest": {"FlowLogId": [{"content": "fl-1", "tag": 1}, {"content": "fl-2", "tag": 2}]}}, None),
        ("kms.amazonaws.com", {"keyId": "1234abcd", "pendingWindowInDays": 7}, "1234abcd"),
        ("sqs.amazonaws.com", {"name": "a queue"}, None),
        (S3, {"bucketName": 7}, None),
    ],
)
def test_a_call_names_what_it_is_about(source: str, request_: Any, target: str | None) -> None:
    assert of(source, "Whatever", request_)["target"] == target


def test_how_long_a_log_is_to_be_kept_is_read_in_days() -> None:
    assert of(LOGS, "PutRetentionPolicy", {"logGroupName": "a", "retentionInDays": 14})["retention_days"] == 14
    assert of(TRAIL, "UpdateEventDataStore", {"eventDataStore": "lake", "retentionPeriod": 90})["retention_days"] == 90
    assert of(LOGS, "PutRetentionPolicy", {"logGroupName": "a", "retentionInDays": "14"})["retention_days"] is None
    assert of(LOGS, "DeleteRetentionPolicy", {"logGroupName": "a", "retentionInDays": 14})["retention_days"] is None


def test_whether_log_files_are_to_be_validated_is_read_where_the_request_says_so() -> None:
    asked = {"name": "org", "enableLogFileValidation": False}
    assert of(TRAIL, "UpdateTrail", asked)["log_validation"] is False
    assert of(TRAIL, "CreateTrail", {**asked, "enableLogFileValidation": True})["log_validation"] is True
    assert of(TRAIL, "UpdateTrail", {"name": "org"})["log_validation"] is None
    assert of(TRAIL, "StartLogging", asked)["log_validation"] is None


@pytest.mark.parametrize(
    ("source", "name", "request_", "region", "stores"),
    [
        (EC2, "RunInstances", {}, "us-west-2", True),
        (S3, "CreateBucket", {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}, "eu-central-1", True),
        (S3, "CreateBucket", {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}, "us-east-1", None),
        (S3, "CreateBucket", {"bucketName": "mb"}, "us-east-1", True),
        (EC2, "TerminateInstances", {}, "us-west-2", False),
        ("newservice.amazonaws.com", "DeleteThing", None, "us-west-2", False),
        ("newservice.amazonaws.com", "CreateThing", None, "us-west-2", None),
    ],
)  # fmt: skip
def test_a_call_says_whether_it_puts_data_into_its_region(source: str, name: str, request_: Any, region: str, stores: bool | None) -> None:
    assert of(source, name, request_, region=region)["stores"] is stores


def test_whether_a_volume_was_encrypted_is_what_the_answer_says() -> None:
    assert of(EC2, "CreateVolume", {"encrypted": True}, {"volumeId": "vol-1", "encrypted": False})["encrypted"] is False
    assert of(EC2, "CreateVolume", {"encrypted": True}, None)["encrypted"] is None
    assert of(EC2, "AttachVolume", {}, {"encrypted": True})["encrypted"] is None


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["All", "all", "0.0.0.0/0", "Management", ALL_USERS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "items", "add", "group", "ipPermissions", "ipRanges", "cidrIp", "ipProtocol", "eventSelectors", "advancedEventSelectors", "field",
        "fieldSelectors", "equals", "bucketPolicy", "Statement", "Principal", "Effect", "AccessControlPolicy", "AccessControlList", "Grant",
        "Grantee", "createVolumePermission", "valuesToAdd", "DeleteFlowLogsRequest", "FlowLogId", "CreateBucketConfiguration",
        "BucketLoggingStatus", "configurationRecorder", "recordingGroup",
                "readWriteType",
                "URI",
                "Status",
                "VersioningConfiguration",
                "fromPort",
                "s3BucketName",
                "includeManagementEvents", "enable", "PublicAccessBlockConfiguration",
    ]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(
    call=st.sampled_from(sorted({*_NARROWS, *_PUBLIC, *_RETENTION, *_TRAIL, (S3, "CreateBucket"), (EC2, "DeleteFlowLogs")})), request_=json
)
def test_nothing_that_stands_in_a_request_ends_the_reading_and_every_value_has_its_column_s_type(
    call: tuple[str, str], request_: Any
) -> None:
    kinds = {"string": str, "boolean": bool, "integer": int}
    for name, value in of(*call, request_, request_).items():
        assert value is None or type(value) is kinds[CLOUDTRAIL[name].kind]


@pytest.mark.parametrize(
    ("identity", "source", "by_service"),
    [
        ({"type": "AssumedRole"}, "198.51.100.7", False),
        ({"type": "AssumedRole"}, "cloudformation.amazonaws.com", True),
        ({"type": "AssumedRole"}, "AWS Internal", True),
        ({"type": "AssumedRole", "invokedBy": "autoscaling.amazonaws.com"}, "198.51.100.7", True),
        (None, "198.51.100.7", False),
        ({"type": "IAMUser"}, None, None),
    ],
)
def test_a_call_of_a_service_is_told_from_one_that_a_client_made(identity: Any, source: Any, by_service: bool | None) -> None:
    assert derived({"userIdentity": identity, "sourceIPAddress": source})["by_service"] is by_service


def test_what_is_no_record_of_a_call_says_nothing() -> None:
    assert set(derived({}).values()) == {None}
    assert set(derived({"eventSource": 7, "eventName": ["x"], "requestParameters": "x"}).values()) == {None}
