"""What is written means what Sigma means: broken only where a record matches, upheld only where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.sigma.values import NotImported
from checks.example import NOW
from checks.logs.formats import cloudtrail
from checks.logs.formats.cloudtrail_derived import derived
from checks.logs.formats.faults import Faults
from checks.logs.rows import logical
from checks.logs.runtime import of_row
from checks.logs.tables import TABLES
from tests.agent.sigma.detections import AZURE, imported, sigma
from tests.agent.sigma.matcher import matches
from tests.checks.logs.log_rules import row_by_row

TRAIL, ACTIVITY = TABLES["log.cloudtrail"], TABLES["log.azure_activity"]
DETECTIONS = [
    "{s: {eventSource: s3.amazonaws.com, eventName: [deletebucket, GetObject]}, condition: s}",
    "{s: {eventName: ConsoleLogin, additionalEventData.MFAUsed: 'NO', responseElements.ConsoleLogin: success}, condition: s}",
    "{s: {eventName: DeleteBucket}, ok: {errorCode: Success}, none: {errorCode: null}, condition: s and 1 of ok or s and none}",
    "{s: {errorCode|contains: Denied}, condition: s}",
    "{s: {errorCode|exists: true}, f: {userIdentity.type: [Root, AWSService]}, condition: s and not f}",
    "{s: {errorMessage: failed authentication}, condition: s}",
    "{s: {userIdentity.arn|re: ':user/'}, f: {sourceIPAddress: [AWS Internal, 10.1.2.3]}, condition: s and not f}",
    "{s: {sourceIPAddress|cidr: [10.0.0.0/8, '2001:db8::/32']}, condition: s}",
    "{s: {sourceIPAddress|endswith: .amazonaws.com}, t: {userIdentity.invokedBy: ec2.amazonaws.com}, condition: all of them}",
    "{s: {userAgent|contains|all: [aws, cli]}, condition: s}",
    "{s: [{eventName: Update*}, {readOnly: 'true'}], f: {userIdentity.type: '?oot'}, condition: s and not f}",
    "{s: {eventName: UpdateDetector, requestParameters.enable: 'false'}, condition: s}",
    "{s: {requestParameters.bucketName|startswith: Logs}, condition: s}",
    "{s: {eventName: PutBucketVersioning, requestParameters.VersioningConfiguration.Status: suspended}, condition: s}",
    "{s: {awsRegion|cased: eu-central-1, userIdentity.arn|startswith: 'ARN:'}, condition: [s, s]}",
]
CALLS = [
    ("s3.amazonaws.com", "DeleteBucket", {"bucketName": "logs-1"}),
    ("s3.amazonaws.com", "PutBucketVersioning", {"bucketName": "b", "VersioningConfiguration": {"Status": "Suspended"}}),
    ("s3.amazonaws.com", "PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
    ("guardduty.amazonaws.com", "UpdateDetector", {"detectorId": "d", "enable": False}),
    ("guardduty.amazonaws.com", "UpdateDetector", {"detectorId": "d", "enable": True}),
    ("ec2.amazonaws.com", "DescribeInstances", None),
]
IDENTITIES = [
    {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana", "principalId": "AIDAEXAMPLE"},
    {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "principalId": "111122223333"},
    {"type": "SAMLUser", "principalId": "x:user/ana"},
    {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
    {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/a/b", "invokedBy": "s3.amazonaws.com", "principalId": "A:b"},
    None,
]


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record as CloudTrail writes it: a call has an error code where it failed, a sign-in says how it ended."""
    record: dict[str, Any] = {
        "eventTime": "2026-11-20T06:00:00Z",
        "userIdentity": draw(st.sampled_from(IDENTITIES)),
        "awsRegion": draw(st.sampled_from(["eu-central-1", "us-east-1"])),
        "userAgent": draw(maybe(st.sampled_from(["AWS-CLI/2.0", "console.amazonaws.com"]))),
        "readOnly": draw(maybe(st.booleans())),
        "sourceIPAddress": draw(maybe(st.sampled_from(["203.0.113.9", "10.1.2.3", "2001:db8::1", "AWS Internal", "ec2.amazonaws.com"]))),
    }
    if draw(st.booleans()):
        ended = draw(st.sampled_from(["Success", "Failure"]))
        record |= {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": ended}}
        record["additionalEventData"] = draw(maybe(st.sampled_from([{"MFAUsed": "Yes"}, {"MFAUsed": "No"}, {}])))
        if ended == "Failure":
            record["errorMessage"] = draw(maybe(st.sampled_from(["Failed authentication", "No username found in supplied account"])))
    else:
        source, name, request = draw(st.sampled_from(CALLS))
        record |= {"eventSource": source, "eventName": name, "requestParameters": request}
        record["errorCode"] = draw(maybe(st.sampled_from(["AccessDenied", "Client.UnauthorizedOperation", "success"])))
        record["errorMessage"] = draw(maybe(st.just("Failed authentication"))) if record["errorCode"] else None
    return {name: value for name, value in record.items() if value is not None}


def rows(held: list[dict[str, Any]]) -> list[dict[str, Any]]:
    (batch,) = cloudtrail.read([json.dumps({"Records": held}).encode()], "log.json", Faults())
    told = [{name: value for name, value in derived(record).items() if value is not None} for record in held]
    return [logical(TRAIL, row) | more for row, more in zip(batch.to_pylist(), told, strict=True)]


WRITTEN = [(sigma(one), imported(one)) for one in DETECTIONS]


@settings(max_examples=30)
@given(st.lists(records(), min_size=5, max_size=30))
def test_no_record_is_broken_that_does_not_match_and_none_upheld_that_does(held: list[dict[str, Any]]) -> None:
    for record, row in zip(held, rows(held), strict=True):
        for rule, written in WRITTEN:
            verdict, _ = of_row(written, TRAIL, row, {}, NOW)
            wanted = "broken" if matches(rule, record) else "upheld"
            assert verdict in {wanted, "unproven"}, (written.file.broken_if, record)


def test_engine_and_runtime_agree_on_every_example_that_is_written() -> None:
    for _, written in WRITTEN:
        kinds = {verdict: getattr(written.file.examples, verdict) for verdict in ("upheld", "broken", "unproven")}
        told = row_by_row(written, [row for rows_ in kinds.values() for row in rows_], {})
        assert told == [verdict for verdict, rows_ in kinds.items() for _ in rows_]


LOGIN = {"event_name": "ConsoleLogin", "event_source": "signin.amazonaws.com"}


@pytest.mark.parametrize(
    ("detection", "row", "verdict"),
    [
        # As logs write it, beside as rules do.
        (DETECTIONS[1], {**LOGIN, "mfa": False, "outcome": "success"}, "broken"),
        (DETECTIONS[1], {**LOGIN, "mfa": True, "outcome": "success"}, "upheld"),
        (DETECTIONS[1], {**LOGIN, "outcome": "success"}, "unproven"),
        (DETECTIONS[1], {**LOGIN, "outcome": "failure"}, "upheld"),
        (DETECTIONS[1], {"event_name": "GetObject"}, "upheld"),
        # No error code is known to be none where the call succeeded, and is not where a sign-in failed.
        (DETECTIONS[2], {"event_name": "DeleteBucket", "outcome": "success"}, "broken"),
        (DETECTIONS[2], {"event_name": "DeleteBucket", "outcome": "failure", "error_code": "AccessDenied"}, "upheld"),
        (DETECTIONS[2], {"event_name": "DeleteBucket"}, "unproven"),
        (DETECTIONS[3], {"event_name": "DeleteBucket", "outcome": "success"}, "upheld"),
        ("{s: {errorCode: null}, condition: s}", {**LOGIN, "outcome": "failure"}, "unproven"),
        # What a column does not tell of other calls.
        ("{s: {requestParameters.enable: 'false'}, condition: s}", {"event_name": "UpdateThing", "event_source": "a"}, "unproven"),
        (DETECTIONS[12], {"event_source": "ec2.amazonaws.com", "target": "logs-1"}, "unproven"),
        # An absent member that a filter asks for.
        ("{s: {eventName: A}, f: {userAgent|contains: x}, condition: s and not f}", {"event_name": "A"}, "unproven"),
        ("{s: {eventName: A}, f: {userAgent|contains: x}, condition: s and not f}", {"event_name": "A", "user_agent": "X"}, "upheld"),
    ],
)
def test_a_null_column_leaves_open_what_it_might_say_otherwise(detection: str, row: dict[str, Any], verdict: str) -> None:
    assert of_row(imported(detection), TRAIL, row, {}, NOW)[0] == verdict


@pytest.mark.parametrize(
    ("detection", "row", "verdict"),
    [
        (
            "{s: {operationName: MICROSOFT.KEYVAULT/VAULTS/DELETE}, condition: s}",
            {"event_name": "microsoft.keyvault/vaults/delete"},
            "broken",
        ),
        ("{s: {OperationNameValue|endswith: /Write}, condition: s}", {"event_name": "microsoft.keyvault/vaults/delete"}, "upheld"),
        ("{s: {OperationNameValue|endswith: /Write}, condition: s}", {}, "unproven"),
        ("{s: {ActivityStatusValue: Success}, condition: s}", {"result": "Succeeded"}, "broken"),
        ("{s: {status: Failed}, condition: s}", {"result": "Failure"}, "broken"),
        ("{s: {status: Failed}, condition: s}", {"result": "Started"}, "upheld"),
        ("{s: {category: Administrative}, condition: s}", {"event_category": "Administrative"}, "broken"),
        ("{s: {Caller: ana@shop.example}, condition: s}", {"principal": "Ana@shop.example"}, "broken"),
        ("{s: {CallerIpAddress|cidr: 10.0.0.0/8}, condition: s}", {"source": "10.1.2.3"}, "broken"),
        ("{s: {CallerIpAddress|cidr: 10.0.0.0/8}, condition: s}", {"source": "203.0.113.9"}, "upheld"),
        ("{s: {ResourceId|contains: /VAULTS/}, condition: s}", {"resource": "/subscriptions/a/vaults/b"}, "broken"),
    ],
)
def test_azures_names_mean_the_same_in_every_case_and_form_of_the_log(detection: str, row: dict[str, Any], verdict: str) -> None:
    assert of_row(imported(detection, logsource=AZURE), ACTIVITY, row, {}, NOW)[0] == verdict


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("userAgent: null", "userAgent: whether it is there at all"),
        ("userIdentity.userName|exists: false", "whether it is there at all"),
        ("requestParameters.policyArn: a", "requestParameters.policyArn stands in no column"),
        ("userIdentity.arn|fieldref: requestParameters.userName", "like another field"),
        ("userIdentity.arn|expand: '%admins%'", "a placeholder"),
        ("sourceIPAddress: '10.*'", "write networks with the modifier cidr"),
        ("additionalEventData.MFAUsed: maybe", "for yes or for no only"),
        ("responseElements.ConsoleLogin: Unknown", "only success, failure"),
        ("requestParameters.retentionInDays: soon", "a number"),
        ("requestParameters.retentionInDays|minute: 3", "a number"),
        (r"eventName|re: '\bDelete'", "do not read alike"),
        ("eventName|re: '[^a]b'", "a class of what is not there"),
        ("userIdentity.userName: Jörg", "under"),
        ("userIdentity.userName: a, awsRegion: x, eventName: []", "whether it is there at all"),
    ],
)
def test_what_a_column_does_not_hold_exactly_is_not_imported(item: str, reason: str) -> None:
    with pytest.raises(NotImported, match=reason):
        imported(f"{{s: {{{item}}}, condition: s}}")


@pytest.mark.parametrize(
    ("detection", "more", "reason"),
    [
        ("{s: [DeleteTrail, StopLogging], condition: s}", {}, "keywords"),
        ("{s: {eventName: A}, condition: s | count() > 3}", {}, "pipe syntax"),
        ("{s: {eventName: A}, timeframe: 1h, condition: s}", {}, "for a correlation"),
        ("{s: {eventName: A}, condition: s and other}", {}, "other"),
        ("{s: {eventName: A}, condition: s and not s}", {}, "no row was found that it would detect"),
        ("{s: {eventName: A}, condition: s or not s}", {}, "no row was found that it would not detect"),
        ("{s: {OperationName: Create key}, condition: s}", {"logsource": AZURE}, "OperationName stands in no column"),
        ("{s: {category: Write}, condition: s}", {"logsource": AZURE}, "category: the table holds only administrative"),
        ("{s: {eventName: A}, condition: s}", {"status": "deprecated"}, "deprecated"),
        ("{s: {eventName: A}, condition: s}", {"taxonomy": "ecs"}, "taxonomy"),
        ("{s: {eventName: A}, condition: s}", {"logsource": {"product": "azure", "service": "signinlogs"}}, "about azure/signinlogs"),
        ("{s: {eventName: A}, condition: s}", {"logsource": {"category": "process_creation"}}, "about process_creation"),
    ],
)
def test_what_is_no_detection_in_single_rows_of_these_logs_is_not_imported(detection: str, more: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotImported, match=reason):
        imported(detection, **more)
