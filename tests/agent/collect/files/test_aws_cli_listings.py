"""When the files of a listing show all there is: pages, and what the call's options leave out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.collect.estate import read_estate
from checks.model import GLOBAL, Look, Reason
from tests.agent.collect.files.cli_folders import (
    ACCOUNT,
    BUCKETS,
    ENCRYPTED,
    EVERYWHERE,
    FOLDER,
    HERE,
    PLAIN,
    REGION,
    book,
    imported,
    only,
    put,
    run,
    verdicts,
)

# -- pages -------------------------------------------------------------------------------------------------------------

CUT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "NextToken": ("aws.ec2.volume", "ec2.describe-volumes", {"Volumes": [ENCRYPTED], "NextToken": "eyJ"}),
    "NextToken by --max-items": ("aws.iam.user", "iam.list-users", {"Users": [], "IsTruncated": False, "NextToken": "eyJ"}),
    "nextToken": ("aws.logs.log_group", "logs.describe-log-groups", {"logGroups": [], "nextToken": "x"}),
    "Marker": ("aws.rds.db_instance", "rds.describe-db-instances", {"DBInstances": [], "Marker": "x"}),
    "NextMarker": ("aws.lambda.function", "lambda.list-functions", {"Functions": [], "NextMarker": "x"}),
    "IsTruncated": ("aws.iam.user", "iam.list-users", {"Users": [], "IsTruncated": True}),
    "IsTruncated as text": ("aws.iam.user", "iam.list-users", {"Users": [], "IsTruncated": "true"}),
    "Truncated": ("aws.kms.key", "kms.list-keys", {"Keys": [], "Truncated": True}),
    "ContinuationToken": ("aws.s3.bucket", "s3api.list-buckets", {**BUCKETS, "ContinuationToken": "x"}),
    "HasMoreDeliveryStreams": ("aws.firehose.delivery_stream", "firehose.list-delivery-streams",
                               {"DeliveryStreamNames": [], "HasMoreDeliveryStreams": True}),
    "LastEvaluatedTableName": ("aws.dynamodb.table", "dynamodb.list-tables", {"TableNames": [], "LastEvaluatedTableName": "x"}),
    "inside": ("aws.cloudfront.distribution", "cloudfront.list-distributions", {"DistributionList": {"IsTruncated": True}}),
}  # fmt: skip


@pytest.mark.parametrize("by", [None, "ciso@example.com"])
@pytest.mark.parametrize(("type_", "name", "held"), CUT.values(), ids=CUT)
def test_a_file_of_the_first_pages_is_a_gap_whatever_is_asserted(tmp_path: Path, type_: str, name: str, held: Any, by: str | None) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/{name}.json": held})
    told = run(source, by=by)
    estate = read_estate(tmp_path / "estate")
    listing = estate.listing(type_, EVERYWHERE if book().catalogue[type_].is_global else HERE)
    assert isinstance(listing, tuple)
    assert listing[0].reason is Reason.MALFORMED
    assert name in listing[0].message
    assert "not complete" in told


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("route53.list-hosted-zones", {"HostedZones": [], "Marker": "where this page began", "IsTruncated": False}),
        ("ec2.describe-volumes", {"Volumes": [], "NextToken": ""}),
        ("ec2.describe-volumes", {"Volumes": [], "NextToken": None}),
    ],
)
def test_the_last_page_is_no_gap(tmp_path: Path, name: str, held: Any) -> None:
    assert [gap for gap in imported(put(tmp_path / "src", {f"{FOLDER}/{name}.json": held})).gaps if gap.id is None] == []


def test_what_the_first_pages_show_is_judged_and_the_rest_is_unproven(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/Volumes.json": {"Volumes": [ENCRYPTED, PLAIN], "NextToken": "x"}}))
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"vol-1": "upheld", "vol-2": "broken", "*": "unproven"}


@pytest.mark.parametrize(("by", "complete"), [(None, False), ("ciso@example.com", True)])
def test_files_of_one_call_are_its_pages_and_complete_where_someone_says_so(tmp_path: Path, by: str | None, complete: bool) -> None:
    pages = {"a": {"Volumes": [ENCRYPTED], "NextToken": "x"}, "b": {"Volumes": [PLAIN]}}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.{name}.json": held for name, held in pages.items()}), by=by)
    assert [resource.id for resource in estate.of("aws.ec2.volume")] == ["vol-1", "vol-2"]
    assert isinstance(estate.listing("aws.ec2.volume", HERE), Look) is complete
    assert [(look.pages, look.count) for look in estate.looks] == [(2, 2)]


def test_a_resource_that_two_files_describe_differently_is_unproven(tmp_path: Path) -> None:
    pages = [{"Volumes": [ENCRYPTED]}, {"Volumes": [{**ENCRYPTED, "Encrypted": False}]}]
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/volumes-{number}.json": held for number, held in enumerate(pages)}))
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"vol-1": "unproven"}


@pytest.mark.parametrize(("by", "complete"), [(None, False), ("ciso@example.com", True)])
def test_a_list_that_is_as_long_as_one_answer_can_be_may_have_more(tmp_path: Path, by: str | None, complete: bool) -> None:
    """Without --max-results, SQS ends after 1,000 queues and says nothing."""
    held = {"QueueUrls": [f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{number}" for number in range(1000)]}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/sqs.list-queues.json": held}), by=by)
    assert isinstance(estate.listing("aws.sqs.queue", HERE), Look) is complete


@pytest.mark.parametrize(
    ("page", "complete"),
    [
        ({"DistributionList": {"Items": [{"Id": "E1"}]}}, True),
        ({"DistributionList": {"Items": [{"Id": "E1"}], "Quantity": 1}}, True),
        ({"DistributionList": {"Items": [{"Id": "E1"}], "Quantity": 2}}, False),
        ({"DistributionList": {"Quantity": 1}}, False),
        ({"DistributionList": {"Quantity": 0}}, True),
        ({}, True),
    ],
)
def test_a_page_may_leave_out_how_many_it_holds_as_the_cli_does_and_not_say_it_wrongly(tmp_path: Path, page: Any, complete: bool) -> None:
    estate = imported(put(tmp_path / "src", {f"{ACCOUNT}/cloudfront.list-distributions.json": page}))
    assert isinstance(estate.listing("aws.cloudfront.distribution", EVERYWHERE), Look) is complete


def test_an_item_without_an_id_is_a_gap_of_the_listing(tmp_path: Path) -> None:
    held = {"Volumes": [{"Encrypted": True}, "vol-3", {"VolumeId": 4}]}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": held}))
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"*": "unproven"}


# -- what the options of the call would have left out ------------------------------------------------------------------


def test_what_belongs_to_others_is_left_out_and_counted(tmp_path: Path) -> None:
    snapshots = [{"SnapshotId": f"snap-{owner}", "OwnerId": owner, "Encrypted": False} for owner in (ACCOUNT, "999900001111")]
    policies = [{"Arn": f"arn:aws:iam::{owner}:policy/p", "PolicyName": "p"} for owner in (ACCOUNT, "aws")]
    source = put(
        tmp_path / "src",
        {f"{FOLDER}/ec2.describe-snapshots.json": {"Snapshots": snapshots}, f"{FOLDER}/iam.list-policies.json": {"Policies": policies}},
    )
    told = run(source)
    estate = read_estate(tmp_path / "estate")
    assert (only(estate, "aws.ec2.snapshot").id, only(estate, "aws.iam.policy").id) == (
        f"snap-{ACCOUNT}",
        f"arn:aws:iam::{ACCOUNT}:policy/p",
    )
    assert told.count("left out: 1 items") == 2
    assert 'ec2.describe-snapshots {"OwnerIds":["self"]}' in told


def test_a_listing_of_others_things_alone_is_a_gap(tmp_path: Path) -> None:
    """It may well be the file of another account."""
    held = {"Snapshots": [{"SnapshotId": "snap-1", "OwnerId": "999900001111", "Encrypted": False}]}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-snapshots.json": held}))
    assert verdicts(estate, "aws-ebs-snapshot-encrypted") == {"*": "unproven"}


def test_shadow_trails_are_seen_by_the_region_and_are_not_its_own(tmp_path: Path) -> None:
    trails = [
        {"Name": home, "TrailARN": f"arn:aws:cloudtrail:{home}:{ACCOUNT}:trail/{home}", "HomeRegion": home}
        for home in (REGION, "us-east-1")
    ]
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/cloudtrail.describe-trails.json": {"trailList": trails}}))
    assert [trail.data["Name"] for trail in estate.of("aws.cloudtrail.trail")] == [REGION]
    assert [trail.data["Name"] for trail in estate.of("aws.cloudtrail.region_trail")] == [REGION, "us-east-1"]


@pytest.mark.parametrize(("by", "complete"), [(None, False), ("Ann", True)])
def test_none_of_one_kind_in_an_answer_of_several_kinds_may_be_the_filter(tmp_path: Path, by: str | None, complete: bool) -> None:
    held = {"RoleDetailList": [{"RoleName": "app"}], "GroupDetailList": []}
    estate = imported(put(tmp_path / "src", {f"{ACCOUNT}/iam.get-account-authorization-details.json": held}), by=by)
    assert isinstance(estate.listing("aws.iam.role", EVERYWHERE), Look)
    assert isinstance(estate.listing("aws.iam.group", EVERYWHERE), Look) is complete


def test_a_bucket_whose_region_the_file_does_not_say_is_in_no_region(tmp_path: Path) -> None:
    """list-buckets without options leaves BucketRegion out: a guess could take the bucket out of a promise's scope."""
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/s3api.list-buckets.json": {"Buckets": [{"Name": "shop"}]}}))
    assert only(estate, "aws.s3.bucket").region == GLOBAL
