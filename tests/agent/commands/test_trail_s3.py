"""`upheld logs verify-trail s3://...`: the same proofs, read from the bucket, with CloudTrail's own keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.agent.commands.verifying import hours, kinds
from tests.conftest import Ended, upheld
from tests.world.faults import Fault
from tests.world.log_bucket import LogBucket
from tests.world.trails import HOUR, REGION, START, Trail, key_list, text


def deliver(trail: Trail, bucket: LogBucket) -> Trail:
    """Put what was delivered into the bucket, the signatures into the objects' metadata."""
    for path in sorted(trail.root.rglob("*.gz")):
        head = path.with_name(path.name + ".head.json")
        metadata = json.loads(head.read_text())["Metadata"] if head.exists() else {}
        bucket.put(str(path.relative_to(trail.root)), path.read_bytes(), metadata)
    bucket.proxy.clear()
    return trail


@pytest.fixture
def trail(tmp_path: Path, bucket: LogBucket) -> Trail:
    """Three hours with a log file each, in the bucket; CloudTrail knows its key."""
    made = deliver(Trail(tmp_path / "bucket").hours(3, logs=1), bucket)
    bucket.proxy.answer("cloudtrail", "ListPublicKeys", public_keys(0))
    return made


def public_keys(*numbers: int, start: datetime = START - 48 * HOUR) -> dict[str, Any]:
    """What CloudTrail answers, as the SDK reads it."""

    def one(key: Mapping[str, str]) -> dict[str, Any]:
        times = {name: datetime.fromisoformat(key[name]) for name in ("ValidityStartTime", "ValidityEndTime")}
        return {"Fingerprint": key["Fingerprint"], "Value": base64.b64decode(key["Value"]), **times}

    return {"PublicKeyList": [one(key) for key in key_list(*numbers, start=start)["PublicKeyList"]]}


def verify(bucket: LogBucket, trail: Trail, *options: str | Path, until: datetime | None = None, beside: Iterable[Path] = ()) -> Ended:
    end = text(until or trail.now)
    places = (f"s3://{bucket.name}", *beside)
    return upheld("logs", "verify-trail", *places, "--until", end, "--format", "json", *options, env=bucket.environment)


def test_a_chain_in_a_bucket_is_proven_with_the_keys_that_cloudtrail_lists(bucket: LogBucket, trail: Trail) -> None:
    ended = verify(bucket, trail)
    assert ended.code == 0, ended.out + ended.err
    assert hours(ended) == {"proven": 3}
    assert ended.report["problems"] == []
    (asked,) = bucket.asked("ListPublicKeys")
    assert asked["StartTime"] <= START.timestamp()
    assert asked["EndTime"] >= trail.now.timestamp()
    assert {call.region for call in bucket.proxy.calls if call.operation == "ListPublicKeys"} == {REGION}


def test_nothing_is_called_but_what_the_printed_policy_permits(bucket: LogBucket, trail: Trail, tmp_path: Path) -> None:
    verify(bucket, trail)
    called = {call.action for call in bucket.proxy.calls}
    needs = {
        "s3:ListObjectsV2": "s3:ListBucket",
        "s3:GetObject": "s3:GetObject",
        "s3:HeadObject": "s3:GetObject",
        "cloudtrail:ListPublicKeys": "cloudtrail:ListPublicKeys",
        "sts:GetCallerIdentity": "sts:GetCallerIdentity",
    }
    assert called == set(needs)
    source = '{id: trail, format: cloudtrail, s3: {bucket: mb-trail}, account: "111122223333"}'
    (tmp_path / "upheld.yaml").write_text(f"schema: upheld.config/1\ncollect: {{logs: [{source}]}}\n")
    printed = upheld("permissions", "aws", "-c", tmp_path / "upheld.yaml").report["Statement"]
    assert {needs[one] for one in called} <= {action for statement in printed for action in statement["Action"]}


def test_keys_that_are_given_are_not_asked_for(bucket: LogBucket, trail: Trail, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(key_list(0)))
    assert hours(verify(bucket, trail, "--public-keys", tmp_path / "keys.json")) == {"proven": 3}
    assert bucket.asked("ListPublicKeys") == []


def test_each_region_is_asked_for_its_keys(bucket: LogBucket, trail: Trail, tmp_path: Path) -> None:
    deliver(Trail(tmp_path / "west", region="eu-west-1").hours(3, logs=0, key=1), bucket)
    bucket.proxy.answer("cloudtrail", "ListPublicKeys", public_keys(0))
    bucket.proxy.inject(Fault("cloudtrail", "ListPublicKeys", "deny", region="eu-west-1"))
    ended = verify(bucket, trail)
    assert ended.code == 3
    assert hours(ended) == {"proven": 3, "cannot-tell": 3}
    (problem,) = [one for one in ended.report["problems"] if one["kind"] == "keys-not-listed"]
    assert problem["file"] == "eu-west-1"
    assert problem["what"].endswith("(needs cloudtrail:ListPublicKeys)")


def test_a_window_reads_its_days_only(bucket: LogBucket, tmp_path: Path) -> None:
    """Days long past: what is put into the bucket is written now, and must not be older than the window."""
    first = datetime(2024, 11, 17, tzinfo=UTC)
    long = Trail(tmp_path / "long", now=first)
    deliver(long.hours(76, logs=0), bucket)
    bucket.proxy.answer("cloudtrail", "ListPublicKeys", public_keys(0, start=first))
    ended = verify(bucket, long, "--from", text(first + 72 * HOUR))
    assert (ended.code, hours(ended)) == (0, {"proven": 4})
    read = {params["Key"].split("/")[-2] for params in bucket.asked("GetObject")}
    assert read == {"19", "20"}


def test_an_altered_a_deleted_and_an_added_log_are_broken(bucket: LogBucket, trail: Trail) -> None:
    bucket.put(trail.delivered[0].logs[0], b"{}")
    bucket.client().delete_object(Bucket=bucket.name, Key=trail.delivered[1].logs[0])
    forged = trail.log(START + 2 * HOUR + timedelta(minutes=30), mark="forged")
    bucket.put(forged, trail.path(forged).read_bytes())
    ended = verify(bucket, trail)
    assert ended.code == 1
    assert {("broken", kind) for kind in ("altered-log", "missing-log", "unnamed-log")} <= kinds(ended)


def test_a_listing_that_fails_tells_nothing_and_breaks_nothing(bucket: LogBucket, trail: Trail) -> None:
    """Half a listing would show log files that are named and not there."""
    folder = "/".join(trail.delivered[0].logs[0].split("/")[:-1])
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", "deny", match=f"prefix={folder}/"))
    ended = verify(bucket, trail)
    assert bucket.proxy.struck
    assert ended.code == 3
    assert ended.report["chains"] == []
    assert kinds(ended) == {("cannot-tell", "not-listed")}
    assert ended.report["problems"][0]["what"].endswith("(needs s3:ListBucket)")


def test_a_refused_bucket_is_one_line_that_says_what_it_needs(bucket: LogBucket, trail: Trail) -> None:
    bucket.proxy.inject(Fault("s3", "*", "deny"))
    ended = upheld("logs", "verify-trail", f"s3://{bucket.name}", env=bucket.environment)
    assert ended.code == 3
    assert "cannot-tell: not listed" in ended.out
    assert "needs s3:ListBucket" in ended.out
    assert "no digest file" not in ended.out


def test_a_log_that_cannot_be_read_leaves_its_hour_untold(bucket: LogBucket, trail: Trail) -> None:
    bucket.proxy.inject(Fault("s3", "GetObject", "deny", match=trail.delivered[1].logs[0]))
    ended = verify(bucket, trail)
    assert (ended.code, hours(ended)) == (3, {"proven": 2, "cannot-tell": 1})
    assert kinds(ended) == {("cannot-tell", "unread-log")}


def test_metadata_that_cannot_be_read_leaves_only_what_nothing_else_signs_untold(bucket: LogBucket, trail: Trail) -> None:
    bucket.proxy.inject(Fault("s3", "HeadObject", "deny"))
    ended = verify(bucket, trail)
    assert (ended.code, hours(ended)) == (3, {"proven": 2, "cannot-tell": 1})
    assert kinds(ended) == {("cannot-tell", kind) for kind in ("metadata-not-read", "unsigned-digest", "unnamed-log")}


def test_what_cloudtrail_answers_in_the_place_of_keys_is_no_key(bucket: LogBucket, trail: Trail) -> None:
    bucket.proxy.answer("cloudtrail", "ListPublicKeys", {"PublicKeyList": []})
    ended = verify(bucket, trail)
    assert (ended.code, hours(ended)) == (3, {"cannot-tell": 3})
    bucket.proxy.inject(Fault("cloudtrail", "ListPublicKeys", "html_200"))
    assert ("cannot-tell", "keys-not-listed") in kinds(verify(bucket, trail))


def test_a_bucket_and_a_folder_are_one_trail(bucket: LogBucket, trail: Trail) -> None:
    gone = trail.delivered[1].logs[0]
    bucket.client().delete_object(Bucket=bucket.name, Key=gone)
    ended = verify(bucket, trail, beside=[trail.path(gone)])
    assert hours(ended) == {"proven": 3}


@pytest.mark.parametrize(
    ("place", "what"),
    [("s3://Mb_Trail/x", "s3://Mb_Trail/x is not s3://BUCKET/PREFIX"), ("s3:/mb-trail", "there is no such file or folder")],
)
def test_a_place_that_cannot_be_is_one_clear_line(place: str, what: str) -> None:
    ended = upheld("logs", "verify-trail", place)
    assert (ended.code, ended.out) == (2, "")
    assert what in ended.err


def test_without_credentials_a_bucket_is_one_clear_line(tmp_path: Path) -> None:
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path)}
    ended = upheld("logs", "verify-trail", "s3://mb-trail", env=environment)
    assert (ended.code, ended.out) == (2, "")
    assert "AWS_PROFILE" in ended.err
