"""Calls are recognised by what their protocol puts on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.wire import Answer, Protocol, Request, UnknownCallError
from tests.world.wire_answers import render
from tests.world.wire_calls import recognise
from tests.world.wire_documents import read_cbor, write_cbor

# --- on the wire


def signed(service: str, method: str, url: str, body: bytes = b"", **headers: str) -> Request:
    scope = f"Credential=AKIAEXAMPLE/20261122/eu-central-1/{service}/aws4_request"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, url, {"authorization": f"AWS4-HMAC-SHA256 {scope}, Signature=0", **named}, body)


@pytest.mark.parametrize(
    ("signing", "method", "url", "operation"),
    [
        ("s3", "GET", "/", "s3:ListBuckets"),
        ("s3", "GET", "/b?list-type=2", "s3:ListObjectsV2"),
        ("s3", "GET", "/b?inventory&id=1", "s3:GetBucketInventoryConfiguration"),
        ("s3", "GET", "/b?inventory", "s3:ListBucketInventoryConfigurations"),
        ("s3", "GET", "/b?lifecycle", "s3:GetBucketLifecycleConfiguration"),
        ("s3", "PUT", "/b/k", "s3:PutObject"),
        ("s3", "HEAD", "/b", "s3:HeadBucket"),
        ("s3", "GET", "https://b.s3.eu-central-1.amazonaws.com/?policy", "s3:GetBucketPolicy"),
        ("lambda", "GET", "/2015-03-31/functions/f/policy", "lambda:GetPolicy"),
        ("eks", "GET", "/clusters/c", "eks:DescribeCluster"),
        ("apigateway", "GET", "/restapis/a/stages", "apigateway:GetStages"),
        ("apigateway", "GET", "/v2/apis", "apigatewayv2:GetApis"),
        ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "route53:ListResourceRecordSets"),
        ("cloudfront", "GET", "/2020-05-31/distribution/E1/config", "cloudfront:GetDistributionConfig"),
        ("es", "POST", "/2021-01-01/opensearch/domain-info", "opensearch:DescribeDomains"),
        ("guardduty", "GET", "/detector", "guardduty:ListDetectors"),
        ("backup", "GET", "/backup-vaults/", "backup:ListBackupVaults"),
    ],
)
def test_rest_calls_are_told_apart(signing: str, method: str, url: str, operation: str) -> None:
    assert recognise(signed(signing, method, url)).action == operation


def test_what_only_a_header_tells_apart_is_told_apart() -> None:
    url = "/v20180820/configuration/publicAccessBlock"
    assert recognise(signed("s3", "GET", url, x_amz_account_id="1")).action == "s3control:GetPublicAccessBlock"
    assert recognise(signed("s3", "PUT", "/b/k", x_amz_copy_source="/b/j")).action == "s3:CopyObject"


@pytest.mark.parametrize(("version", "service"), [("2012-06-01", "elb"), ("2015-12-01", "elbv2")])
def test_two_services_of_one_signing_name_are_told_apart_by_their_version(version: str, service: str) -> None:
    form = f"Action=DescribeLoadBalancers&Version={version}".encode()
    request = signed("elasticloadbalancing", "POST", "/", form, content_type="application/x-www-form-urlencoded")
    assert recognise(request).action == f"{service}:DescribeLoadBalancers"


def test_an_unsigned_request_is_no_call() -> None:
    with pytest.raises(UnknownCallError):
        recognise(Request("GET", "/", {}))


def test_cbor_calls_are_known_and_answered_in_cbor() -> None:
    url = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    call = recognise(signed("monitoring", "POST", url, write_cbor({"NextToken": "x"}), smithy_protocol="rpc-v2-cbor"))
    assert (call.action, call.protocol, call.has_page_token) == ("cloudwatch:DescribeAlarms", Protocol.CBOR, True)
    answer = render(call, {"MetricAlarms": [{"AlarmName": "a", "Threshold": 1.5}]})
    assert isinstance(answer, Answer)
    assert read_cbor(answer.body) == {"MetricAlarms": [{"AlarmName": "a", "Threshold": 1.5}]}


@pytest.mark.parametrize("value", [0, 23, 24, 300, 70000, 2**40, -1, 1.5, "ä", b"\x00", True, None, [1, {"a": []}], "x" * 300])
def test_cbor_is_read_back_as_it_was_written(value: Any) -> None:
    assert read_cbor(write_cbor(value)) == value
