"""Log files in a bucket: what is listed, and that every fault is a gap, never a shorter list.

The days are long past: what a test puts into a bucket is written now, and must not be older than the window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.collect.logs.objects import Unlisted
from checks.model import Reason
from tests.world.faults import Fault
from tests.world.log_bucket import LogBucket, names

SINCE, UNTIL = datetime(2024, 11, 20, 6, tzinfo=UTC), datetime(2024, 11, 22, 6, tzinfo=UTC)
FOLDER = "AWSLogs/111122223333/CloudTrail/eu-central-1"


def listing(bucket: LogBucket, prefix: str = "", since: datetime | None = SINCE, until: datetime = UNTIL) -> list[str]:
    start = f"s3://{bucket.name}/"
    return sorted(name.removeprefix(start) for name in names(bucket.store(prefix).objects(since, until)))


def unlisted(bucket: LogBucket, prefix: str = "", since: datetime | None = SINCE) -> Unlisted:
    with pytest.raises(Unlisted) as caught:
        listing(bucket, prefix, since)
    return caught.value


def test_only_the_days_of_the_window_and_one_beside_are_listed(bucket: LogBucket) -> None:
    for day in (10, 18, 19, 20, 21, 22, 23, 24, 30):
        bucket.put(f"{FOLDER}/2024/11/{day}/a.json.gz")
    bucket.put(f"{FOLDER}/2023/11/20/a.json.gz")
    bucket.put(f"{FOLDER}/2024/10/20/a.json.gz")
    bucket.proxy.clear()
    assert listing(bucket) == [f"{FOLDER}/2024/11/{day}/a.json.gz" for day in (19, 20, 21, 22, 23)]
    asked = [params["prefix"] for params in bucket.asked("ListObjectsV2")]
    assert not [prefix for prefix in asked if "2023" in prefix or "/10/" in prefix or "/18/" in prefix]


def test_hive_partitions_are_days_too(bucket: LogBucket) -> None:
    base = "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-central-1"
    for day in (18, 20, 25):
        bucket.put(f"{base}/year=2024/month=11/day={day}/hour=05/a.log.gz")
    assert listing(bucket) == [f"{base}/year=2024/month=11/day=20/hour=05/a.log.gz"]


def test_a_window_over_the_turn_of_the_year_is_whole(bucket: LogBucket) -> None:
    days = ["2023/12/30", "2023/12/31", "2024/01/01", "2024/01/02"]
    for day in days:
        bucket.put(f"{FOLDER}/{day}/a.json.gz")
    turn = datetime(2024, 1, 1, 0, 30, tzinfo=UTC)
    assert listing(bucket, since=turn, until=turn) == [f"{FOLDER}/{day}/a.json.gz" for day in days[1:]]


def test_what_no_date_tells_about_is_listed_wherever_it_is(bucket: LogBucket) -> None:
    keys = ["2024-11-20-05-00-00-AB12", "access/web-1/access.log", "access.log", f"{FOLDER}/2024/Nov/20/a.gz", f"{FOLDER}/2024/11/30.gz"]
    for key in keys:
        bucket.put(key)
    assert listing(bucket) == sorted(keys)


def test_an_object_that_was_written_before_the_window_is_left_out(bucket: LogBucket) -> None:
    bucket.put("access.log")
    now = datetime.now(UTC)
    assert listing(bucket, since=now) == ["access.log"]
    assert listing(bucket, since=now + timedelta(days=3), until=now + timedelta(days=4)) == []
    assert listing(bucket, since=None) == ["access.log"]


def test_a_prefix_bounds_what_is_asked_for(bucket: LogBucket) -> None:
    for key in ("alb/AWSLogs/a.log", "alb-old/a.log", "nlb/a.log"):
        bucket.put(key)
    assert listing(bucket, "alb/") == ["alb/AWSLogs/a.log"]
    assert listing(bucket, "alb") == ["alb-old/a.log", "alb/AWSLogs/a.log"]


def test_names_may_hold_any_characters_and_folder_markers_are_no_logs(bucket: LogBucket) -> None:
    odd = ["a b+c/ü&<x>%20.log", "tab\tin.log"]
    for key in odd:
        bucket.put(key, b"held")
    bucket.put("folder/", b"")
    store = bucket.store()
    found = sorted(store.objects(None, UNTIL), key=lambda one: one.name)
    assert names(found) == [f"s3://{bucket.name}/{key}" for key in sorted(odd)]
    assert [b"".join(store.pieces(one)) for one in found] == [b"held", b"held"]


@pytest.mark.parametrize("keys", [[f"a-{number}" for number in range(7)], [f"{FOLDER}/2024/11/20/{number}" for number in range(7)]])
def test_every_page_of_every_level_is_read(bucket: LogBucket, keys: list[str]) -> None:
    for key in keys:
        bucket.put(key)
    bucket.proxy.paginate("s3", "ListObjectsV2", 2)
    assert listing(bucket) == keys
    assert [params for params in bucket.asked("ListObjectsV2") if "continuation-token" in params]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("deny", Reason.DENIED),
        ("throttle", Reason.THROTTLED),
        ("expired", Reason.EXPIRED_CREDENTIALS),
        ("html_200", Reason.MALFORMED),
        ("empty_200", Reason.MALFORMED),
        ("truncate", Reason.FAILED),  # botocore takes XML that ends too early for an error of the server's
        ("truncate_quiet", Reason.FAILED),
        ("missing_member", Reason.MALFORMED),
        ("error_500", Reason.FAILED),
        ("reset", Reason.UNREACHABLE),
    ],
)
def test_a_listing_that_fails_is_a_gap(bucket: LogBucket, kind: str, reason: Reason) -> None:
    bucket.put("access.log")
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", kind))
    gap = unlisted(bucket)
    assert (gap.failure.reason, gap.call) == (reason, "ListObjectsV2"), gap.failure
    assert gap.name == f"s3://{bucket.name}/"


def test_a_denied_listing_says_what_it_needs(bucket: LogBucket) -> None:
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", "deny"))
    assert str(unlisted(bucket)).endswith("(needs s3:ListBucket)")


@pytest.mark.parametrize(("kind", "code"), [("lost_page", "InternalError"), ("page_cut", "NotAnAnswer"), ("page_loop", "RepeatedToken")])
def test_a_later_page_that_is_lost_is_a_gap(bucket: LogBucket, kind: str, code: str) -> None:
    for number in range(4):
        bucket.put(f"a-{number}")
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", kind))
    assert unlisted(bucket).failure.code == code
    assert bucket.proxy.struck


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"KeyCount": "2"}, "says that it holds 2 keys and holds 1"),
        ({"KeyCount": None}, "without KeyCount"),
        ({"IsTruncated": "true"}, "there are more and not where"),
        ({"NextContinuationToken": "more"}, "the last page says where more are"),
        ({"Contents/Key": "elsewhere"}, "do not begin with 'access'"),
        ({"Contents/ETag": None}, "without key, ETag"),
        ({"Contents/LastModified": None}, "without key, ETag"),
    ],
)
def test_a_page_that_contradicts_itself_is_a_gap(bucket: LogBucket, change: dict[str, str | None], what: str) -> None:
    bucket.put("access.log")
    altered: list[dict[str, str | None]] = [change]

    def alter(tree: Any) -> None:
        for path, text in altered[0].items() if altered else ():
            parent, _, name = path.rpartition("/")
            holder = tree.find(parent) if parent else tree
            node = holder.find(name)
            if text is None:
                holder.remove(node)
                continue
            if node is None:
                node = type(tree)(name)
                holder.append(node)
            node.text = text

    bucket.proxy.amend("s3", "ListObjectsV2", alter)
    try:
        gap = unlisted(bucket, "access")
    finally:
        altered.clear()
    assert gap.failure.reason is Reason.MALFORMED
    assert what in gap.failure.message


def test_one_folder_that_is_refused_is_a_gap_of_the_whole_listing(bucket: LogBucket) -> None:
    for region in ("eu-central-1", "eu-west-1"):
        bucket.put(f"AWSLogs/111122223333/CloudTrail/{region}/2024/11/20/a.gz")
    bucket.proxy.inject(Fault("s3", "ListObjectsV2", "deny", match="eu-west-1/2024/11/20"))
    assert unlisted(bucket).failure.reason is Reason.DENIED


def test_no_call_is_made_after_the_deadline(bucket: LogBucket) -> None:
    store = bucket.store(reader=bucket.enter(monotonic=lambda: 2e6))
    with pytest.raises(Unlisted) as caught:
        list(store.objects(None, UNTIL))
    assert caught.value.failure.reason is Reason.LATE
    assert bucket.proxy.calls == []


@pytest.mark.parametrize("kind", ["deny", "throttle", "html_200", "missing_member"])
def test_whichever_call_goes_wrong_a_listing_is_whole_or_a_gap(bucket: LogBucket, kind: str) -> None:
    keys = [f"AWSLogs/1/CloudTrail/{region}/2024/11/{day}/a" for region in ("eu-central-1", "eu-west-1") for day in (20, 21)]
    for key in [*keys, "access-1", "access-2", "access-3"]:
        bucket.put(key)
    bucket.proxy.clear()
    bucket.proxy.paginate("s3", "ListObjectsV2", 2)
    whole = listing(bucket)
    assert len(whole) == 7
    gaps = 0
    for nth in range(1, len(bucket.asked("ListObjectsV2")) + 1, 2):
        bucket.proxy.clear()
        bucket.proxy.paginate("s3", "ListObjectsV2", 2)
        bucket.proxy.inject(Fault("s3", "ListObjectsV2", kind, nth=nth))
        try:
            assert listing(bucket) == whole
        except Unlisted:
            gaps += 1
        assert bucket.proxy.struck
    assert (gaps > 0) is (kind != "throttle")
