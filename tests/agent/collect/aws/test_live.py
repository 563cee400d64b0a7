"""The whole road against a real server: every planted fault is found, none is invented, what was not seen shows."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from agent import rulebook, run
from agent.collect.estate import read_estate
from agent.commands.permissions import aws_actions
from agent.config import Aws, ConfigurationError
from agent.rulebook import Rulebook
from checks.model import Reason
from checks.plan import KINDS, TAGGED, plan
from tests.agent.collect.aws.live import Road, verdicts
from tests.conftest import Estate, configuration, upheld
from tests.world import shop
from tests.world.faults import Fault
from tests.world.servers import ACCOUNT, CREDENTIALS
from tests.world.wire import Call

SECRETS = ("not-a-secret", "Not-a-secret-1", CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
"""What the shop's passwords, tokens, user data and environment variables hold."""
OTHER = "444455556666"
OTHER_ROLE = f"arn:aws:iam::{OTHER}:role/upheld-reader"
VOLUMES, GROUPS, BUCKETS = "aws-ebs-volume-encrypted", "aws-security-group-admin-ports", "aws-s3-bucket-denies-plain-http"
REPOSITORIES = "aws-ecr-repository-not-public"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return rulebook.load()


@pytest.fixture
def road(world: Estate, book: Rulebook, tmp_path: Path) -> Road:
    return Road(world, book, tmp_path)


def test_every_planted_fault_is_found_and_none_invented(world: Estate, tmp_path: Path) -> None:
    configuration(tmp_path, regions=f"[{shop.HOME}, {shop.SECOND}]")
    with shop.with_old_access_key(world.proxy):
        ended = upheld("check", "--all-rules", "--format", "json", cwd=tmp_path, env=world.environment)
    assert ended.code == 1, ended.err
    by_rule: dict[str, dict[str, str]] = {}
    for one in ended.report["findings"]:
        by_rule.setdefault(one["rule"], {})[one["resource"]["id"]] = one["verdict"]
    planted = [one for one in world.shop.planted if one.rule]
    missed = [(one.fault, one.rule, one.id) for one in planted if not any(by_rule[one.rule].get(name) == "broken" for name in one.names)]
    assert missed == []
    sound = [one for one in world.shop.sound if one.rule]
    slandered = [(one.rule, one.id) for one in sound if not any(by_rule[one.rule].get(name) == "upheld" for name in one.names)]
    assert slandered == []
    assert not [line for line in (ended.out, ended.err) if any(canary in line for canary in SECRETS)]


def test_a_denied_call_is_unproven_for_every_resource_and_names_the_permission(road: Road) -> None:
    before = verdicts(road.judge(BUCKETS), BUCKETS)
    road.world.proxy.inject(Fault("s3", "GetBucketPolicy", "deny"))
    result = road.judge(BUCKETS)
    assert set(before.values()) == {"broken", "upheld"}
    assert verdicts(result, BUCKETS) == dict.fromkeys(before, "unproven")
    assert all("needs s3:GetBucketPolicy" in one["explanation"] for one in result.findings.records())


@pytest.mark.parametrize("kind", ["deny", "html_200", "empty_200", "missing_member", "truncate", "truncate_quiet"])
def test_a_listing_that_was_not_answered_is_one_unproven_finding(road: Road, kind: str) -> None:
    road.world.proxy.inject(Fault("ec2", "DescribeVolumes", kind))
    assert verdicts(road.judge(VOLUMES), VOLUMES) == {"*": "unproven"}


def test_every_page_is_read_and_a_lost_page_shows(road: Road) -> None:
    road.world.proxy.paginate("ec2", "DescribeSecurityGroups", 2)
    whole = verdicts(road.judge(GROUPS), GROUPS)
    pages = Counter(call.operation for call in road.world.proxy.calls)["DescribeSecurityGroups"]
    assert pages == -(-len(whole) // 2)
    assert "unproven" not in whole.values()
    road.world.proxy.inject(Fault("ec2", "DescribeSecurityGroups", "lost_page"))
    cut = verdicts(road.judge(GROUPS), GROUPS)
    assert cut.pop("*") == "unproven"
    assert len(cut) == 2
    assert cut.items() <= whole.items()


def counts(call: Call) -> dict[str, Any]:
    """Two pages of an operation that the SDK has no paginator for."""
    first = "nextToken" not in call.params
    kind = "AWS::EC2::Volume" if first else "AWS::S3::Bucket"
    page = {"totalDiscoveredResources": 2, "resourceCounts": [{"resourceType": kind, "count": 1}]}
    return {**page, "nextToken": "second"} if first else page


@pytest.mark.parametrize(("reply", "gaps"), [(counts, 0), (lambda call: {**counts(call), "nextToken": "second"}, 1)])
def test_pages_are_asked_for_where_the_sdk_cannot(road: Road, reply: Any, gaps: int) -> None:
    road.world.proxy.answer("config", "GetDiscoveredResourceCounts", reply)
    inputs = road.inputs(VOLUMES)
    with mock.patch.dict(os.environ, road.world.environment):
        run.collect(inputs, road.folder / "counts", {KINDS: frozenset({"*"})}, run.Clock())
    estate = read_estate(road.folder / "counts")
    assert {one.id for one in estate.of(KINDS)} == {"AWS::EC2::Volume", "AWS::S3::Bucket"}
    assert len(estate.gaps) == gaps


def test_pages_that_go_round_in_a_circle_are_a_gap(road: Road) -> None:
    road.world.proxy.inject(Fault("ec2", "DescribeSecurityGroups", "page_loop"))
    assert verdicts(road.judge(GROUPS), GROUPS)["*"] == "unproven"


@pytest.mark.parametrize(
    ("rule", "service", "operation", "kind", "reason"),
    [
        ("aws-sqs-queue-encrypted", "sqs", "ListQueues", "deny", Reason.DENIED),
        ("aws-sqs-queue-encrypted", "sqs", "ListQueues", "deny_scp", Reason.REFUSED_BY_SCP),
        ("aws-sqs-queue-encrypted", "sqs", "ListQueues", "throttle", Reason.THROTTLED),
        ("aws-sqs-queue-encrypted", "sqs", "ListQueues", "expired", Reason.EXPIRED_CREDENTIALS),
        ("aws-sqs-queue-encrypted", "sqs", "ListQueues", "skewed", Reason.CLOCK_SKEW),
        ("aws-rds-db-instance-encrypted", "rds", "DescribeDBInstances", "skewed", Reason.CLOCK_SKEW),
        ("aws-rds-db-instance-encrypted", "rds", "DescribeDBInstances", "deny_scp", Reason.REFUSED_BY_SCP),
        (VOLUMES, "ec2", "DescribeVolumes", "expired", Reason.EXPIRED_CREDENTIALS),
        (BUCKETS, "s3", "ListBuckets", "skewed", Reason.CLOCK_SKEW),
        ("aws-iam-user-console-mfa", "iam", "ListUsers", "reset", Reason.UNREACHABLE),
        ("aws-lambda-function-in-vpc", "lambda", "ListFunctions", "html_200", Reason.MALFORMED),
    ],
)
def test_each_kind_of_failure_is_told_apart(road: Road, rule: str, service: str, operation: str, kind: str, reason: Reason) -> None:
    road.world.proxy.inject(Fault(service, operation, kind))
    assert {gap.reason for gap in road.collect(rule).gaps} == {reason}


def test_a_resource_said_to_be_gone_that_is_still_listed_is_a_gap(road: Road) -> None:
    road.world.proxy.inject(Fault("sqs", "GetQueueAttributes", "vanish", match="/mail"))
    estate = road.collect("aws-sqs-queue-encrypted")
    assert {(gap.reason, gap.field) for gap in estate.gaps} == {(Reason.VANISHED, "Attributes")}
    assert any(queue.id.endswith("/mail") for queue in estate.of("aws.sqs.queue"))


def test_a_resource_that_vanishes_between_two_calls_is_gone_if_the_next_listing_says_so(road: Road) -> None:
    there = road.collect("aws-sqs-queue-encrypted").of("aws.sqs.queue")
    ghost = {"QueueUrls": [*(queue.id for queue in there), f"http://sqs.example/{ACCOUNT}/ghost"]}
    listings = iter([ghost])
    road.world.proxy.answer("sqs", "ListQueues", lambda _: next(listings, None))
    estate = road.collect("aws-sqs-queue-encrypted")
    assert [queue.id for queue in estate.of("aws.sqs.queue")] == [queue.id for queue in there]
    assert estate.gaps == ()


def test_a_disabled_region_is_not_asked_and_an_enabled_one_is(road: Road) -> None:
    road.world.proxy.enable_regions([shop.HOME, shop.SECOND], off=["ap-east-1"])
    estate = road.collect(VOLUMES, accounts=(Aws(account=ACCOUNT),))
    assert estate.manifest.scope.accounts == {ACCOUNT: (shop.HOME, shop.SECOND)}
    assert "ap-east-1" not in {call.region for call in road.world.proxy.calls}
    assert {region.id: region.data["OptInStatus"] for region in estate.of("aws.ec2.region")}["ap-east-1"] == "not-opted-in"


def test_unknown_regions_are_a_gap_in_every_listing(road: Road) -> None:
    road.world.proxy.inject(Fault("ec2", "DescribeRegions", "deny"))
    result = road.judge(VOLUMES, accounts=(Aws(account=ACCOUNT),))
    assert verdicts(result, VOLUMES) == {"*": "unproven"}


def test_several_accounts_are_entered_by_role(road: Road) -> None:
    two = (Aws(account=ACCOUNT, regions=[shop.HOME]), Aws(account=OTHER, role=OTHER_ROLE, regions=[shop.HOME]))
    estate = road.collect(VOLUMES, GROUPS, accounts=two)
    assert set(estate.manifest.scope.accounts) == {ACCOUNT, OTHER}
    assert {group.account for group in estate.of("aws.ec2.security_group")} == {ACCOUNT, OTHER}
    assert {volume.account for volume in estate.of("aws.ec2.volume")} == {ACCOUNT}


def test_an_account_that_cannot_be_entered_is_a_gap_in_every_listing(road: Road) -> None:
    two = (Aws(account=ACCOUNT, regions=[shop.HOME]), Aws(account=OTHER, role=OTHER_ROLE, regions=[shop.HOME]))
    road.world.proxy.inject(Fault("sts", "AssumeRole", "deny"))
    result = road.judge(VOLUMES, GROUPS, accounts=two)
    shut = {(one["rule"], one["verdict"]) for one in result.findings.records() if one["resource"]["account"] == OTHER}
    assert shut == {(VOLUMES, "unproven"), (GROUPS, "unproven")}


def test_credentials_of_another_account_collect_nothing(road: Road) -> None:
    with pytest.raises(ConfigurationError, match=f"says account {OTHER}, but these credentials .* are of account {ACCOUNT}"):
        road.collect(VOLUMES, accounts=(Aws(account=OTHER),))
    assert {call.operation for call in road.world.proxy.calls} == {"GetCallerIdentity"}


def test_what_is_late_is_a_gap(road: Road) -> None:
    road.world.proxy.inject(Fault("sns", "ListTopics", "timeout"))
    estate = road.collect("aws-sns-topic-encrypted", VOLUMES, deadline=3)
    assert {(gap.call, gap.reason) for gap in estate.gaps} == {("ListTopics", Reason.LATE)}
    assert estate.of("aws.ec2.volume")


def test_at_the_deadline_a_none_that_was_not_confirmed_is_a_gap(road: Road) -> None:
    none = road.collect(REPOSITORIES).of("aws.ecr.repository")
    assert [one.data["Policy"] for one in none] == [None] * 2
    slow = none[0].id
    road.world.proxy.inject(Fault("ecr", "GetRepositoryPolicy", "timeout", match=slow))
    estate = road.collect(REPOSITORIES, deadline=3)
    gaps = {gap.id: gap.reason for gap in estate.gaps if gap.field == "Policy"}
    assert gaps == {**{one.id: Reason.FAILED for one in none}, slow: Reason.LATE}
    assert not [one for one in estate.of("aws.ecr.repository") if "Policy" in one.data]


def test_no_call_is_made_twice_and_each_is_in_the_printed_policy(world: Estate, tmp_path: Path, book: Rulebook) -> None:
    configuration(tmp_path)
    ended = upheld("collect", "-o", "estate", cwd=tmp_path, env=world.environment)
    assert ended.code == 0, ended.out
    lacking = {call.key for call in world.proxy.lacking}  # asked again, as a server error is
    asked = Counter(call.key for call in world.proxy.calls if not call.has_page_token and call.key not in lacking)
    again = {look.call.split()[0] for look in read_estate(tmp_path / "estate").looks if look.call.endswith("(again)")}
    assert again <= {"DescribeRepositories", "DescribeFileSystems"}, "listed again, to see that what has no policy is still there"
    assert [key for key, count in asked.items() if count > 1 and key.split()[3] not in again] == []
    allowed = {action.partition(":")[2] for action in aws_actions(book.catalogue, plan(book.rules.values()))}
    printed = json.loads(upheld("permissions", "aws", cwd=tmp_path, env={"UPHELD_CONFIG": "upheld.yaml"}).out)
    assert {action.partition(":")[2] for action in printed["Statement"][0]["Action"]} <= allowed
    texts = [file.read_text() for file in (tmp_path / "estate").rglob("*") if file.is_file()]
    assert not [canary for canary in SECRETS for text in texts if canary in text]
    first = upheld("check", "--all-rules", "--estate", "estate", cwd=tmp_path).out.splitlines()[0]
    assert f"endpoint {world.proxy.endpoint}" in first
    once, twice = (upheld("check", "--all-rules", "--estate", "estate", "--format", "json", cwd=tmp_path).out for _ in range(2))
    assert once == twice
    assert len(json.loads(once)["findings"]) > 100


def test_a_client_has_no_method_for_any_call_outside_the_catalogue(book: Rulebook) -> None:
    from agent.collect.aws.models import session

    assert book.rules
    client = session(region_name=shop.HOME, aws_access_key_id="key", aws_secret_access_key="secret").client("ec2")
    assert hasattr(client, "describe_volumes")
    assert not hasattr(client, "create_volume")
    assert not [name for name in client.meta.method_to_api_mapping if not name.startswith(("describe_", "get_", "search_"))]


def test_tagged_resources_are_evidence_of_kinds_and_a_denied_list_of_them_is_a_gap(road: Road) -> None:
    road.world.proxy.paginate("resourcegroupstaggingapi", "GetResources", 5)
    seen = road.collect(types={TAGGED: frozenset({"*"})})
    assert len(seen.of(TAGGED)) > 5
    assert all(one.id.startswith("arn:aws:") for one in seen.of(TAGGED))
    road.world.proxy.inject(Fault("resourcegroupstaggingapi", "GetResources", "deny"))
    assert [(gap.id, gap.action) for gap in road.collect(types={TAGGED: frozenset({"*"})}).gaps] == [(None, "tag:GetResources")]
