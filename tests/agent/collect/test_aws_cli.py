"""Estates out of CLI output: what a file shows counts as what AWS showed, what no file shows is not collected."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import rulebook
from agent.collect.aws import AwsCollector
from agent.collect.aws_accounts import Entered
from agent.collect.aws_cli import import_folder
from agent.collect.aws_client import Account, Deadline, Halt, Page
from agent.collect.estate import EstateError, EstateWriter, read_estate
from agent.collect.wire import rfc3339
from agent.rulebook import Rulebook
from checks.catalogue import Catalogue, TagCall
from checks.document import DocumentError
from checks.example import mutate
from checks.judge import bind, judge
from checks.model import GLOBAL, Asserted, Estate, Finding, Look, Manifest, Place, Reason, Resource, Scope, digest
from checks.plan import TAGS
from tests.conftest import Estate as World
from tests.conftest import upheld
from tests.world import shop
from tests.world.servers import ACCOUNT as MOTO_ACCOUNT
from tests.world.servers import CREDENTIALS, environment

ACCOUNT, REGION = "111122223333", "eu-central-1"
HERE, EVERYWHERE = Place(ACCOUNT, REGION), Place(ACCOUNT, GLOBAL)
AT = "2026-11-20T12:00:00Z"
FOLDER = f"{ACCOUNT}/{REGION}"
ENCRYPTED = {"VolumeId": "vol-1", "Encrypted": True, "State": "in-use", "Size": 8, "CreateTime": "2026-01-02T03:04:05+00:00"}
PLAIN = {"VolumeId": "vol-2", "Encrypted": False, "State": "in-use", "Size": 8, "CreateTime": "2026-01-02T03:04:05+00:00"}
ENCRYPTION = {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}}
BUCKETS = {"Buckets": [{"Name": "shop", "BucketRegion": REGION, "CreationDate": "2026-01-02T03:04:05+00:00"}], "Owner": {"ID": "o"}}


def put(folder: Path, held: Mapping[str, Any]) -> Path:
    """The folder, with a JSON file for each path."""
    for name, data in held.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return folder


def run(source: Path, *, account: str | None = None, region: str | None = None, at: str | None = AT, by: str | None = None) -> str:
    return import_folder(source, source.parent / "estate", account=account, region=region, collected_at=at, asserted_by=by)


def imported(source: Path, **options: str | None) -> Estate:
    run(source, **options)
    return read_estate(source.parent / "estate")


@cache
def book() -> Rulebook:
    return rulebook.load()


def findings(estate: Estate, rule: str) -> dict[str, Finding]:
    """Resource id -> finding of one shipped rule."""
    bound = bind([book().rules[rule]], [], every=True)
    return {finding.resource.id: finding for finding in judge(estate, book().catalogue, bound, {})}


def verdicts(estate: Estate, rule: str) -> dict[str, str]:
    return {name: str(finding.verdict) for name, finding in findings(estate, rule).items()}


def only(estate: Estate, type_: str) -> Resource:
    (resource,) = estate.of(type_)
    return resource


# -- the two layouts ---------------------------------------------------------------------------------------------------


def test_folders_and_names_tell_account_region_and_call(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": {"Volumes": [ENCRYPTED, PLAIN]}})
    estate = imported(source)
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"vol-1": "upheld", "vol-2": "broken"}
    look = estate.listing("aws.ec2.volume", HERE)
    assert isinstance(look, Look)
    assert (look.call, look.target, look.pages, look.count, look.at, look.request_id) == ("DescribeVolumes", None, 1, 2, AT, None)
    assert (estate.manifest.source, estate.manifest.identity, estate.manifest.finished) == ("aws-cli import", {}, AT)
    assert estate.manifest.scope.accounts == {ACCOUNT: (REGION,)}
    assert set(estate.manifest.scope.types) == {name for name in book().catalogue if name.startswith("aws.")}


@pytest.mark.parametrize("name", ["ec2.describe-volumes", "ec2.DescribeVolumes", "ec2.describe-volumes.page1", "Volumes", "out-1"])
def test_a_call_may_be_spelled_as_the_cli_or_the_api_or_left_to_the_answer(tmp_path: Path, name: str) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/{name}.json": {"Volumes": [ENCRYPTED], "ResponseMetadata": {"RetryAttempts": 0}}}))
    assert [resource.id for resource in estate.of("aws.ec2.volume")] == ["vol-1"]


def test_the_look_holds_the_hash_of_the_file(tmp_path: Path) -> None:
    raw = b'{"Volumes": []}\n'
    (look,) = imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": raw})).looks
    assert look.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_flat_folder_of_answers_tells_its_account_and_region_itself(tmp_path: Path) -> None:
    group = {"GroupId": "sg-1", "GroupName": "web", "OwnerId": ACCOUNT, "IpPermissions": [], "IpPermissionsEgress": []}
    group["SecurityGroupArn"] = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1"
    instance = {"InstanceId": "i-1", "State": {"Name": "running"}, "Placement": {"AvailabilityZone": f"{REGION}a"}}
    source = put(
        tmp_path / "src",
        {
            "SecurityGroups.json": {"SecurityGroups": [group]},
            "Reservations.json": {"Reservations": [{"OwnerId": ACCOUNT, "Instances": [instance]}]},
            "Volumes.json": {"Volumes": [PLAIN]},
            "Users.json": {"Users": []},
        },
    )
    estate = imported(source)
    assert {resource.place for type_ in ("instance", "security_group", "volume") for resource in estate.of(f"aws.ec2.{type_}")} == {HERE}
    assert isinstance(estate.listing("aws.iam.user", EVERYWHERE), Look)


def test_options_place_what_no_folder_does(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {"Volumes.json": {"Volumes": []}, "444455556666/eu-west-1/Volumes.json": {"Volumes": []}})
    estate = imported(source, account=ACCOUNT, region=REGION)
    assert estate.manifest.scope.accounts == {ACCOUNT: (REGION,), "444455556666": ("eu-west-1",)}


@pytest.mark.parametrize(
    ("held", "options", "said"),
    [
        ({"Volumes": []}, {}, "--account"),
        ({"Volumes": []}, {"account": ACCOUNT}, "--region"),
        ({"Users": [{"UserName": "a", "Arn": f"arn:aws:iam::{one}:user/a"} for one in (ACCOUNT, "444455556666")]}, {}, "--account"),
        ({"Volumes": [{"VolumeId": "v", "KmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"}]}, {}, "--account"),
        ({"Volumes": []}, {"account": "1234"}, "--account 1234"),
        ({"Volumes": []}, {"region": "europe"}, "--region europe"),
        ({"Volumes": []}, {"by": " "}, "--assert-complete"),
        ({"Volumes": []}, {"at": "yesterday"}, "--collected-at yesterday"),
        ({"Volumes": []}, {"at": "2026-11-20T12:00:00"}, "--collected-at"),
    ],
)
def test_what_cannot_be_told_names_the_option(tmp_path: Path, held: Any, options: dict[str, str], said: str) -> None:
    with pytest.raises(EstateError, match=said):
        run(put(tmp_path / "src", {"out.json": held}), **options)


def test_global_services_need_no_region_and_regional_types_stay_unseen_everywhere(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", {f"{ACCOUNT}/iam.list-users.json": {"Users": []}}))
    assert estate.manifest.scope.accounts == {ACCOUNT: ("*",)}
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"*": "unproven"}


def test_a_global_service_that_was_asked_in_every_region_is_listed_once(tmp_path: Path) -> None:
    held = {"Users": [{"UserName": "ann", "Arn": f"arn:aws:iam::{ACCOUNT}:user/ann"}]}
    estate = imported(put(tmp_path / "src", {f"{ACCOUNT}/{region}/iam.list-users.json": held for region in ("eu-west-1", REGION)}))
    assert only(estate, "aws.iam.user").id == "ann"
    assert [look.pages for look in estate.looks if look.target is None] == [1]


def test_times_come_from_the_newest_file_where_nobody_gives_them(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/Volumes.json": {"Volumes": []}, f"{FOLDER}/Vpcs.json": {"Vpcs": []}})
    for name, moment in (("Volumes", 1_700_000_000), ("Vpcs", 1_800_000_000)):
        os.utime(source / FOLDER / f"{name}.json", (moment, moment))
    assert imported(source, at=None).manifest.finished == "2027-01-15T08:00:00Z"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    held = {
        f"{FOLDER}/ec2.describe-volumes.json": {"Volumes": [PLAIN, ENCRYPTED]},
        f"{FOLDER}/s3api.list-buckets.json": BUCKETS,
        f"{FOLDER}/s3api.get-bucket-encryption@shop.json": ENCRYPTION,
    }
    manifests = []
    for name in ("a", "b"):
        run(put(tmp_path / name / "src", held))
        manifests.append((tmp_path / name / "estate" / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]


# -- which call --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "held", "candidates"),
    [
        ("Clusters", {"Clusters": []}, ["dax.describe-clusters", "memorydb.describe-clusters", "redshift.describe-clusters"]),
        ("FileSystems", {"FileSystems": [{"FileSystemId": "fs-1"}]}, ["efs.describe-file-systems", "fsx.describe-file-systems"]),
        ("Parameters", {"Parameters": []}, ["rds.describe-db-parameters", "ssm.describe-parameters"]),
        ("PublicAccessBlockConfiguration", {"PublicAccessBlockConfiguration": {}}, ["s3.get-public-access-block", "s3control."]),
    ],
)
def test_members_that_several_calls_give_are_an_error_that_names_them(tmp_path: Path, name: str, held: Any, candidates: list[str]) -> None:
    with pytest.raises(EstateError) as caught:
        run(put(tmp_path / "src", {f"{FOLDER}/{name}.json": held}))
    assert f"{name}.json" in str(caught.value)
    assert all(candidate in str(caught.value) for candidate in candidates)


def test_a_service_in_the_name_settles_what_the_members_leave_open(tmp_path: Path) -> None:
    estate = imported(
        put(tmp_path / "src", {f"{FOLDER}/redshift.json": {"Clusters": []}, f"{FOLDER}/efs.file-systems.json": {"FileSystems": []}})
    )
    assert isinstance(estate.listing("aws.redshift.cluster", HERE), Look)
    assert isinstance(estate.listing("aws.efs.file_system", HERE), Look)


def test_members_of_the_same_name_and_another_shape_are_told_apart(tmp_path: Path) -> None:
    """DescribeBroker and DescribeNotebookInstance give SecurityGroups too: as texts."""
    estate = imported(
        put(tmp_path / "src", {f"{FOLDER}/SecurityGroups.json": {"SecurityGroups": []}, f"{FOLDER}/Users.json": {"Users": []}})
    )
    assert isinstance(estate.listing("aws.ec2.security_group", HERE), Look)


def test_what_is_not_collected_is_reported_and_does_no_harm(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.describe-volumes.json": {"Volumes": []},
            f"{FOLDER}/ec2.describe-key-pairs.json": {"KeyPairs": []},
            f"{FOLDER}/workspaces.describe-workspaces.json": b"not even JSON",
            f"{FOLDER}/newest.list-things.json": {"Things": []},
            f"{FOLDER}/Roles.json": {"Roles": []},
            f"{FOLDER}/notes.txt": b"mine",
        },
    )
    told = run(source)
    assert "from 1 files" in told
    unused = next(line for line in told.splitlines() if "not used" in line)
    assert all(name in unused for name in ("key-pairs", "workspaces", "newest", "Roles.json", "notes.txt"))


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("ec2.describe-volumes", {"Snapshots": []}, "holds Snapshots, and ec2.describe-volumes answers with Volumes"),
        ("ec2.describe-volumes", {}, "answers with Volumes"),
        ("ec2.describe-volumes", {"Volumes": {}}, "Volumes is not a list"),
        ("ec2.describe-instances", {"Reservations": [{"Instances": {"InstanceId": "i"}}]}, "Instances is not a list"),
        ("cloudfront.list-distributions", {"DistributionList": []}, "DistributionList is not an object"),
        ("ec2.describe-volumes@vol-1", {"Volumes": []}, "about no single resource"),
        ("s3api.get-bucket-encryption", ENCRYPTION, "name it s3.get-bucket-encryption@<resource>.json"),
        ("s3api.get-bucket-encryption@shop", {"Volumes": []}, "answers with ServerSideEncryptionConfiguration"),
        ("s3api.get-bucket-encryption@", ENCRYPTION, "no resource is named"),
        ("s3api.get-bucket-encryption@shop", ENCRYPTION, "no listing shows 'shop': add the file of s3.list-buckets"),
        ("Things", {"Things": []}, "no call that is collected gives"),
        ("Things", {}, "holds nothing"),
        ("ec2.get-ebs-encryption-by-default@vol-1", {"EbsEncryptionByDefault": True}, "name it ec2.get-ebs-encryption-by-default.json"),
    ],
)
def test_a_file_that_does_not_hold_what_its_name_says_is_an_error(tmp_path: Path, name: str, held: Any, said: str) -> None:
    with pytest.raises(EstateError) as caught:
        run(put(tmp_path / "src", {f"{FOLDER}/{name}.json": held}))
    assert said in str(caught.value)
    assert f"{name}.json" in str(caught.value)


# -- what is a file ----------------------------------------------------------------------------------------------------

BAD = {
    "a bare list": b'[{"VolumeId": "vol-1"}]',
    "not a JSON object": b'"Volumes"',
    "not JSON": b"{'Volumes': []}",
    "empty": b"  \n",
    "'Encrypted' stands twice": b'{"Volumes": [{"Encrypted": false, "Encrypted": true}]}',
    "lone surrogate": b'{"Volumes": [{"VolumeId": "vol-\\ud800"}]}',
    "NaN is not a number": b'{"Volumes": [{"Size": NaN}]}',
    "nested deeper than": b'{"Volumes": ' + b"[" * 200 + b"]" * 200 + b"}",
    "deeper than": b'{"Volumes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"Volumes": "\xff"}',
    "not JSON as AWS": b'{"Volumes": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize(("said", "raw"), BAD.items(), ids=BAD)
def test_a_broken_file_is_an_error_that_names_it_and_leaves_nothing_behind(tmp_path: Path, said: str, raw: bytes) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": raw})
    with pytest.raises(DocumentError, match=said) as caught:
        run(source)
    assert "ec2.describe-volumes.json" in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/Volumes.json": b""})
    os.truncate(source / FOLDER / "Volumes.json", 200_000_001)
    with pytest.raises(DocumentError, match="larger than 200 MB"):
        run(source)


def test_links_lead_nowhere_outside_the_folder(tmp_path: Path) -> None:
    outside = put(tmp_path / "elsewhere", {"Volumes.json": {"Volumes": [ENCRYPTED]}})
    source = put(tmp_path / "src", {f"{FOLDER}/Vpcs.json": {"Vpcs": []}})
    (source / FOLDER / "Volumes.json").symlink_to(outside / "Volumes.json")
    with pytest.raises(EstateError, match=r"Volumes\.json: a link that leads out"):
        run(source)
    (source / FOLDER / "Volumes.json").unlink()
    (source / "more").symlink_to(outside, target_is_directory=True)
    with pytest.raises(EstateError, match="more: a link that leads out"):
        run(source)


def test_a_link_inside_the_folder_is_a_file_and_a_dead_one_is_an_error(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {"kept/Volumes.json": {"Volumes": [ENCRYPTED]}})
    (source / FOLDER).mkdir(parents=True)
    (source / FOLDER / "Volumes.json").symlink_to(source / "kept" / "Volumes.json")
    assert only(imported(source, account=ACCOUNT, region=REGION), "aws.ec2.volume").id == "vol-1"
    (source / FOLDER / "Vpcs.json").symlink_to(source / "nowhere.json")
    with pytest.raises(DocumentError, match=r"Vpcs\.json: cannot be read"):
        run(source)


@pytest.mark.parametrize("make", ["nothing", "empty", "useless", "file"])
def test_a_folder_without_answers_is_an_error(tmp_path: Path, make: str) -> None:
    source = tmp_path / "src"
    match make:
        case "empty":
            source.mkdir()
        case "useless":
            put(source, {"readme.txt": b""})
        case "file":
            source.write_text("{}")
    with pytest.raises(EstateError, match="src"):
        run(source)


def test_an_estate_is_never_written_over_another(tmp_path: Path) -> None:
    source = put(tmp_path / "src", {f"{FOLDER}/Volumes.json": {"Volumes": []}})
    run(source)
    with pytest.raises(EstateError, match="never written over"):
        run(source)


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    text = json.dumps({"Volumes": [ENCRYPTED]})
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.describe-volumes.json": codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
            f"{FOLDER}/ec2.describe-vpcs.json": codecs.BOM_UTF8 + b'{"Vpcs": []}',
        },
    )
    assert only(imported(source), "aws.ec2.volume").id == "vol-1"


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


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1_767_323_045, "2026-01-02T03:04:05Z"),
        (1_767_323_045.096, "2026-01-02T03:04:05.096Z"),
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z"),
    ],
)
def test_times_are_in_utc_however_the_cli_wrote_them(tmp_path: Path, written: Any, read: str) -> None:
    held = {"Volumes": [{**ENCRYPTED, "CreateTime": written}]}
    assert only(imported(put(tmp_path / "src", {f"{FOLDER}/v.json": held})), "aws.ec2.volume").data["CreateTime"] == read


@pytest.mark.parametrize("written", [True, "", "soon", "2026-01-02T03:04:05", 1e300, 1_767_323_045_000, {"at": 1}, "1767323045"])
def test_what_is_no_time_is_a_gap(tmp_path: Path, written: Any) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/v.json": {"Volumes": [{**ENCRYPTED, "CreateTime": written}]}}))
    assert [(gap.id, gap.field, gap.reason, gap.call) for gap in estate.gaps if gap.id == "vol-1"] == [
        ("vol-1", "CreateTime", Reason.MALFORMED, "DescribeVolumes")
    ]
    assert "CreateTime" not in only(estate, "aws.ec2.volume").data


def test_a_detail_s_times_are_normalised_too_and_an_old_key_is_found(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{ACCOUNT}/iam.list-users.json": {"Users": [{"UserName": "ann"}, {"UserName": "bob"}]},
            f"{ACCOUNT}/iam.list-access-keys@ann.json": {"AccessKeyMetadata": [{"Status": "Active", "CreateDate": 1_600_000_000}]},
            f"{ACCOUNT}/iam.list-access-keys@bob.json": {
                "AccessKeyMetadata": [{"Status": "Active", "CreateDate": "2026-11-01T00:00:00+00:00"}]
            },
        },
    )
    assert verdicts(imported(source), "aws-iam-user-access-key-age") == {"ann": "broken", "bob": "upheld"}


@pytest.mark.parametrize("wrong", ["true", 1, 0, "", [True], {"Value": True}])
def test_a_value_of_another_type_is_a_gap_and_never_a_verdict(tmp_path: Path, wrong: Any) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/v.json": {"Volumes": [{**ENCRYPTED, "Encrypted": wrong}]}}))
    assert verdicts(estate, "aws-ebs-volume-encrypted") == {"vol-1": "unproven"}
    (gap,) = (gap for gap in estate.gaps if gap.id == "vol-1")
    assert (gap.field, gap.reason) == ("Encrypted", Reason.MALFORMED)
    assert "where the API gives a boolean" in gap.message


@pytest.mark.parametrize(
    ("change", "field", "left"),
    [
        ({"Size": "8"}, "Size", None),
        ({"Attachments": {}}, "Attachments", None),
        ({"Attachments": [{"Device": 5, "State": "attached"}]}, "Attachments[].Device", {"Attachments": [{"State": "attached"}]}),
        ({"Attachments": [{"Device": "a"}, "b"]}, "Attachments", None),
        ({"VolumeType": 7}, "VolumeType", None),
    ],
)
def test_only_the_member_that_does_not_fit_is_left_out(tmp_path: Path, change: Any, field: str, left: Any) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/v.json": {"Volumes": [{**ENCRYPTED, **change}]}}))
    assert [gap.field for gap in estate.gaps if gap.id == "vol-1"] == [field]
    data = dict(only(estate, "aws.ec2.volume").data)
    assert {name: data[name] for name in change if name in data} == (left or {})
    assert data["Encrypted"] is True


def test_a_misfit_does_not_become_the_none_that_absence_means(tmp_path: Path) -> None:
    """An instance without PublicIpAddress has none; one whose PublicIpAddress is no text has not."""
    instances = [{"InstanceId": "i-1", "PublicIpAddress": 5}, {"InstanceId": "i-2"}]
    held = {"Reservations": [{"OwnerId": ACCOUNT, "Instances": instances}]}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-instances.json": held}))
    wrong, right = estate.of("aws.ec2.instance")
    assert "PublicIpAddress" not in wrong.data
    assert right.data["PublicIpAddress"] is None


def test_no_change_to_one_member_upholds_what_is_broken(tmp_path: Path) -> None:
    mutants = {f"vol-{number}": {**mutant, "VolumeId": f"vol-{number}"} for number, (_, _, mutant) in enumerate(mutate(PLAIN))}
    held = {"Volumes": list(mutants.values())}
    found = verdicts(imported(put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": held})), "aws-ebs-volume-encrypted")
    assert set(found) == set(mutants)
    assert "upheld" not in found.values()


MEMBERS = (
    "Encrypted",
    "VolumeId",
    "Attachments",
    "Tags",
    "Key",
    "Value",
    "Name",
    "BucketRegion",
    "ServerSideEncryptionConfiguration",
    "Rules",
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5) | st.just("shop"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)


VOLUMES = (
    st.lists(st.dictionaries(st.sampled_from(MEMBERS), ANYTHING | st.just("vol-1") | st.just(True), max_size=6), max_size=4) | ANYTHING
)


@settings(max_examples=150, deadline=None)
@given(volumes=VOLUMES, region=ANYTHING, encryption=st.dictionaries(st.sampled_from(MEMBERS), ANYTHING))
def test_whatever_a_file_holds_it_is_an_estate_or_a_clear_error(volumes: Any, region: Any, encryption: Any) -> None:
    """And a volume is upheld only where its file says true."""
    buckets = [{"Name": "shop", "BucketRegion": region}]
    held = {
        "ec2.describe-volumes": {"Volumes": volumes},
        "s3api.list-buckets": {"Buckets": buckets},
        "s3api.get-bucket-encryption@shop": encryption,
    }
    with TemporaryDirectory() as folder:
        try:
            estate = imported(put(Path(folder) / "src", {f"{FOLDER}/{name}.json": data for name, data in held.items()}))
        except (EstateError, DocumentError):
            return
        upheld_ones = {name for name, verdict in verdicts(estate, "aws-ebs-volume-encrypted").items() if verdict == "upheld"}
        encrypted = [one.get("VolumeId") for one in volumes or () if isinstance(one, dict) and one.get("Encrypted") is True]
        assert all(one in encrypted for one in upheld_ones)
        assert set(verdicts(estate, "aws-s3-bucket-encrypted").values()) <= {"unproven", "broken"}


def test_only_what_the_catalogue_keeps_reaches_the_disk(tmp_path: Path) -> None:
    connection = {
        "VpnConnectionId": "vpn-1",
        "Options": {"TunnelOptions": [{"PreSharedKey": "hunter2-canary", "OutsideIpAddress": "192.0.2.1"}]},
    }
    functions = [{"FunctionName": "f", "Environment": {"Variables": {"TOKEN": "hunter2-canary"}}, "NewMember": "hunter2-canary"}]
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.describe-vpn-connections.json": {
                "VpnConnections": [{**connection, "CustomerGatewayConfiguration": "hunter2-canary"}]
            },
            f"{FOLDER}/lambda.list-functions.json": {"Functions": functions},
        },
    )
    estate = imported(source)
    assert only(estate, "aws.ec2.vpn_connection").data["Options"]["TunnelOptions"][0]["OutsideIpAddress"] == "192.0.2.1"
    assert not [file for file in (tmp_path / "estate").rglob("*") if file.is_file() and b"hunter2-canary" in file.read_bytes()]


def test_tags_are_read_from_the_listing_or_from_their_own_file(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/Volumes.json": {"Volumes": [{**ENCRYPTED, "Tags": [{"Key": "env", "Value": "prod"}]}]},
            f"{FOLDER}/s3api.list-buckets.json": {"Buckets": [{"Name": name, "BucketRegion": REGION} for name in ("a", "b")]},
            f"{FOLDER}/s3api.get-bucket-tagging@a.json": {"TagSet": [{"Key": "env", "Value": "test"}]},
        },
    )
    estate = imported(source)
    assert only(estate, "aws.ec2.volume").tags == {"env": "prod"}
    assert [bucket.tags for bucket in estate.of("aws.s3.bucket")] == [{"env": "test"}, None]


# -- details -----------------------------------------------------------------------------------------------------------


def buckets(**more: Any) -> dict[str, Any]:
    details = {f"{FOLDER}/s3api.{name.replace('_', '-')}@shop.json": held for name, held in more.items()}
    return {f"{FOLDER}/s3api.list-buckets.json": BUCKETS, **details}


def test_a_detail_stands_in_the_data_of_the_resource_it_is_named_after(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets(get_bucket_encryption=ENCRYPTION)))
    bucket = only(estate, "aws.s3.bucket")
    assert (bucket.region, bucket.listed_in) == (REGION, GLOBAL)
    assert bucket.data["Encryption"] == ENCRYPTION["ServerSideEncryptionConfiguration"]
    assert verdicts(estate, "aws-s3-bucket-encrypted") == {"shop": "upheld"}
    (look,) = (look for look in estate.looks if look.target)
    assert (look.target, look.call, look.id in bucket.evidence) == ("shop", "GetBucketEncryption", True)


def test_a_detail_that_no_file_holds_is_a_gap_that_names_the_call(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets()))
    finding = findings(estate, "aws-s3-bucket-encrypted")["shop"]
    assert str(finding.verdict) == "unproven"
    assert "not-collected: no file holds s3.get-bucket-encryption" in finding.explanation
    assert [(gap.reason, gap.call) for gap in finding.evidence.gaps] == [(Reason.NOT_COLLECTED, "GetBucketEncryption")]


def test_who_asserts_completeness_says_that_there_is_none_where_aws_would_say_so(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets()), by="ciso@example.com")
    data = only(estate, "aws.s3.bucket").data
    assert [data[name] for name in ("Encryption", "Policy", "Lifecycle")] == [None, None, None]
    assert "Acl" not in data
    assert {gap.field for gap in estate.gaps if gap.id == "shop"} == {"Acl", "Logging", "Versioning"}
    assert verdicts(estate, "aws-s3-bucket-encrypted") == {"shop": "broken"}
    assert verdicts(estate, "aws-s3-bucket-access-logged") == {"shop": "unproven"}
    assert only(estate, "aws.s3.bucket").tags == {}


def test_an_asserted_upheld_finding_names_who_asserts_it(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/lambda.list-functions.json": {"Functions": [{"FunctionName": "f"}]}}), by="Ann")
    finding = findings(estate, "aws-lambda-function-policy-not-public")["f"]
    assert str(finding.verdict) == "upheld"
    assert finding.evidence.assumptions == ("Ann asserts that the imported files hold all there is",)


@pytest.mark.parametrize(("by", "found"), [(None, {"*": "unproven"}), ("Ann", {})])
def test_a_listing_without_a_file_is_not_collected_unless_someone_asserts_it(tmp_path: Path, by: str | None, found: Any) -> None:
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/Vpcs.json": {"Vpcs": []}}), by=by)
    assert verdicts(estate, "aws-ebs-volume-encrypted") == found
    assert isinstance(estate.listing("aws.ec2.volume", HERE), Asserted) is (by is not None)
    assert not [gap for gap in estate.gaps if gap.id is None]


def test_an_empty_answer_to_a_call_that_leaves_out_what_there_is_none_of(tmp_path: Path) -> None:
    held = {f"{FOLDER}/sqs.list-queues.json": {}, **buckets(get_bucket_logging={}, get_bucket_versioning={})}
    estate = imported(put(tmp_path / "src", held))
    assert isinstance(estate.listing("aws.sqs.queue", HERE), Look)
    data = only(estate, "aws.s3.bucket").data
    assert (data["Logging"], data["Versioning"]) == (None, {"Status": None})


def test_an_empty_answer_to_any_other_call_is_a_gap(tmp_path: Path) -> None:
    estate = imported(put(tmp_path / "src", buckets(get_bucket_policy={})))
    (gap,) = (gap for gap in estate.gaps if gap.field == "Policy")
    assert (gap.reason, gap.code) == (Reason.MALFORMED, "MissingMember")


def test_policies_come_as_text_from_s3_and_as_documents_from_iam(tmp_path: Path) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
    arn = f"arn:aws:iam::{ACCOUNT}:policy/p"
    source = put(
        tmp_path / "src",
        {
            **buckets(get_bucket_policy={"Policy": json.dumps(policy)}),
            f"{FOLDER}/iam.list-policies.json": {"Policies": [{"Arn": arn, "PolicyName": "p", "DefaultVersionId": "v2"}]},
            f"{FOLDER}/iam.get-policy-version@p.json": {"PolicyVersion": {"VersionId": "v2", "IsDefaultVersion": True, "Document": policy}},
        },
    )
    estate = imported(source)
    assert json.loads(only(estate, "aws.s3.bucket").data["Policy"]) == policy
    assert only(estate, "aws.iam.policy").data["DefaultVersion"] == policy


def test_details_of_accounts_and_regions_need_no_resource(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/ec2.get-ebs-encryption-by-default.json": {"EbsEncryptionByDefault": True},
            f"{FOLDER}/iam.get-account-summary.json": {"SummaryMap": {"AccountMFAEnabled": 1, "Users": 3}},
            f"{FOLDER}/s3control.get-public-access-block@{ACCOUNT}.json": {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
        },
    )
    estate = imported(source)
    assert only(estate, "aws.region").data["EbsEncryptionByDefault"] == {"EbsEncryptionByDefault": True}
    account = only(estate, "aws.account").data
    assert (account["AccountSummary"]["AccountMFAEnabled"], account["S3PublicAccessBlock"]["BlockPublicAcls"]) == (1, True)
    assert verdicts(estate, "aws-ebs-default-encryption") == {REGION: "upheld"}


@pytest.mark.parametrize(
    "name", ["f", "arn:aws:lambda:eu-central-1:111122223333:function:f", "arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Af"]
)
def test_a_resource_may_be_named_by_id_arn_or_escaped_arn(tmp_path: Path, name: str) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    source = put(
        tmp_path / "src",
        {
            "lambda.list-functions.json": {"Functions": [{"FunctionName": "f", "FunctionArn": arn}]},
            f"lambda.get-policy@{name}.json": {"Policy": "{}"},
        },
    )
    assert only(imported(source), "aws.lambda.function").data["Policy"] == "{}"


def test_a_detail_about_a_setting_that_resources_share_counts_for_each(tmp_path: Path) -> None:
    instances = [{"DBInstanceIdentifier": name, "DBParameterGroups": [{"DBParameterGroupName": "strict"}]} for name in ("one", "two")]
    source = put(
        tmp_path / "src",
        {
            f"{FOLDER}/rds.describe-db-instances.json": {"DBInstances": instances},
            f"{FOLDER}/rds.describe-db-parameters@strict.json": {"Parameters": [{"ParameterName": "rds.force_ssl", "ParameterValue": "1"}]},
        },
    )
    assert [one.data["Parameters"][0]["ParameterValue"] for one in imported(source).of("aws.rds.db_instance")] == ["1", "1"]


@pytest.mark.parametrize("name", ["ec2.describe-flow-logs", "ec2.describe-flow-logs@vpc-1"])
def test_a_call_that_lists_and_tells_of_one_resource_is_read_as_its_name_says(tmp_path: Path, name: str) -> None:
    """Out of the whole list of flow logs, those of one VPC are what AWS would have answered for it."""
    log = {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "ALL"}
    other = [] if "@" in name else [{**log, "FlowLogId": "fl-2", "ResourceId": "eni-1"}]
    held = {"ec2.describe-vpcs": {"Vpcs": [{"VpcId": "vpc-1"}]}, name: {"FlowLogs": [log, *other]}}
    estate = imported(put(tmp_path / "src", {f"{FOLDER}/{file}.json": data for file, data in held.items()}))
    assert [one["FlowLogId"] for one in only(estate, "aws.ec2.vpc").data["FlowLogs"]] == ["fl-1"]
    assert isinstance(estate.listing("aws.ec2.flow_log", HERE), Look) is ("@" not in name)


def balancer(**files: Any) -> dict[str, Any]:
    """A load balancer with one HTTP listener, and more files about it."""
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
    listener = {"ListenerArn": f"{arn}:listener/app/web/1/2", "Protocol": "HTTP", "Port": 80}
    held = {
        "elbv2.describe-load-balancers": {
            "LoadBalancers": [{"LoadBalancerArn": f"{arn}:loadbalancer/app/web/1", "LoadBalancerName": "web"}]
        },
        "elbv2.describe-listeners@web": {"Listeners": [listener]},
        **files,
    }
    return {f"{FOLDER}/{name}.json": data for name, data in held.items()}


def test_a_detail_of_an_element_is_named_after_the_element(tmp_path: Path) -> None:
    name = quote(f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener/app/web/1/2", safe="")
    rules = {"Rules": [{"RuleArn": "rule", "IsDefault": True, "Actions": [{"Type": "forward"}]}]}
    estate = imported(put(tmp_path / "src", balancer(**{f"elbv2.describe-rules@{name}": rules})))
    assert [one["RuleArn"] for one in only(estate, "aws.elbv2.load_balancer").data["HttpRules"]] == ["rule"]


@pytest.mark.parametrize("by", [None, "Ann"])
def test_a_detail_of_an_element_that_no_file_holds_is_a_gap(tmp_path: Path, by: str | None) -> None:
    estate = imported(put(tmp_path / "src", balancer()), by=by)
    gaps = [gap for gap in estate.gaps if gap.field == "HttpRules"]
    assert [(gap.reason, gap.call) for gap in gaps] == [(Reason.NOT_COLLECTED, "DescribeRules")]


@pytest.mark.parametrize("listeners", [None, {}, "HTTP", ["HTTP"], [{"Protocol": ["HTTP"]}]])
def test_elements_that_are_none_leave_what_hangs_on_them_unseen(tmp_path: Path, listeners: Any) -> None:
    estate = imported(put(tmp_path / "src", balancer(**{"elbv2.describe-listeners@web": {"Listeners": listeners}})))
    assert [gap.reason for gap in estate.gaps if gap.field == "HttpRules"] == [Reason.MALFORMED]


def test_a_name_that_two_regions_know_must_say_which(tmp_path: Path) -> None:
    listings = {
        f"{ACCOUNT}/{region}/lambda.list-functions.json": {"Functions": [{"FunctionName": "f"}]} for region in (REGION, "eu-west-1")
    }
    with pytest.raises(EstateError, match=r"'f' may be f in 111122223333/eu-central-1, f in 111122223333/eu-west-1"):
        run(put(tmp_path / "a" / "src", {**listings, "lambda.get-policy@f.json": {"Policy": "{}"}}))
    estate = imported(put(tmp_path / "b" / "src", {**listings, f"{FOLDER}/lambda.get-policy@f.json": {"Policy": "{}"}}))
    assert [("Policy" in one.data, one.region) for one in estate.of("aws.lambda.function")] == [(True, REGION), (False, "eu-west-1")]


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("kms.get-key-rotation-status@k1", {"KeyId": "k2", "KeyRotationEnabled": True}, "is about KeyId k2, not k1"),
        ("kms.describe-key@k1", {"KeyMetadata": {"KeyId": "k2"}}, "is about KeyId k2, not k1"),
        ("iam.get-policy-version@p", {"PolicyVersion": {"VersionId": "v1", "Document": {}}}, "is about VersionId v1, not v2"),
        ("ec2.describe-launch-template-versions@lt-1", {"LaunchTemplateVersions": [{"DefaultVersion": False}]}, "another version"),
        ("ec2.describe-launch-template-versions@lt-1", {"LaunchTemplateVersions": [{}, {}]}, "holds 2 LaunchTemplateVersions, where one"),
        ("kms.describe-key@k3", {"KeyMetadata": {"KeyId": "k3"}}, "no listing shows 'k3': add the file of kms.list-keys"),
    ],
)
def test_an_answer_about_something_else_is_an_error(tmp_path: Path, name: str, held: Any, said: str) -> None:
    listings = {
        "kms.list-keys": {"Keys": [{"KeyId": "k1", "KeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k1"}]},
        "iam.list-policies": {"Policies": [{"Arn": f"arn:aws:iam::{ACCOUNT}:policy/p", "PolicyName": "p", "DefaultVersionId": "v2"}]},
        "ec2.describe-launch-templates": {"LaunchTemplates": [{"LaunchTemplateId": "lt-1"}]},
    }
    with pytest.raises(EstateError) as caught:
        run(put(tmp_path / "src", {f"{FOLDER}/{file}.json": data for file, data in {**listings, name: held}.items()}))
    assert said in str(caught.value)


def test_a_detail_of_first_pages_is_a_gap_of_its_member(tmp_path: Path) -> None:
    source = put(
        tmp_path / "src",
        {
            f"{ACCOUNT}/iam.list-users.json": {"Users": [{"UserName": "ann"}]},
            f"{ACCOUNT}/iam.list-access-keys@ann.json": {"AccessKeyMetadata": [], "IsTruncated": True, "Marker": "x"},
        },
    )
    estate = imported(source, by="Ann")
    assert [(gap.field, gap.reason) for gap in estate.gaps if gap.field == "AccessKeys"] == [("AccessKeys", Reason.MALFORMED)]
    assert verdicts(estate, "aws-iam-user-access-key-age") == {"ann": "unproven"}


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


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_imports_and_the_estate_is_judged(tmp_path: Path) -> None:
    put(tmp_path / "src", {f"{FOLDER}/ec2.describe-volumes.json": {"Volumes": [ENCRYPTED]}})
    ended = upheld("import", "aws-cli", "src", "-o", "estate", "--collected-at", AT, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("estate: 3 resources of 3 types, 1 looks, ")
    judged = upheld("check", "--estate", "estate", "--all-rules", "--max-age", "0", "--format", "json", cwd=tmp_path)
    assert judged.code == 3
    found = {one["resource"]["id"]: one["verdict"] for one in judged.report["findings"] if one["rule"] == "aws-ebs-volume-encrypted"}
    assert found == {"vol-1": "upheld"}


@pytest.mark.parametrize(("raw", "said"), [(b"[]", "a bare list"), (b'{"Clusters": []}', "dax.describe-clusters"), (b"", "empty")])
def test_a_wrong_file_is_one_clear_line_and_exit_code_2(tmp_path: Path, raw: bytes, said: str) -> None:
    put(tmp_path / "src", {"out.json": raw})
    ended = upheld("import", "aws-cli", "src", "-o", "estate", cwd=tmp_path)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("upheld: src/out.json: ")
    assert said in ended.err
    assert not (tmp_path / "estate").exists()


# -- files and AWS say the same ----------------------------------------------------------------------------------------


CONSTANTS = {"default", "resource-id", "Share", "Parameter", "createVolumePermission"}
"""What stands in parameters before the name of the resource."""


@dataclass
class Scribe:
    """An account whose answers are written down as the CLI prints them, each under the name of its call."""

    account: Account
    folder: Path
    names: set[str] = field(default_factory=set)

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def partition(self) -> str:
        return self.account.partition

    @property
    def in_bulk(self) -> bool:
        return True

    def call(self, service: str, region: str, operation: str, params: Mapping[str, Any]) -> Page | Halt:
        answer = self.account.call(service, region, operation, params)
        if isinstance(answer, Page):
            resource = next((text for text in _texts(params) if text not in CONSTANTS), "")
            lists = any(
                (kind.service, kind.list_.call, kind.list_.params) == (service, operation, params)
                for kind in book().catalogue.values()
                if kind.list_ != "none"
            )
            about = f"@{quote(resource, safe='')}" if resource and not lists else ""
            asked = digest(params)[:4]
            for number, page in enumerate(answer.pages):
                said = {name: held for name, held in page.items() if number + 1 == len(answer.pages) or name not in {"NextToken", "Marker"}}
                put(
                    self.folder,
                    {f"{self.id}/{region}/{service}.{operation}.{asked}-{number}{about}.json": json.dumps(said, default=str).encode()},
                )
        return answer


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for held in value.values() for text in _texts(held)]
        case list():
            return [text for held in value for text in _texts(held)]
    return []


def comparable(resources: Mapping[str, tuple[Resource, ...]], catalogue: Catalogue) -> dict[tuple[str, ...], Any]:
    """Resources without what only AWS can say: that there is none of a detail."""
    found: dict[tuple[str, ...], Any] = {}
    for type_, held in resources.items():
        none = {detail.into for detail in catalogue[type_].detail if detail.not_configured}
        for one in held:
            data = {name: value for name, value in one.data.items() if not (value is None and name in none)}
            tags = one.tags if not isinstance(catalogue[type_].tags, TagCall) else one.tags or None
            found[type_, one.account, one.region, one.id] = (data, tags, one.listed_in)
    return found


def test_what_is_imported_is_what_was_collected(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**environment(world.proxy.endpoint), **CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
    kinds = {name: kind for name, kind in book().catalogue.items() if name.startswith("aws.")}
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    deadline = Deadline(float("1e9"), lambda: 0.0)
    scribe = Scribe(Account(MOTO_ACCOUNT, boto3.Session(region_name=shop.HOME), deadline, 1, lambda: now), tmp_path / "src")
    with EstateWriter(tmp_path / "live") as writer:
        regions = scribe.call("ec2", GLOBAL, "DescribeRegions", {"AllRegions": True})
        plan = {name: frozenset({"*", TAGS}) for name in kinds}
        AwsCollector(kinds, plan, writer, deadline, lambda: now).collect([Entered(scribe, "", (shop.HOME,), regions)])
        scope = Scope({MOTO_ACCOUNT: (shop.HOME,)}, tuple(sorted(kinds)))
        writer.finish(Manifest("upheld.estate/1", rfc3339(now), rfc3339(now), "test", {}, None, scope))
    live = comparable(read_estate(tmp_path / "live").resources, kinds)
    from_files = comparable(imported(tmp_path / "src", at=rfc3339(now)).resources, kinds)
    assert {key for key in live if not key[0].startswith("aws.ec2.region")} <= set(from_files)
    assert from_files == live
    assert len({key[0] for key in live}) > 30
