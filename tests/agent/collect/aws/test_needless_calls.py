"""What need not be asked is not asked, and where that cannot be told it is: no verdict is lost, none is made up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent import rulebook
from agent.rulebook import Rulebook
from checks.document import DocumentError, parse
from checks.model import Reason
from checks.plan import named, plan
from tests.agent.collect.aws.live import Road, verdicts
from tests.conftest import Estate
from tests.world.faults import Fault

ACLS, KEPT, FLOW_LOGS = "aws-s3-bucket-acls-not-public", "aws-cloudtrail-logs-kept", "aws-vpc-flow-logs"
SNAPSHOTS = "aws-rds-db-snapshot-not-public"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return rulebook.load()


@pytest.fixture
def road(world: Estate, book: Rulebook, tmp_path: Path) -> Road:
    return Road(world, book, tmp_path)


def calls(road: Road) -> Counter[str]:
    return Counter(call.operation for call in road.world.proxy.calls)


# -- what only what is looked up is asked about -------------------------------------------------------------------------


def test_what_rules_read_only_of_what_they_look_up_is_asked_about_that_alone(road: Road) -> None:
    estate = road.collect(KEPT)
    logged_to = {trail.data["S3BucketName"] for trail in estate.of("aws.cloudtrail.trail")}
    assert {bucket.id for bucket in estate.of("aws.s3.bucket") if "Lifecycle" in bucket.data} == logged_to
    assert calls(road)["GetBucketLifecycleConfiguration"] == len(logged_to) < len(estate.of("aws.s3.bucket"))
    assert estate.gaps == ()


def test_a_name_that_was_not_seen_leaves_the_rule_unproven(road: Road) -> None:
    road.world.proxy.inject(Fault("cloudtrail", "DescribeTrails", "deny"))
    assert verdicts(road.judge(KEPT), KEPT) == {"*": "unproven"}
    assert calls(road)["GetBucketLifecycleConfiguration"] == 0


def test_a_listing_that_does_not_end_holds_up_only_what_it_would_name(road: Road) -> None:
    road.world.proxy.inject(Fault("sns", "ListTopics", "timeout"))
    estate = road.collect("aws-sns-topic-encrypted", "aws-kinesis-stream-encrypted", deadline=4)
    assert {(gap.call, gap.reason) for gap in estate.gaps} == {("ListTopics", Reason.LATE)}
    used = {text for stream in estate.of("aws.kinesis.stream") for text in [stream.data["Stream"].get("KeyId")] if text}
    keys = estate.of("aws.kms.key")
    assert {key.id for key in keys if "Metadata" in key.data} == {key.id for key in keys if {key.id, key.data["KeyArn"]} & used}


def rules_of(book: Rulebook, *names: str) -> Any:
    return named([book.rules[name] for name in names], plan([book.rules[name] for name in names]), book.catalogue)


def test_the_names_stand_in_what_the_rule_judges(book: Rulebook) -> None:
    sources = {("aws.cloudtrail.trail", "S3BucketName"), ("aws.cloudtrail.trail", "Name")}
    assert rules_of(book, KEPT) == {("aws.s3.bucket", "Lifecycle"): sources}


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (("aws-ebs-volume-encrypted", "aws-kms-key-not-pending-deletion"), "a rule judges all keys by it"),
        (("aws-guardduty-enabled",), "every() reads all of a type"),
    ],
)
def test_what_a_rule_reads_of_all_is_asked_about_all(book: Rulebook, rules: tuple[str, ...], why: str) -> None:
    assert rules_of(book, *rules) == {}, why


def test_a_rule_that_the_plan_does_not_serve_names_nothing(book: Rulebook) -> None:
    served = plan([book.rules[KEPT]])
    assert named(book.rules.values(), served, book.catalogue) == rules_of(book, KEPT)


# -- what another answer makes needless ---------------------------------------------------------------------------------


def test_an_access_control_list_that_grants_nothing_is_not_asked_for(road: Road) -> None:
    estate = road.collect(ACLS)
    enforced = {one.id for one in estate.of("aws.s3.bucket") if "BucketOwnerEnforced" in str(one.data["OwnershipControls"])}
    assert enforced
    assert {one.id for one in estate.of("aws.s3.bucket") if "Acl" in one.data}.isdisjoint(enforced)
    assert calls(road)["GetBucketAcl"] == len(estate.of("aws.s3.bucket")) - len(enforced)
    found = verdicts(road.judge(ACLS), ACLS)
    assert {found[name] for name in enforced} == {"upheld"}


@pytest.mark.parametrize("kind", ["deny", "vanish", "html_200"])
def test_it_is_asked_for_where_whether_it_counts_was_not_seen(road: Road, kind: str) -> None:
    road.world.proxy.inject(Fault("s3", "GetBucketOwnershipControls", kind))
    estate = road.collect(ACLS)
    assert all("Acl" in one.data for one in estate.of("aws.s3.bucket"))


def test_what_waits_for_an_answer_that_is_late_is_late_too(road: Road) -> None:
    road.world.proxy.inject(Fault("s3", "GetBucketOwnershipControls", "timeout"))
    estate = road.collect(ACLS, deadline=3)
    late = {(gap.id, gap.field) for gap in estate.gaps if gap.reason is Reason.LATE}
    assert late == {(one.id, member) for one in estate.of("aws.s3.bucket") for member in ("OwnershipControls", "Acl")}


def test_an_automated_snapshot_is_not_asked_about(road: Road) -> None:
    estate = road.collect(SNAPSHOTS)
    kinds = Counter(one.data["SnapshotType"] for one in estate.of("aws.rds.db_snapshot"))
    assert calls(road)["DescribeDBSnapshotAttributes"] == kinds.total() - kinds["automated"]


# -- what one answer tells of all ---------------------------------------------------------------------------------------


def test_one_answer_about_all_tells_of_each(road: Road) -> None:
    estate = road.collect(FLOW_LOGS)
    assert calls(road)["DescribeFlowLogs"] == 1
    logs = [(one.id, log["ResourceId"]) for one in estate.of("aws.ec2.vpc") for log in one.data["FlowLogs"]]
    assert logs
    assert all(vpc == resource for vpc, resource in logs)
    assert set(verdicts(road.judge(FLOW_LOGS), FLOW_LOGS).values()) == {"upheld", "broken"}


def test_the_type_that_it_lists_is_not_asked_for_again(road: Road) -> None:
    estate = road.collect(FLOW_LOGS, types={"aws.ec2.flow_log": frozenset({"*"})})
    assert calls(road)["DescribeFlowLogs"] == 1
    assert estate.of("aws.ec2.flow_log")


def test_an_answer_in_which_it_cannot_be_told_what_is_about_whom_is_a_gap_for_all(road: Road) -> None:
    road.world.proxy.answer("ec2", "DescribeFlowLogs", {"FlowLogs": [{"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE"}]})
    estate = road.collect(FLOW_LOGS)
    assert {gap.id: gap.reason for gap in estate.gaps} == dict.fromkeys((one.id for one in estate.of("aws.ec2.vpc")), Reason.MALFORMED)
    assert set(verdicts(road.judge(FLOW_LOGS), FLOW_LOGS).values()) == {"unproven"}


def test_a_denied_answer_about_all_is_a_gap_for_each(road: Road) -> None:
    road.world.proxy.inject(Fault("ec2", "DescribeFlowLogs", "deny"))
    assert set(verdicts(road.judge(FLOW_LOGS), FLOW_LOGS).values()) == {"unproven"}
    assert calls(road)["DescribeFlowLogs"] == 1


# -- the catalogue ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("unless: {State: [off]}", "`unless` needs a `source`"),
        ("unless: {State: [off]}\n        source: the reference\n        each: Parents", "`each` goes with neither"),
    ],
)
def test_a_detail_is_left_out_only_for_a_reason_that_is_given(more: str, said: str) -> None:
    from checks.catalogue import read

    text = f"""schema: upheld.catalogue/1
service: ec2
types:
  aws.ec2.thing:
    title: Thing
    list: {{call: DescribeThings, items: Things}}
    id: ThingId
    keep: [ThingId]
    detail:
      - into: Extra
        call: DescribeExtra
        {more}
"""
    with pytest.raises(DocumentError, match=said):
        read([parse(text, "thing.yaml")])
