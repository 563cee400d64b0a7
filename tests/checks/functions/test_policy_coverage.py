"""policy_denies_plain_http and policy_allows_everything."""

from __future__ import annotations

from typing import Any

import pytest

from checks.functions import DataError
from checks.functions.policy_coverage import policy_allows_everything, policy_denies_plain_http

BUCKET = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
INSECURE = {"Bool": {"aws:SecureTransport": "false"}}


def deny(resource: Any = BUCKET, condition: Any = INSECURE, **elements: Any) -> dict[str, Any]:
    whole = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resource, "Condition": condition, **elements}
    return {name: value for name, value in whole.items() if value is not ...}


def allow(resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}


def denies(*statements: dict[str, Any], actions: str = "s3:*") -> bool:
    return policy_denies_plain_http({"Version": "2012-10-17", "Statement": list(statements)}, actions)


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": False}},
        {"Bool": {"aws:SecureTransport": ["false"]}},
        {"bool": {"AWS:securetransport": "false"}},
        {"BoolIfExists": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": "false"}, "BoolIfExists": {"aws:SecureTransport": "false"}},
        {},
        ...,
    ],
)
def test_a_deny_of_plain_http_however_it_is_written(condition: Any) -> None:
    assert denies(deny(condition=condition)) is True


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:SecureTransport": ["false", "true"]}},
        {"Bool": {"aws:SecureTransport": []}},
        {"Bool": {"aws:SecureTransport": "${aws:SecureTransport}"}},
        {"StringEquals": {"aws:SecureTransport": "false"}},
        {"ForAnyValue:Bool": {"aws:SecureTransport": "false"}},
        {"ForAllValues:Bool": {"aws:SecureTransport": "false"}},
        {"Null": {"aws:SecureTransport": "true"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}},
        {"Bool": {"aws:SecureTransport": "false"}, "NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"Bool": {"aws:SecureTransport": "false"}, "StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/legacy"}},
        {"Bool": {"aws:SecureTransport": "false"}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    ],
)
def test_another_or_a_further_condition_leaves_some_plain_http(condition: Any) -> None:
    assert denies(deny(condition=condition)) is False


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}])
def test_everyone_is_everyone(principal: Any) -> None:
    assert denies(deny(Principal=principal)) is True


@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {"Principal": {"Service": "*"}},
        {"Principal": {"CanonicalUser": "*"}},
        {"Principal": ..., "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/legacy"}},
        {"Principal": ..., "NotPrincipal": {"AWS": "*"}},
        {"Action": "s3:GetObject"},
        {"Action": ["s3:Get*", "s3:Put*", "s3:List*", "s3:Delete*"]},
        {"Action": "s3:?*"},
        {"Action": "s*"},
        {"Action": "*:*"},
        {"Action": "sqs:*"},
        {"Action": ..., "NotAction": "s3:GetObject"},
        {"Action": ..., "NotAction": "ec2:*"},
        {"Resource": ..., "NotResource": "arn:aws:s3:::b/public/*"},
        {"Resource": ...},
    ],
)
def test_whoever_or_whatever_is_exempt_can_use_plain_http(elements: dict[str, Any]) -> None:
    assert denies(deny(**elements)) is False


@pytest.mark.parametrize("action", ["s3:*", "S3:*", "*", ["s3:GetObject", "s3:*"]])
def test_all_actions_are_all_actions(action: Any) -> None:
    assert denies(deny(Action=action)) is True


@pytest.mark.parametrize(
    "resource",
    [BUCKET, "*", "arn:aws:s3:::*", "arn:aws:s3:::b*", ["arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x"], "arn:aws:*:*:*:*"],
)
def test_bucket_and_objects_are_covered(resource: Any) -> None:
    assert denies(deny(resource)) is True
    assert denies(deny(resource), allow("arn:aws:s3:::b/public/*")) is True
    assert denies(deny(resource), allow("*")) is True


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/*",
        ["arn:aws:s3:::b", "arn:aws:s3:::b/private/*"],
        ["arn:aws:s3:::b", "arn:aws:s3:::b/?*"],
        ["arn:aws:s3:::b", "arn:aws:s3:::other/*"],
        ["arn:aws:s3:::b", "arn:aws:s3:::b/${aws:username}/*"],
        "arn:aws:s3:::*/*",
        "arn:aws:s3",
    ],
)
def test_part_of_the_bucket_is_not_enough(resource: Any) -> None:
    assert denies(deny(resource)) is False
    assert denies(deny(resource), allow("arn:aws:s3:::b/public/*")) is False


def test_what_a_deny_leaves_out_is_not_what_it_covers() -> None:
    assert denies(deny(Resource=..., NotResource=BUCKET), allow("arn:aws:s3:::b/public/*")) is False


def test_another_bucket_in_the_policy_must_be_covered_too() -> None:
    assert denies(deny(), allow("arn:aws:s3:::other/*")) is False
    assert denies(deny("arn:aws:s3:::other"), deny("arn:aws:s3:::other/*"), deny(), allow("arn:aws:s3:::other/*")) is True


def test_statements_may_share_the_resources_but_not_the_condition() -> None:
    assert denies(deny(BUCKET[0]), deny(BUCKET[1], condition={"BoolIfExists": {"aws:SecureTransport": "false"}})) is True
    assert denies(deny(BUCKET[0]), deny(BUCKET[1], condition={"Bool": {"aws:SecureTransport": "true"}})) is False
    assert denies(deny(BUCKET[0]), deny(BUCKET[1], Action="s3:GetObject")) is False


def test_access_points_have_objects_too() -> None:
    point = "arn:aws:s3:eu-central-1:111122223333:accesspoint/p"
    assert denies(deny([point, f"{point}/object/*"])) is True
    assert denies(deny(point)) is False


def test_a_queue_is_one_resource_and_a_domain_is_not() -> None:
    queue, domain = "arn:aws:sqs:eu-central-1:111122223333:q", "arn:aws:es:eu-central-1:111122223333:domain/d"
    assert denies(deny(queue, Action="SQS:*"), actions="sqs:*") is True
    assert denies(deny(queue, Action="sqs:SendMessage"), actions="sqs:*") is False
    assert denies(deny(f"{queue}2", Action="sqs:*"), allow(queue), actions="sqs:*") is False
    assert denies(deny(domain, Action="es:*"), actions="es:*") is False
    assert denies(deny([domain, f"{domain}/*"], Action="es:*"), actions="es:*") is True
    assert denies(deny(f"{domain}/*", Action="es:*"), actions="es:*") is True


def test_file_system_policies_may_leave_out_the_resource() -> None:
    file_system = "arn:aws:elasticfilesystem:eu-central-1:111122223333:file-system/fs-1"
    whole = deny(..., Action="*", Principal={"AWS": "*"})
    assert denies(whole, actions="elasticfilesystem:*") is True
    assert denies(whole, allow(file_system), actions="elasticfilesystem:*") is True
    assert denies(deny(file_system, Action="*"), allow(file_system), actions="elasticfilesystem:*") is True
    assert denies(whole, actions="s3:*") is False


def test_several_actions_may_be_asked_for_and_denied_apart() -> None:
    topic = "arn:aws:sns:eu-central-1:111122223333:t"
    publish, subscribe = deny(topic, Action="SNS:Publish"), deny(topic, Action="sns:Subscribe")
    assert denies(publish, actions="sns:Publish") is True
    assert denies(publish, actions="sns:Publish, sns:Subscribe") is False
    assert denies(publish, subscribe, actions="sns:Publish, sns:Subscribe") is True


def test_a_policy_that_names_no_resource_must_deny_on_all() -> None:
    assert denies(allow("*")) is False
    assert denies(deny("*", Action="kms:*"), allow("*"), actions="kms:*") is True
    assert denies() is False


@pytest.mark.parametrize("actions", ["", "s3", "*", "s3:*,", "s3:* sqs:*", "*:*"])
def test_a_question_about_no_action_is_refused(actions: str) -> None:
    with pytest.raises(DataError, match="actions must be"):
        denies(deny(), actions=actions)


# --- policy_allows_everything


def grants(**elements: Any) -> bool:
    whole = {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}
    return policy_allows_everything({"Statement": {name: value for name, value in whole.items() if value is not ...}})


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"Action": "*:*"},
        {"Action": ["s3:GetObject", "*"]},
        {"Action": "**"},
        {"Resource": ["arn:aws:s3:::b", "*"]},
        {"Resource": "arn:aws:*:*:*:*"},
        {"Resource": "arn:*:*:*:*:*"},
        {"Resource": "arn:aws:*"},
        {"Resource": "arn:aws*"},
        {"Resource": "*:*"},
        {"Resource": ...},
        {"Resource": ..., "NotResource": "arn:aws:s3:::b"},
        {"Action": ..., "NotAction": "iam:*"},
        {"Action": ..., "NotAction": ["iam:*", "organizations:*"], "Resource": ..., "NotResource": "arn:aws:s3:::b"},
        {"Condition": {}},
        {"Principal": "*"},
        {"Principal": {"AWS": "111122223333"}},
    ],
)
def test_everything_in_all_its_forms(elements: dict[str, Any]) -> None:
    assert grants(**elements) is True


@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "Deny"},
        {"Action": "s3:*"},
        {"Action": ["s3:*", "ec2:*"]},
        {"Action": "*:Describe*"},
        {"Resource": "arn:aws:s3:::*"},
        {"Resource": "arn:aws:*:eu-central-1:*:*"},
        {"Action": ..., "NotAction": "iam:*", "Resource": "arn:aws:s3:::b"},
        {"Action": "s3:*", "Resource": ..., "NotResource": "arn:aws:s3:::b"},
    ],
)
def test_less_than_everything(elements: dict[str, Any]) -> None:
    assert grants(**elements) is False


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}},
        {"StringEquals": {"aws:RequestedRegion": "eu-central-1", "aws:SourceVpc": "vpc-91237329"}},
    ],
)
def test_conditions_that_limit(condition: Any) -> None:
    assert grants(Condition=condition) is False


@pytest.mark.parametrize(
    "condition",
    [
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        {"Bool": {"aws:MultiFactorAuthPresent": ["true", "false"]}},
        {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "0"}},
        {"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringLike": {"aws:SourceVpc": "*"}},
        {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
        {"StringLike": {"aws:PrincipalArn": "*"}},
        {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
    ],
)
def test_conditions_that_do_not_limit_an_identity(condition: Any) -> None:
    assert grants(Condition=condition) is True


def test_conditions_on_the_caller_limit_a_policy_that_names_principals() -> None:
    assert grants(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}) is False
    assert grants(Principal="*", Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}) is True


def test_one_statement_of_many_is_enough_and_a_deny_takes_nothing_back() -> None:
    statements = [
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    ]
    assert policy_allows_everything({"Statement": statements}) is True
    assert policy_allows_everything({"Statement": statements[:2]}) is False
