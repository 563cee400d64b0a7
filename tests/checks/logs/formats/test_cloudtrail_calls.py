"""The derived columns of CloudTrail's records, from the file to the verdict."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from checks.logs.engine import Asked, DuckDB, prepare, run
from checks.logs.formats import cloudtrail, cloudtrail_calls
from checks.logs.formats.cloudtrail_derived import TOLD, derived
from checks.logs.formats.faults import Faults
from checks.logs.formats.members import Members
from checks.logs.partial import verdict
from checks.logs.tables.cloudtrail import CLOUDTRAIL
from tests.agent.road import shipped
from tests.checks.logs.grammar import NOW

S3, EC2, IAM = "s3.amazonaws.com", "ec2.amazonaws.com", "iam.amazonaws.com"
OFF, ON = {"BucketLoggingStatus": ""}, {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "logs"}}}
COLUMNS = sorted(cloudtrail_calls.NEEDS)


def record(source: Any, name: Any, request: Any = None, response: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-20T14:03:00Z", "eventSource": source, "eventName": name, "awsRegion": "eu-central-1", "eventID": "e1",
        "sourceIPAddress": "198.51.100.7", "userIdentity": {"type": "IAMUser"}, "requestParameters": request,
        "responseElements": response, **more,
    }  # fmt: skip


RECORDS = [
    record(S3, "PutBucketLogging", {"bucketName": "mb", **OFF}),
    record(S3, "PutBucketLogging", {"bucketName": "mb", **ON}),
    record(S3, "PutBucketAcl", {"bucketName": "mb", "x-amz-acl": ["public-read"]}),
    record(S3, "CreateBucket", {"bucketName": "mb", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}),
    record(S3, "PutObject", None), record(IAM, "DeleteUser", {"userName": "ada"}), record(IAM, "CreateUser", {"userName": "ada"}),
    record(EC2, "CreateVolume", {"encrypted": True}, {"encrypted": False}), record(EC2, "AttachVolume", {}, {"encrypted": True}),
    record(EC2, "DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1"}}}),
    record("logs.amazonaws.com", "PutRetentionPolicy", {"logGroupName": "app", "retentionInDays": 7}),
    record("logs.amazonaws.com", "PutRetentionPolicy", {"logGroupName": "app", "retentionInDays": 2**63}),
    record("cloudtrail.amazonaws.com", "UpdateTrail", {"name": "org", "enableLogFileValidation": False, "isMultiRegionTrail": False}),
    record(IAM, "CreateUser", sourceIPAddress="AWS Internal"), record(IAM, "CreateUser", sourceIPAddress=None, userIdentity=None),
    record(IAM, "CreateUser", userIdentity={"invokedBy": "autoscaling.amazonaws.com"}),
]  # fmt: skip
ODD = [record(7, ["PutBucketAcl"], "x"), record(S3, "PutBucketLogging", "x"), record(S3, "PutBucketLogging", OFF, sourceIPAddress=[1])]
"""As no record is: they are read the slow way."""


def rows(records: list[Any], wanted: Any = None, faults: Faults | None = None) -> list[dict[str, Any]]:
    raw = json.dumps({"Records": records}).encode()
    return [row for batch in cloudtrail.read([raw], "o", faults or Faults(), wanted) for row in batch.to_pylist()]


@pytest.mark.parametrize("records", [RECORDS, RECORDS + ODD])
@pytest.mark.parametrize("asked", [None, *([column] for column in COLUMNS)])
def test_a_records_derived_columns_are_what_its_request_and_response_say(records: list[Any], asked: list[str] | None) -> None:
    names = asked or COLUMNS
    assert [{name: row[name] for name in names} for row in rows(records, asked)] == [
        {name: derived(one)[name] for name in names} for one in records
    ]


def test_these_records_have_each_derived_column_and_are_as_documented() -> None:
    assert {name for one in RECORDS for name, value in derived(one).items() if value is not None} == {"by_service", *TOLD} == set(COLUMNS)
    members = Members.of(frozenset(path for paths in cloudtrail_calls.NEEDS.values() for path in paths))
    assert members.of_list(json.dumps(RECORDS).encode())._absent is not None
    assert members.of_list(json.dumps(ODD).encode())._absent is None


def test_derived_columns_that_nobody_asks_for_are_null() -> None:
    assert {row[name] for row in rows(RECORDS, ["event_name"]) for name in COLUMNS} == {None}


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({"bucketName": "mb", **OFF}, "broken"),
        ({"bucketName": "mb", **ON}, "upheld"),
        ({"bucketName": "mb"}, "unproven"),
        (None, "unproven"),
    ],
)
def test_a_file_is_judged_by_what_its_requests_ask(request_: Any, wanted: str) -> None:
    rule = shipped().log_rules["log-bucket-logging-kept"]
    raw = json.dumps({"Records": [*RECORDS[2:], record(S3, "PutBucketLogging", request_)]}).encode()
    batches = cloudtrail.read([raw], "o", Faults(), rule.columns())
    with duckdb.connect(config={"threads": 1}) as connection:
        questions = prepare(CLOUDTRAIL, [Asked("rule", rule, rule.params({}))], NOW)
        counted = run(DuckDB(connection), questions, "trail", batches).cells
    assert [verdict(cells) for key, cells in counted.items() if key.group] == [wanted]


def test_a_request_nested_too_deeply_to_be_judged_says_nothing_and_is_told() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": "DEEP", "Action": "s3:GetObject", "Resource": "*"}]}
    raw = json.dumps({"Records": [record(S3, "PutBucketPolicy", {"bucketPolicy": policy}), RECORDS[2]]}).encode()
    faults = Faults()
    deep = raw.replace(b'"DEEP"', b"[" * 1000 + b"]" * 1000)
    row, after = (row for batch in cloudtrail.read([deep], "o", faults, ["public"]) for row in batch.to_pylist())
    assert (row["public"], after["public"]) == (None, True)
    assert (faults.counts, faults.lost) == ({"value": 1}, 0)


def test_a_grantee_that_is_no_text_does_not_show_that_nobody_else_is_admitted() -> None:
    assert [row["public"] for row in rows([record(S3, "PutBucketAcl", {"x-amz-grant-read": held}) for held in ([["x"]], "id=1")])] == [
        None,
        False,
    ]
