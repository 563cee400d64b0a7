"""Objects of a bucket read: every byte of one version, or an error; many of them ahead and in order."""

from __future__ import annotations

import gzip
import os
from typing import Any

import pytest

from agent.collect.logs.objects import LogObject, Unlisted, Unreadable
from agent.collect.logs.prefetch import prefetch
from agent.collect.logs.reading import FileRead, read_contents
from agent.collect.logs.s3 import S3Logs
from checks.model import Reason
from tests.agent.collect.logs.test_reading import HOUR, record, trail
from tests.agent.collect.logs.test_s3 import FOLDER, SINCE, UNTIL
from tests.world.faults import Fault
from tests.world.log_bucket import REGION, LogBucket
from tests.world.wire import Answer

LARGE = bytes(range(256)) * 4096


def only(bucket: LogBucket) -> LogObject:
    (one,) = bucket.store().objects(None, UNTIL)
    return one


def unreadable(bucket: LogBucket, one: LogObject) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        list(bucket.store().pieces(one))
    assert caught.value.name == one.name
    return caught.value


def test_an_objects_bytes_its_version_and_its_metadata_are_read(bucket: LogBucket) -> None:
    etag = bucket.put("a.log", LARGE, {"signature": "ab12"})
    one, store = only(bucket), bucket.store()
    assert (one.name, one.version, one.size) == (f"s3://{bucket.name}/a.log", etag, len(LARGE))
    assert b"".join(store.raw(one)) == LARGE
    assert store.metadata(one)["signature"] == "ab12"


def test_rows_are_read_from_a_bucket_as_from_a_file(bucket: LogBucket) -> None:
    bucket.put("a.json.gz", gzip.compress(trail(record(), record())))
    one = only(bucket)
    found = FileRead(one.name)
    rows = [row for batch in read_contents(bucket.store().pieces(one), found) for row in batch.to_pylist()]
    assert (len(rows), found.rows, found.whole) == (2, {HOUR: 2}, True)
    assert rows[0]["object"] == one.name


def test_a_body_that_breaks_off_is_read_on_from_where_it_broke(bucket: LogBucket) -> None:
    bucket.put("a.log", LARGE)
    one = only(bucket)
    bucket.proxy.inject(Fault("s3", "GetObject", "truncate", times=3))
    assert b"".join(bucket.store().raw(one)) == LARGE
    first, *later = bucket.asked("GetObject")
    assert len(later) == 3
    assert len(bucket.proxy.struck) == 3
    assert first["Key"] == "a.log"


def test_a_body_that_keeps_breaking_off_is_an_error(bucket: LogBucket) -> None:
    bucket.put("a.log", b"short")
    one = only(bucket)
    bucket.proxy.answer("s3", "GetObject", lambda call: Answer(200, headers(one), b"short"))
    bucket.proxy.inject(Fault("s3", "GetObject", "reset"))
    assert unreadable(bucket, one).failure.reason is Reason.UNREACHABLE


def headers(one: LogObject, **more: str) -> dict[str, str]:
    return {"ETag": f'"{one.version}"', "x-amz-request-id": "A1", "Content-Type": "binary/octet-stream", **more}


@pytest.mark.parametrize("kind", ["truncate_quiet", "empty_200", "html_200"])
def test_bytes_that_are_not_those_listed_are_an_error(bucket: LogBucket, kind: str) -> None:
    bucket.put("a.log", LARGE)
    one = only(bucket)
    bucket.proxy.inject(Fault("s3", "GetObject", kind))
    assert unreadable(bucket, one).failure.reason is Reason.MALFORMED


def test_an_object_that_vanished_after_it_was_listed_is_an_error(bucket: LogBucket) -> None:
    bucket.put("a.log")
    one = only(bucket)
    bucket.empty()
    error = unreadable(bucket, one)
    assert (error.failure.reason, error.failure.code) == (Reason.VANISHED, "NoSuchKey")
    with pytest.raises(Unreadable) as caught:
        bucket.store().metadata(one)
    assert caught.value.failure.reason is Reason.VANISHED


def test_an_object_that_was_replaced_before_it_is_read_is_an_error(bucket: LogBucket) -> None:
    bucket.put("a.log", b"before")
    one = only(bucket)
    bucket.put("a.log", b"behind")
    error = unreadable(bucket, one)
    assert error.failure.reason is Reason.VANISHED
    assert "replaced after it was listed" in str(error)


def test_an_object_that_is_replaced_while_it_is_read_is_never_half_one_and_half_the_other(bucket: LogBucket) -> None:
    bucket.put("a.log", LARGE)
    one, store = only(bucket), bucket.store()
    bucket.proxy.inject(Fault("s3", "GetObject", "truncate", times=1))
    read = store.raw(one)
    got = [next(read)]
    bucket.put("a.log", bytes(len(LARGE)))
    with pytest.raises(Unreadable) as caught:
        got.extend(read)
    assert caught.value.failure.reason is Reason.VANISHED
    assert LARGE.startswith(b"".join(got))


def test_a_server_that_pays_no_heed_to_the_version_or_the_range_is_found_out(bucket: LogBucket) -> None:
    bucket.put("a.log", LARGE)
    one = only(bucket)
    bucket.proxy.answer("s3", "GetObject", lambda call: Answer(200, headers(one, ETag='"another"'), LARGE))
    assert unreadable(bucket, one).failure.code == "ETag"
    bucket.proxy.answer("s3", "GetObject", lambda call: Answer(200, headers(one), LARGE))
    bucket.proxy.inject(Fault("s3", "GetObject", "truncate", times=1))
    assert unreadable(bucket, one).failure.code == "ContentLength"


@pytest.mark.parametrize(
    ("fault", "reason", "action"),
    [
        (Fault("s3", "GetObject", "deny"), Reason.DENIED, "s3:GetObject"),
        (
            Fault("s3", "GetObject", "deny", message="x is not authorized to perform: kms:Decrypt on the resource y"),
            Reason.DENIED,
            "kms:Decrypt",
        ),
        (Fault("s3", "GetObject", "throttle"), Reason.THROTTLED, "s3:GetObject"),
        (Fault("s3", "GetObject", "error", code="InvalidObjectState", status=403), Reason.FAILED, "s3:GetObject"),
    ],
)
def test_an_object_that_is_refused_says_which_permission_it_needs(bucket: LogBucket, fault: Fault, reason: Reason, action: str) -> None:
    bucket.put("a.log")
    one = only(bucket)
    bucket.proxy.inject(fault)
    error = unreadable(bucket, one)
    assert (error.failure.reason, error.action) == (reason, action)
    assert error.what.endswith(f"(needs {action})") is (reason is Reason.DENIED)


def test_a_file_that_cannot_be_read_is_known_to_have_been_a_look_that_failed(bucket: LogBucket) -> None:
    bucket.put("a.log")
    one = only(bucket)
    bucket.proxy.inject(Fault("s3", "GetObject", "deny"))
    found = FileRead(one.name)
    assert list(read_contents(bucket.store().pieces(one), found)) == []
    assert found.unseen is not None
    assert found.unseen.action == "s3:GetObject"
    assert not found.whole


# --- reading ahead


def test_many_small_objects_are_read_at_once_and_given_in_order(bucket: LogBucket) -> None:
    for number in range(12):
        bucket.put(f"a-{number:02}.gz", gzip.compress(str(number).encode()))
    bucket.put("b.log", os.urandom(3000))
    store = bucket.store()
    objects = list(store.objects(None, UNTIL))
    given = [(one, b"".join(pieces)) for one, pieces in prefetch(store, objects, width=4, small=1000)]
    assert [one for one, _ in given] == objects
    assert [held for _, held in given[:12]] == [str(number).encode() for number in range(12)]
    assert len(given[12][1]) == 3000


def test_no_more_is_read_ahead_than_the_width(bucket: LogBucket) -> None:
    for number in range(20):
        bucket.put(f"a-{number:02}")
    store = bucket.store()
    objects = list(store.objects(None, UNTIL))
    bucket.proxy.clear()
    ahead = prefetch(store, objects, width=4)
    next(ahead)
    assert len(bucket.asked("GetObject")) <= 4
    ahead.close()  # type: ignore[attr-defined]


def test_an_object_that_cannot_be_read_ahead_is_an_error_in_its_place_only(bucket: LogBucket) -> None:
    for number in range(5):
        bucket.put(f"a-{number}")
    store = bucket.store()
    objects = list(store.objects(None, UNTIL))
    bucket.proxy.inject(Fault("s3", "GetObject", "deny", match="a-2"))
    held = []
    for _, pieces in prefetch(store, objects):
        try:
            held.append(b"".join(pieces))
        except Unreadable as error:
            held.append(error.name.encode())
    assert held == [b"x", b"x", f"s3://{bucket.name}/a-2".encode(), b"x", b"x"]


def test_a_listing_that_fails_part_way_is_told_after_what_was_listed(bucket: LogBucket) -> None:
    bucket.put(f"{FOLDER}/2024/11/20/a")
    bucket.put(f"{FOLDER}/2024/11/21/a")
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", "deny", match="2024/11/21/"))
    store, seen = bucket.store(), []
    with pytest.raises(Unlisted):
        for one, pieces in prefetch(store, store.objects(SINCE, UNTIL)):
            seen.append((one.name, b"".join(pieces)))
    assert seen == [(f"s3://{bucket.name}/{FOLDER}/2024/11/20/a", b"x")]


def test_a_bucket_in_another_region_is_found_by_what_s3_says(bucket: LogBucket) -> None:
    bucket.put("a.log", b"held")
    for operation in ("ListObjectsV2", "GetObject"):
        bucket.proxy.inject(Fault("s3", operation, "error", code="PermanentRedirect", status=301, region="us-east-1"))
    store = S3Logs(bucket.account(), "us-east-1", bucket.name)
    (one,) = store.objects(None, UNTIL)
    assert b"".join(store.raw(one)) == b"held"
    assert [call.operation for call in bucket.proxy.calls].count("HeadBucket") == 1


def test_every_call_tells_s3_whose_bucket_it_must_be(bucket: LogBucket) -> None:
    """moto does not refuse another's; S3 answers 403 (Amazon S3 User Guide, "Verifying bucket ownership")."""
    bucket.put("a.log")
    sent: list[Any] = []
    bucket.account().client("s3", REGION).meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    store = S3Logs(bucket.account(), REGION, bucket.name, owner="111122223333")
    (one,) = store.objects(None, UNTIL)
    list(store.raw(one))
    store.metadata(one)
    assert [headers["x-amz-expected-bucket-owner"] for headers in sent] == [b"111122223333"] * 3
