"""The proxy does to real boto3 clients what its faults say: errors, silence, and bodies that lack something."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from tests.world.asking import BUCKET, DENY_HTTP, METHODS, SAMPLES, ask, error_of, sample
from tests.world.faults import Fault
from tests.world.proxy import FaultProxy

# --- errors speak the service's protocol


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("ec2", 403, "UnauthorizedOperation"),
        ("rds", 403, "AccessDenied"),
        ("sns", 403, "AuthorizationError"),
        ("s3", 403, "AccessDenied"),
        ("cloudfront", 403, "AccessDenied"),
        ("kms", 400, "AccessDeniedException"),
        ("sqs", 400, "AccessDenied"),
        ("efs", 403, "AccessDeniedException"),
        ("lambda", 403, "AccessDeniedException"),
    ],
)
def test_a_denied_call_raises_the_services_own_denial(proxy: FaultProxy, service: str, status: int, code: str) -> None:
    found = sample(proxy, service, "deny")
    assert found[:2] == (status, code)
    assert "no identity-based policy" in found[2]


@pytest.mark.parametrize("service", SAMPLES)
def test_a_denial_by_a_service_control_policy_says_so(proxy: FaultProxy, service: str) -> None:
    assert "explicit deny in a service control policy" in sample(proxy, service, "deny_scp")[2]


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("ec2", "RequestLimitExceeded"),
        ("rds", "Throttling"),
        ("s3", "SlowDown"),
        ("kms", "ThrottlingException"),
        ("lambda", "TooManyRequestsException"),
        ("efs", "ThrottlingException"),
    ],
)
def test_a_throttled_call_raises_the_services_own_error(proxy: FaultProxy, service: str, code: str) -> None:
    assert sample(proxy, service, "throttle")[1] == code


@pytest.mark.parametrize(
    ("service", "expired", "skewed"),
    [
        ("ec2", "RequestExpired", "AuthFailure"),
        ("rds", "ExpiredToken", "SignatureDoesNotMatch"),
        ("s3", "ExpiredToken", "RequestTimeTooSkewed"),
        ("kms", "ExpiredTokenException", "InvalidSignatureException"),
        ("efs", "ExpiredTokenException", "InvalidSignatureException"),
    ],
)
def test_expired_credentials_and_a_wrong_clock_are_told_apart(proxy: FaultProxy, service: str, expired: str, skewed: str) -> None:
    assert sample(proxy, service, "expired")[1] == expired
    assert sample(proxy, service, "skewed")[1] == skewed


def test_an_internal_error_is_a_500(proxy: FaultProxy) -> None:
    assert sample(proxy, "ec2", "error_500")[:2] == (500, "InternalError")


def test_any_other_error_can_be_named(proxy: FaultProxy) -> None:
    proxy.inject(Fault("s3", "GetBucketPolicy", "error", status=404, code="NoSuchBucketPolicy", message="gone"))
    assert error_of(proxy, "s3", "get_bucket_policy", Bucket=BUCKET) == (404, "NoSuchBucketPolicy", "gone")


@pytest.mark.parametrize(
    ("service", "method", "operation", "params", "code"),
    [
        ("s3", "get_bucket_policy", "GetBucketPolicy", {"Bucket": BUCKET}, "NoSuchBucket"),
        (
            "ec2",
            "describe_volume_attribute",
            "DescribeVolumeAttribute",
            {"VolumeId": "vol-1", "Attribute": "autoEnableIO"},
            "InvalidVolume.NotFound",
        ),
        ("rds", "describe_db_instances", "DescribeDBInstances", {"DBInstanceIdentifier": "db-0"}, "DBInstanceNotFound"),
        ("kms", "get_key_rotation_status", "GetKeyRotationStatus", {"KeyId": "1"}, "NotFoundException"),
        (
            "sqs",
            "get_queue_attributes",
            "GetQueueAttributes",
            {"QueueUrl": "q"},
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        ("dynamodb", "describe_table", "DescribeTable", {"TableName": "t-1"}, "ResourceNotFoundException"),
        ("efs", "describe_file_systems", "DescribeFileSystems", {"FileSystemId": "fs-1"}, "FileSystemNotFound"),
    ],
)
def test_a_vanished_thing_raises_the_services_not_found(
    proxy: FaultProxy, service: str, method: str, operation: str, params: dict[str, str], code: str
) -> None:
    proxy.inject(Fault(service, operation, "vanish"))
    assert error_of(proxy, service, method, **params)[1] == code


# --- the transport


def test_a_timeout_lasts_as_long_as_the_client_waits(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "timeout"))
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        ask(proxy, "ec2", "describe_security_groups")
    assert time.monotonic() - started > 3.5  # of the four seconds that the client waits


def test_a_reset_is_a_closed_connection(proxy: FaultProxy) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", "reset"))
    with pytest.raises(ConnectionClosedError):
        ask(proxy, "ec2", "describe_security_groups")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_body_breaks_xml(proxy: FaultProxy, kind: str) -> None:
    proxy.inject(Fault("ec2", "DescribeSecurityGroups", kind))
    with pytest.raises(ResponseParserError):
        ask(proxy, "ec2", "describe_security_groups")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_json_body_raises_nothing_in_botocore(proxy: FaultProxy, kind: str) -> None:
    """Since 1.44 botocore asks urllib3 not to enforce Content-Length, and what is no JSON is an empty answer to it."""
    proxy.inject(Fault("kms", "ListKeys", kind))
    assert "Keys" not in ask(proxy, "kms", "list_keys")


@pytest.mark.parametrize("kind", ["truncate", "truncate_quiet"])
def test_half_a_policy_is_a_policy_to_botocore(proxy: FaultProxy, kind: str) -> None:
    proxy.inject(Fault("s3", "GetBucketPolicy", kind))
    assert ask(proxy, "s3", "get_bucket_policy", Bucket=BUCKET)["Policy"] == DENY_HTTP[: len(DENY_HTTP) // 2]


@pytest.mark.parametrize("kind", ["empty_200", "html_200"])
@pytest.mark.parametrize(("service", "member"), [("ec2", "SecurityGroups"), ("kms", "Keys"), ("sqs", "QueueUrls"), ("efs", "FileSystems")])
def test_a_200_without_an_answer_has_no_member(proxy: FaultProxy, service: str, member: str, kind: str) -> None:
    operation, params = SAMPLES[service]
    proxy.inject(Fault(service, operation, kind))
    try:
        answer = ask(proxy, service, METHODS[operation], **params)
    except ResponseParserError:
        answer = {}
    assert member not in answer
    assert proxy.struck


# --- bodies that lack something


@pytest.mark.parametrize(
    ("service", "member"),
    [("ec2", "SecurityGroups"), ("rds", "DBInstances"), ("sns", "Topics"), ("kms", "Keys"), ("efs", "FileSystems")],
)
def test_a_missing_member_leaves_the_rest_of_the_answer(proxy: FaultProxy, service: str, member: str) -> None:
    operation, _ = SAMPLES[service]
    assert ask(proxy, service, METHODS[operation])[member]
    proxy.inject(Fault(service, operation, "missing_member"))
    answer = ask(proxy, service, METHODS[operation])
    assert not answer.get(member)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_missing_member_can_be_chosen(proxy: FaultProxy) -> None:
    proxy.inject(Fault("s3", "GetBucketAcl", "missing_member", member="Owner"))
    answer = ask(proxy, "s3", "get_bucket_acl", Bucket=BUCKET)
    assert "Owner" not in answer
    assert answer["Grants"]
