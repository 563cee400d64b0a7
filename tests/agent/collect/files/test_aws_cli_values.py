"""Values out of files: times, types, and only what the catalogue keeps."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.collect.estate import EstateError
from checks.document import DocumentError
from checks.example import mutate
from checks.model import Reason
from tests.agent.collect.files.cli_folders import ACCOUNT, ENCRYPTED, FOLDER, PLAIN, REGION, imported, only, put, verdicts

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
