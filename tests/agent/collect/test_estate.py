"""Estates on disk: whole or not there, and the bytes that were sealed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.collect.estate import EstateError, EstateWriter, read_estate
from checks.model import Gap, Look, Manifest, Reason, Resource, Scope

NOW = "2026-11-20T12:00:00Z"
MANIFEST = Manifest(
    "upheld.estate/1", NOW, NOW, "test", {"1": "arn"}, None, Scope({"111122223333": ("eu-central-1",)}, ("aws.ec2.volume",))
)
LOOK = Look("look", "111122223333", "eu-central-1", "aws.ec2.volume", "DescribeVolumes", None, 1, 1, NOW, "request", "00")
GAP = Gap(
    "aws.ec2.volume", "111122223333", "eu-central-1", "vol-2", "Encrypted", Reason.DENIED, "DescribeVolumes", "AccessDenied", "no", "ec2:D"
)


def volume(id_: str, **data: object) -> Resource:
    return Resource(id_, "aws.ec2.volume", "111122223333", "eu-central-1", data, {"env": "test"}, ("look",))


def write(place: Path, *resources: Resource) -> Path:
    with EstateWriter(place) as writer:
        writer.add_look(LOOK)
        writer.add_gap(GAP)
        writer.add_resources(resources)
        writer.finish(MANIFEST)
    return place


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    held = volume("vol-1", Encrypted=True, Tags=[{"Key": "a"}], Odd="\ud800", Large=2**70)
    estate = read_estate(write(tmp_path / "estate", held))
    assert estate.of("aws.ec2.volume") == (held,)
    assert (estate.looks, estate.gaps, estate.manifest) == ((LOOK,), (GAP,), MANIFEST)


def test_resources_stand_in_files_by_account_region_and_type_ordered_by_id(tmp_path: Path) -> None:
    place = write(tmp_path / "estate", volume("vol-2"), volume("vol-1"))
    lines = (place / "aws" / "111122223333" / "eu-central-1" / "aws.ec2.volume.jsonl").read_text().splitlines()
    assert ['"id":"vol-1"' in lines[0], '"id":"vol-2"' in lines[1]] == [True, True]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(tmp_path: Path, data: st.DataObject) -> None:
    place = tmp_path / "estate"
    if not place.exists():
        write(place, volume("vol-1", Encrypted=True))
    file = data.draw(st.sampled_from(sorted(file for file in place.rglob("*.jsonl") if file.stat().st_size)))
    original = file.read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    file.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
    try:
        with pytest.raises(EstateError, match="changed after the estate was sealed"):
            read_estate(place)
    finally:
        file.write_bytes(original)


def test_a_file_that_is_gone_or_not_named_is_found(tmp_path: Path) -> None:
    place = write(tmp_path / "estate", volume("vol-1"))
    (place / "more.jsonl").write_text("{}\n")
    with pytest.raises(EstateError, match=r"more\.jsonl is not named in the manifest"):
        read_estate(place)
    (place / "more.jsonl").unlink()
    (place / "gaps.jsonl").unlink()
    with pytest.raises(EstateError, match=r"gaps\.jsonl is gone"):
        read_estate(place)


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{", '{"schema": "upheld.estate/2", "files": {}}', '{"schema": "upheld.estate/1", "files": {}}']
)
def test_what_is_not_a_manifest_is_an_error(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(EstateError):
        read_estate(tmp_path)


def test_an_estate_is_never_written_over_another(tmp_path: Path) -> None:
    place = write(tmp_path / "estate", volume("vol-1"))
    with pytest.raises(EstateError, match="is there already"):
        EstateWriter(place)


def test_a_collection_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), EstateWriter(tmp_path / "estate") as writer:
        writer.add_resources([volume("vol-1")])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
