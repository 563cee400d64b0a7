"""Estates out of CLI output: what a file shows counts as what AWS showed, what no file shows is not collected."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from agent.collect.estate import EstateError
from checks.model import Look
from tests.agent.collect.files.cli_folders import (
    ACCOUNT,
    AT,
    BUCKETS,
    ENCRYPTED,
    ENCRYPTION,
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
from tests.conftest import upheld

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
