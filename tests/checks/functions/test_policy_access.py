"""policy_outsiders and policy_public: who gets in, by what the policy means."""

from __future__ import annotations

from typing import Any

import pytest

from checks.functions import DataError
from checks.functions.policy_access import policy_outsiders, policy_public

HOME = "111122223333"
OTHER = "222222222222"
TOPIC = f"arn:aws:sns:eu-central-1:{HOME}:topic"
FOREIGN_TOPIC = f"arn:aws:sns:eu-central-1:{OTHER}:topic"


def allow(principal: Any = "*", condition: Any = None, **elements: Any) -> dict[str, Any]:
    who = {} if principal is None else {"Principal": principal}
    when = {} if condition is None else {"Condition": condition}
    return {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", **who, **when, **elements}]}


def outsiders(policy: dict[str, Any]) -> list[str]:
    return policy_outsiders(policy, HOME)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": HOME},
        {"AWS": f"arn:aws:iam::{HOME}:root"},
        {"AWS": [f"arn:aws:iam::{HOME}:role/a", f"arn:aws:sts::{HOME}:assumed-role/a/session"]},
        {"AWS": f"arn:aws-cn:iam::{HOME}:user/a"},
        {"Service": "cloudtrail.amazonaws.com"},
        {"Service": ["s3.amazonaws.com", "ec2.amazonaws.com.cn", "delivery.logs.amazonaws.com"]},
    ],
)
def test_the_own_account_and_aws_services_are_no_outsiders(principal: Any) -> None:
    assert outsiders(allow(principal)) == []
    assert policy_public(allow(principal)) is False


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ({"AWS": OTHER}, [OTHER]),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, [f"arn:aws:iam::{OTHER}:root"]),
        ({"AWS": [HOME, f"arn:aws:iam::{OTHER}:role/*"]}, [f"arn:aws:iam::{OTHER}:role/*"]),
        ({"AWS": "AROAEXAMPLEID12345678"}, ["AROAEXAMPLEID12345678"]),
        ({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
         ["canonical:79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"]),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},
         ["arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"]),
        ({"Service": "alexa-appkit.amazon.com"}, ["service:alexa-appkit.amazon.com"]),
        ({"Service": "amazonaws.com.evil.example"}, ["service:amazonaws.com.evil.example"]),
        ({"Federated": f"arn:aws:iam::{HOME}:saml-provider/corp"}, [f"arn:aws:iam::{HOME}:saml-provider/corp"]),
        ({"AWS": OTHER, "Service": "sns.amazonaws.com", "CanonicalUser": "c"}, [OTHER, "canonical:c"]),
    ],
)  # fmt: skip
def test_whoever_else_is_named_is_an_outsider_but_not_the_public(principal: Any, named: list[str]) -> None:
    assert outsiders(allow(principal)) == named
    assert policy_public(allow(principal)) is False


@pytest.mark.parametrize(
    "policy",
    [
        allow("*"),
        allow({"AWS": "*"}),
        allow({"AWS": [HOME, "*"]}),
        allow({"AWS": "arn:aws:iam::*:role/x"}),
        allow({"AWS": "arn:aws:iam::11112222333?:root"}),
        allow({"AWS": "arn:aws:iam::${aws:PrincipalAccount}:root"}),
        allow({"Service": "*"}),
        allow({"Service": "*.amazonaws.com"}),
        allow({"CanonicalUser": "*"}),
        allow({"Federated": "*"}),
        allow({"Federated": "graph.facebook.com"}),
        allow({"Federated": "login.example.com"}),
        allow(None, NotPrincipal={"AWS": HOME}),
        allow(None, NotPrincipal="*"),
    ],
)
def test_everyone_in_all_its_forms(policy: dict[str, Any]) -> None:
    assert "*" in outsiders(policy)
    assert policy_public(policy) is True


@pytest.mark.parametrize("principal", ["", "everyone", "11112222333", "1111-2222-3333", "arn:aws:iam", "a*"[:1], "AIDA"])
def test_an_unreadable_aws_principal_is_refused(principal: str) -> None:
    for helper in (outsiders, policy_public):
        with pytest.raises(DataError):
            helper(allow({"AWS": principal}))


@pytest.mark.parametrize("account", ["", "1", "11112222333", "1111222233334", "\u0660" * 12, "*"])
def test_an_account_is_twelve_digits(account: str) -> None:
    with pytest.raises(DataError, match="account"):
        policy_outsiders(allow(), account)


@pytest.mark.parametrize("operator", ["StringEquals", "stringequals", "StringLike", "StringEqualsIgnoreCase", "ForAnyValue:StringEquals"])
@pytest.mark.parametrize("key", ["aws:PrincipalAccount", "aws:SourceAccount", "AWS:SourceOwner", "kms:CallerAccount", "aws:userid"])
def test_conditions_on_the_account_bind(operator: str, key: str) -> None:
    assert outsiders(allow("*", {operator: {key: HOME}})) == []
    assert outsiders(allow("*", {operator: {key: [HOME, OTHER]}})) == [OTHER]
    assert policy_public(allow("*", {operator: {key: OTHER}})) is False


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike", "ForAnyValue:ArnLike"])
@pytest.mark.parametrize("key", ["aws:SourceArn", "aws:PrincipalArn"])
def test_arns_bind_by_their_account_whatever_is_open_beside_it(operator: str, key: str) -> None:
    for arn in (TOPIC, f"arn:aws:sns:*:{HOME}:*", f"arn:*:*:*:{HOME}:*", f"arn:aws:iam::{HOME}:role/x?"):
        assert outsiders(allow("*", {operator: {key: arn}})) == []
        assert policy_public(allow("*", {operator: {key: arn}})) is False
    assert outsiders(allow("*", {operator: {key: [TOPIC, FOREIGN_TOPIC]}})) == [FOREIGN_TOPIC]


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_string_operators_bind_an_arn_if_nothing_before_the_account_is_open(operator: str) -> None:
    assert outsiders(allow("*", {operator: {"aws:SourceArn": f"arn:aws:sns:eu-central-1:{HOME}:*"}})) == []
    # A name in another account could end in :111122223333:topic.
    assert outsiders(allow("*", {operator: {"aws:SourceArn": f"arn:aws:sns:*:{HOME}:topic"}})) == ["*"]


@pytest.mark.parametrize("arn", ["arn:aws:s3:::*", "arn:aws:s3:::logs-*", "arn:aws:sns:*:*:x", f"arn:aws:sns:*:*:{HOME}", "arn:aws:sns:*",
                                 "*", f"*:{HOME}:*", "arn:aws:sns:eu-central-1:1111*:x",
                                 f"arn:aws:sns:eu-central-1:{HOME}:${{aws:username}}"])  # fmt: skip
@pytest.mark.parametrize("operator", ["ArnLike", "StringLike", "StringEquals"])
def test_an_arn_that_leaves_its_owner_open_binds_nobody(operator: str, arn: str) -> None:
    assert outsiders(allow("*", {operator: {"aws:SourceArn": arn}})) == ["*"]
    assert policy_public(allow("*", {operator: {"aws:SourceArn": [TOPIC, arn]}})) is True


def test_a_bucket_shows_no_account_but_is_fixed() -> None:
    policy = allow("*", {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::logs"}})
    assert outsiders(policy) == ["arn:aws:s3:::logs"]
    assert policy_public(policy) is False


CONFINED = [
    ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, ["o-a1b2c3d4e5"]),
    ({"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}, ["o-a1b2c3d4e5"]),
    ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"}}, ["o-a1b2c3d4e5"]),
    ({"StringLike": {"aws:SourceOrgPaths": ["o-a1b2c3d4e5/*"]}}, ["o-a1b2c3d4e5"]),
    ({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}, ["vpc-91237329"]),
    ({"StringEquals": {"aws:sourceVpce": ["vpce-1a2b3c4d", "vpce-5e6f7a8b"]}}, ["vpce-1a2b3c4d", "vpce-5e6f7a8b"]),
    ({"ArnLike": {"aws:SourceVpcArn": f"arn:aws:ec2:*:{HOME}:vpc/*"}}, [f"arn:aws:ec2:*:{HOME}:vpc/*"]),
    ({"StringEquals": {"aws:VpceAccount": HOME}}, [f"vpc-endpoints:{HOME}"]),
    ({"StringEquals": {"aws:VpceOrgID": "o-a1b2c3d4e5"}}, ["vpc-endpoints:o-a1b2c3d4e5"]),
    ({"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::/32"]}}, ["2001:db8::/32", "203.0.113.7/32"]),
    ({"IpAddress": {"aws:SourceIp": "3.0.0.0/8"}}, ["3.0.0.0/8"]),
    ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "3.0.0.0/8"]}},
     ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "3.0.0.0/8"]),
    ({"StringEquals": {"aws:userid": "AIDAEXAMPLEID1234567"}}, ["userid:AIDAEXAMPLEID1234567"]),
    ({"StringEquals": {"s3:DataAccessPointAccount": HOME}}, [f"access-points:{HOME}"]),
    ({"StringLike": {"s3:DataAccessPointArn": f"arn:aws:s3:us-west-2:{HOME}:accesspoint/*"}},
     [f"access-points:arn:aws:s3:us-west-2:{HOME}:accesspoint/*"]),
    ({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}, ["elasticfilesystem:AccessedViaMountTarget"]),
    ({"StringEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "named"), CONFINED)
def test_other_confining_conditions_name_whom_they_leave(condition: Any, named: list[str]) -> None:
    assert outsiders(allow("*", condition)) == named
    assert policy_public(allow("*", condition)) is False


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringEquals": {"aws:SourceAccount": []}},
        {"StringEquals": {"aws:SourceAccount": [HOME, "*"]}},
        {"StringLike": {"aws:PrincipalAccount": "1111*"}},
        {"StringLike": {"aws:PrincipalAccount": "11112222333?"}},
        {"StringEquals": {"aws:PrincipalAccount": "anonymous"}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
        {"StringEquals": {"aws:PrincipalAccount": 11112222333}},
        {"StringEqualsIfExists": {"aws:SourceAccount": HOME}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}},
        {"ForAllValues:StringEquals": {"aws:SourceAccount": HOME}},
        {"StringNotEquals": {"aws:SourceAccount": OTHER}},
        {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:*"}},
        {"Null": {"aws:SourceAccount": "false"}},
        {"NumericEquals": {"aws:SourceAccount": HOME}},
        {"ArnEquals": {"aws:SourceAccount": HOME}},
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5*"}},
        {"StringLike": {"aws:SourceVpc": "vpc-*"}},
        {"StringLike": {"aws:SourceVpce": "vpce-1a2b3c4?"}},
        {"ArnLike": {"aws:SourceVpcArn": "arn:aws:ec2:*:*:vpc/vpc-91237329"}},
        {"ArnLike": {"aws:SourceVpcArn": "arn:aws:ec2:eu-central-1::vpc/vpc-91237329"}},
        {"StringLike": {"aws:userid": "AROAEXAMPLEID1234567:*"}},
        {"StringEquals": {"aws:userid": "anonymous"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}},
        {"IpAddress": {"aws:SourceIp": "2000::/3"}},
        {"IpAddress": {"aws:SourceIp": [f"{first}.0.0.0/8" for first in range(11, 20)]}},
        {"IpAddress": {"aws:SourceIp": "3.0.0.0/7"}},
        {"IpAddress": {"aws:SourceIp": "${aws:VpcSourceIp}"}},
        {"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}},
        {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringLike": {"aws:SourceIp": "203.0.113.*"}},
        {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
        {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}},
        {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        {"StringEquals": {"sts:ExternalId": "secret"}},
        {"StringEquals": {"aws:PrincipalTag/team": "a"}},
        {"StringEquals": {"aws:ResourceAccount": HOME}},
        {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": f"arn:aws:kms:eu-central-1:{HOME}:key/k"}},
        {"StringLike": {"aws:Referer": "https://example.com/*"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:PrincipalIsAWSService": "true"}},
        {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "false"}},
        {"BoolIfExists": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        {"StringEquals": {"aws:PrincipalServiceName": "*"}},
        {"StringEquals": {"example:Unheard": HOME}},
        {"StringEquals": {"s3:DataAccessPointAccount": "*"}},
        {"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:*:accesspoint/x"}},
    ],
)
def test_conditions_that_confine_nobody(condition: Any) -> None:
    assert outsiders(allow("*", condition)) == ["*"]
    assert policy_public(allow("*", condition)) is True


def test_of_several_conditions_the_one_that_leaves_the_fewest_counts() -> None:
    both = {"StringEquals": {"aws:SourceAccount": HOME}, "ArnLike": {"aws:SourceArn": "arn:aws:s3:::logs"}}
    assert outsiders(allow("*", both)) == []
    assert outsiders(allow("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:PrincipalAccount": [OTHER, HOME]}})) == [OTHER]


def test_a_named_outsider_stays_whatever_the_conditions() -> None:
    policy = allow({"AWS": [OTHER, "*"]}, {"StringEquals": {"aws:PrincipalAccount": HOME}})
    assert outsiders(policy) == [OTHER]


def test_a_malformed_cidr_in_a_condition_is_refused() -> None:
    with pytest.raises(DataError, match="CIDR"):
        outsiders(allow("*", {"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}}))


def test_deny_statements_are_not_counted() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceAccount": HOME}},
    }
    policy = {"Statement": [*allow()["Statement"], deny]}
    assert outsiders(policy) == ["*"]
    assert outsiders({"Statement": [deny]}) == []
    assert policy_public({"Statement": [deny]}) is False


def test_statements_add_up_and_actions_and_resources_do_not_matter() -> None:
    first = allow({"AWS": OTHER}, Action="sqs:GetQueueUrl")["Statement"]
    second = {"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "NotAction": "sqs:*", "NotResource": "*"}
    assert outsiders({"Statement": [*first, second]}) == [OTHER, "333333333333"]


def test_what_aws_writes_by_default_lets_nobody_in() -> None:
    topic = allow({"AWS": "*"}, {"StringEquals": {"AWS:SourceOwner": HOME}}, Action=["SNS:Publish"], Resource=TOPIC)
    key = allow({"AWS": f"arn:aws:iam::{HOME}:root"}, Action="kms:*")
    aws_managed_key = allow(
        {"AWS": "*"},
        {"StringEquals": {"kms:CallerAccount": HOME, "kms:ViaService": "ebs.eu-central-1.amazonaws.com"}},
        Action="kms:Decrypt",
    )
    for policy in (topic, key, aws_managed_key):
        assert outsiders(policy) == []
        assert policy_public(policy) is False
