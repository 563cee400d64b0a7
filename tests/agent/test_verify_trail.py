"""`upheld logs verify-trail`: what a chain of digests proves, and every way of tampering with one."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Ended, upheld
from tests.world.trails import ACCOUNT, BUCKET, HOUR, REGION, START, Trail, fingerprint, key_list, text


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "bucket")


def verify(trail: Trail, *options: str | Path, until: datetime | None = None, keys: dict[str, Any] | None = None) -> Ended:
    file = trail.root.parent / "keys.json"
    file.write_text(json.dumps(keys or key_list(0)))
    return upheld(
        "logs", "verify-trail", trail.root, "--public-keys", file, "--until", text(until or trail.now), "--format", "json", *options
    )


def hours(ended: Ended) -> dict[str, int]:
    return dict(Counter(hour["proof"] for chain in ended.report["chains"] for hour in chain["hours"]))


def kinds(ended: Ended) -> set[tuple[str, str]]:
    return {(problem["proof"], problem["kind"]) for problem in ended.report["problems"]}


def hour_of(ended: Ended, at: datetime) -> str:
    return next(hour["proof"] for chain in ended.report["chains"] for hour in chain["hours"] if hour["from"] == text(at))


def test_a_whole_chain_proves_every_hour(trail: Trail) -> None:
    ended = verify(trail.hours(24))
    assert ended.code == 0, ended.out
    assert hours(ended) == {"proven": 24}
    assert ended.report["problems"] == []
    assert ended.report["chains"][0]["log_files"] == 48


def test_quiet_hours_are_proven_too(trail: Trail) -> None:
    assert hours(verify(trail.hours(3, logs=0))) == {"proven": 3}


def test_without_public_keys_nothing_is_proven(trail: Trail) -> None:
    trail.hours(3)
    ended = upheld("logs", "verify-trail", trail.root, "--until", text(trail.now), "--format", "json")
    assert ended.code == 3
    assert hours(ended) == {"cannot-tell": 3}


def test_without_public_keys_files_that_contradict_each_other_are_broken(trail: Trail) -> None:
    trail.hours(3)
    trail.write(trail.delivered[1].logs[0], b'{"Records": []}')
    ended = upheld("logs", "verify-trail", trail.root, "--until", text(trail.now), "--format", "json")
    assert ended.code == 1
    assert ("broken", "altered-log") in kinds(ended)


def test_nothing_to_verify_is_not_success(tmp_path: Path) -> None:
    """validate-logs says `No digests found` and ends with 0."""
    (tmp_path / "bucket").mkdir()
    ended = upheld("logs", "verify-trail", tmp_path / "bucket")
    assert ended.code == 3
    assert "no digest file" in ended.out


def test_a_gap_between_two_chains_is_not_success(trail: Trail) -> None:
    """validate-logs says `No log files were delivered`, and its exit code stays 0."""
    trail.hours(3)
    trail.now += 5 * HOUR
    trail.digest([], anew=True)
    ended = verify(trail)
    assert ended.code == 3
    assert hours(ended) == {"proven": 4, "cannot-tell": 5}
    assert ("cannot-tell", "gap") in kinds(ended)


def test_deleted_newest_digests_are_not_success(trail: Trail) -> None:
    """validate-logs begins at the newest that is left, and ends with 0."""
    trail.hours(12)
    until = trail.now
    for gone in trail.delivered[-5:]:
        trail.remove(gone.key, *gone.logs)
    ended = verify(trail, until=until)
    assert ended.code == 3
    assert hours(ended) == {"proven": 7, "cannot-tell": 3, "not-yet-due": 2}
    assert "deleted" in ended.out


def test_log_files_of_deleted_newest_digests_are_told(trail: Trail) -> None:
    trail.hours(12)
    trail.remove(*(gone.key for gone in trail.delivered[-5:]))
    ended = verify(trail, until=trail.now)
    assert ended.code == 3
    assert ("cannot-tell", "unnamed-log") in kinds(ended)


def test_every_hour_of_adjacent_deleted_digests_is_broken(trail: Trail) -> None:
    """validate-logs prints one line for any number of them."""
    trail.hours(12)
    trail.remove(*(gone.key for gone in trail.delivered[4:7]))
    ended = verify(trail)
    assert ended.code == 1
    assert hours(ended) == {"proven": 9, "broken": 3}
    assert [hour_of(ended, START + at * HOUR) for at in (3, 4, 5, 6, 7)] == ["proven", "broken", "broken", "broken", "proven"]


def test_a_forged_log_file_that_no_digest_names_is_broken(trail: Trail) -> None:
    """validate-logs never looks at what is in the bucket beside the digests' own lists."""
    trail.hours(6)
    trail.log(START + 2 * HOUR + timedelta(minutes=33), mark="forged")
    ended = verify(trail)
    assert ended.code == 1
    assert kinds(ended) == {("broken", "unnamed-log")}
    assert hour_of(ended, START + 2 * HOUR) == "broken"


def test_a_copy_of_a_log_file_in_another_folder_is_not_taken_for_the_named_one(trail: Trail) -> None:
    trail.hours(6)
    named = trail.delivered[2].logs[0]
    trail.write(named.replace("2026/11/20", "2026/11/19"), b'{"Records": []}')
    ended = verify(trail)
    assert ended.code == 1
    assert kinds(ended) == {("broken", "unnamed-log")}


def test_a_forged_digest_does_not_vouch_for_a_forged_log_file(trail: Trail) -> None:
    """It may claim an hour of its own choice, and be signed with a key that nobody gave."""
    trail.hours(6)
    forged = trail.log(START + 2 * HOUR + timedelta(minutes=33), mark="forged")
    trail.digest([forged], backfill=START - 300 * HOUR, key=7)
    ended = verify(trail)
    assert ended.code == 3
    assert hour_of(ended, START + 2 * HOUR) == "cannot-tell"
    assert hour_of(ended, START + 3 * HOUR) == "proven"


def test_files_of_insights_cannot_be_told_where_no_digest_names_them(trail: Trail) -> None:
    trail.hours(2)
    trail.write(f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/{REGION}/2026/11/20/{ACCOUNT}_CloudTrail-Insight_x.json.gz", b"{}")
    ended = verify(trail)
    assert (ended.code, hours(ended)) == (3, {"proven": 2})


def test_a_file_with_a_name_of_its_own_in_the_log_folder_is_broken(trail: Trail) -> None:
    trail.hours(2)
    trail.write(f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/20/extra.json.gz", b'{"Records": []}')
    assert verify(trail).code == 1


def test_a_log_file_on_its_way_is_not_a_forged_one(trail: Trail) -> None:
    trail.hours(6)
    trail.log(trail.now + timedelta(minutes=5))
    ended = verify(trail, until=trail.now + timedelta(minutes=30))
    assert ended.code == 0
    assert hours(ended) == {"proven": 6, "not-yet-due": 1}


def test_previous_hash_is_compared(trail: Trail) -> None:
    """validate-logs never reads previousDigestHashValue."""
    trail.hours(4)
    target = trail.delivered[1]
    trail.write(target.key, target.raw.replace(b'"newestEventTime"', b'"newestEventTimes"', 1))
    trail.path(target.key + ".head.json").unlink()
    ended = upheld("logs", "verify-trail", trail.root, "--until", text(trail.now), "--format", "json")
    assert ended.code == 1
    assert ("broken", "broken-link") in kinds(ended)


def test_an_altered_digest_is_broken(trail: Trail) -> None:
    trail.hours(4)
    target = trail.delivered[2]
    trail.write(target.key, target.raw.replace(target.logs[0].encode(), target.logs[1].encode()))
    ended = verify(trail)
    assert ended.code == 1
    assert ("broken", "forged-digest") in kinds(ended)
    assert hours(ended) == {"proven": 3, "broken": 1}


def test_an_altered_newest_digest_is_broken_by_its_saved_signature(trail: Trail) -> None:
    trail.hours(4)
    target = trail.delivered[-1]
    trail.write(target.key, target.raw.replace(b"eventTime", b"eventTine").replace(b'"logFiles": [', b'"logFiles":  ['))
    assert ("broken", "forged-digest") in kinds(verify(trail))


def test_the_newest_digest_without_its_signature_cannot_be_told(trail: Trail) -> None:
    trail.hours(4)
    trail.path(trail.delivered[-1].key + ".head.json").unlink()
    ended = verify(trail)
    assert ended.code == 3
    assert hours(ended) == {"proven": 3, "cannot-tell": 1}
    assert "head-object" in ended.out


def test_signatures_in_the_next_digest_are_enough(trail: Trail) -> None:
    trail.hours(4)
    for one in trail.delivered[:-1]:
        trail.path(one.key + ".head.json").unlink()
    assert verify(trail).code == 0


def test_a_chain_forged_with_a_key_of_ones_own_is_not_proven(trail: Trail) -> None:
    trail.hours(4, key=7)
    ended = verify(trail)
    assert ended.code == 3
    assert hours(ended) == {"cannot-tell": 4}


def test_a_digest_signed_with_another_key_than_it_names_is_broken(trail: Trail) -> None:
    trail.hours(2)
    body = json.loads(trail.hours(1).delivered[-1].raw)
    trail.deliver(trail.delivered[-1].key, {**body, "digestPublicKeyFingerprint": fingerprint(0), "logFiles": []}, key=7, logs=[])
    assert ("broken", "forged-digest") in kinds(verify(trail))


def test_keys_are_rotated_within_a_chain(trail: Trail) -> None:
    trail.hours(3, key=0).hours(3, key=1)
    rotated = START + 3 * HOUR
    keys = {
        "PublicKeyList": [
            *key_list(0, end=rotated)["PublicKeyList"],
            *key_list(1, start=rotated)["PublicKeyList"],
        ]
    }
    ended = verify(trail, keys=keys)
    assert ended.code == 0
    assert ended.report["chains"][0]["keys"] == 2
    assert hours(verify(trail, keys=key_list(0))) == {"proven": 3, "cannot-tell": 3}


def test_a_key_from_another_time_proves_nothing(trail: Trail) -> None:
    ended = verify(trail.hours(3), keys=key_list(0, start=START - 900 * HOUR, end=START - 800 * HOUR))
    assert ended.code == 3
    assert "was not valid then" in ended.out


def test_a_missing_log_file_is_broken(trail: Trail) -> None:
    trail.hours(4)
    trail.remove(trail.delivered[1].logs[0])
    ended = verify(trail)
    assert ended.code == 1
    assert kinds(ended) == {("broken", "missing-log")}
    assert hour_of(ended, START + HOUR) == "broken"


def test_log_files_that_are_not_read_prove_nothing(trail: Trail) -> None:
    trail.hours(2).hours(1, logs=0)
    ended = verify(trail, "--digests-only")
    assert ended.code == 3
    assert hours(ended) == {"cannot-tell": 2, "proven": 1}


@pytest.mark.parametrize("tail", [b"appended", gzip.compress(b'{"Records": [{"eventName": "Innocent"}]}')])
def test_bytes_behind_a_log_files_end_are_seen(trail: Trail, tail: bytes) -> None:
    trail.hours(2)
    path = trail.path(trail.delivered[0].logs[0])
    path.write_bytes(path.read_bytes() + tail)
    assert verify(trail).code == 1


def test_a_truncated_log_file_is_broken(trail: Trail) -> None:
    trail.hours(2)
    path = trail.path(trail.delivered[0].logs[0])
    path.write_bytes(path.read_bytes()[:-12])
    ended = verify(trail)
    assert ended.code == 1
    assert ("broken", "damaged-log") in kinds(ended)


def test_a_log_file_whose_bytes_were_flipped_is_broken(trail: Trail) -> None:
    trail.hours(2)
    path = trail.path(trail.delivered[0].logs[0])
    raw = bytearray(path.read_bytes())
    raw[20:40] = bytes(20)
    path.write_bytes(raw)
    ended = verify(trail)
    assert ended.code == 1
    assert ("broken", "damaged-log") in kinds(ended)


def test_a_log_file_that_cannot_be_read_makes_its_hour_cannot_tell(trail: Trail) -> None:
    trail.hours(2)
    path = trail.path(trail.delivered[0].logs[0])
    path.unlink()
    path.mkdir()
    (path / path.name).mkdir()
    shutil.rmtree(path)
    path.symlink_to("/dev/full")
    ended = upheld("logs", "verify-trail", *sorted(trail.root.rglob("*.json*")), "--until", text(trail.now), "--format", "json")
    assert ended.code == 3
    assert ("cannot-tell", "unread-log") in kinds(ended)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"digestS3Object": 3}', b"[" * 100_000])
def test_a_digest_that_is_none_is_broken(trail: Trail, raw: bytes) -> None:
    trail.hours(3)
    trail.write(trail.delivered[1].key, raw)
    ended = verify(trail)
    assert ended.code == 1
    assert ("broken", "damaged-digest") in kinds(ended)
    assert hour_of(ended, START + HOUR) == "broken"


def test_a_digest_in_the_wrong_place_is_broken(trail: Trail) -> None:
    trail.hours(3)
    moved = trail.delivered[1].key
    other = trail.path(moved.replace("2026/11/20", "2026/11/21"))
    other.parent.mkdir(parents=True)
    shutil.move(trail.path(moved), other)
    ended = verify(trail)
    assert ended.code == 1
    assert ("broken", "moved-digest") in kinds(ended)


def test_files_in_folders_of_ones_own_are_told_by_their_names(trail: Trail, tmp_path: Path) -> None:
    trail.hours(4)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in trail.root.rglob("*.json*"):
        shutil.copy(path, flat)
    trail.root = flat
    assert verify(trail).code == 0


def test_a_backfill_digest_names_late_log_files(trail: Trail) -> None:
    trail.hours(4)
    late = trail.log(START + HOUR + timedelta(minutes=41), mark="late")
    assert verify(trail).code == 1
    trail.digest([late], backfill=START + 2 * HOUR)
    ended = verify(trail)
    assert ended.code == 0, ended.out
    assert ended.report["chains"][0]["backfill_digests"] == 1


def test_a_backfill_digest_is_verified_like_any_other(trail: Trail) -> None:
    trail.hours(4)
    late = trail.log(START + HOUR + timedelta(minutes=41), mark="late")
    made = trail.digest([late], backfill=START + 2 * HOUR)
    trail.write(late, b'{"Records": [{"eventName": "other"}]}')
    assert ("broken", "altered-log") in kinds(verify(trail))
    trail.write(made.key, made.raw.replace(b'"digestSignatureAlgorithm"', b'"digestSignatureAlgorithm" '))
    assert ("broken", "forged-digest") in kinds(verify(trail))


def test_a_deleted_backfill_digest_that_a_later_one_names_is_broken(trail: Trail) -> None:
    trail.hours(4)
    first = trail.digest([], backfill=START + 2 * HOUR)
    trail.digest([], backfill=START + 3 * HOUR)
    trail.remove(first.key)
    ended = verify(trail)
    assert ended.code == 1
    assert hour_of(ended, START + HOUR) == "broken"


def test_a_backfill_digest_does_not_stand_in_for_an_hourly_one(trail: Trail) -> None:
    trail.hours(4)
    trail.digest([], backfill=START + 2 * HOUR)
    trail.remove(trail.delivered[1].key)
    assert hour_of(verify(trail), START + HOUR) == "broken"


def test_hours_before_the_first_digest_count_where_they_are_asked_for(trail: Trail) -> None:
    trail.hours(6)
    trail.remove(*(one.key for one in trail.delivered[:2]), *(log for one in trail.delivered[:2] for log in one.logs))
    assert verify(trail).code == 0
    assert verify(trail).report["chains"][0]["earlier_digests"] is True
    ended = verify(trail, "--from", text(START))
    assert ended.code == 1
    assert hours(ended) == {"cannot-tell": 1, "broken": 1, "proven": 4}


def test_each_region_is_a_chain_of_its_own(trail: Trail) -> None:
    trail.hours(3)
    Trail(trail.root, region="eu-west-1").hours(3)
    forged = Trail(trail.root, region="us-east-1").log(START + HOUR)
    ended = verify(trail)
    assert len(ended.report["chains"]) == 2
    assert [problem["file"] for problem in ended.report["problems"]] == [str(trail.path(forged))]
    assert ended.code == 3


def test_digests_that_are_not_on_the_hour_leave_no_hole(trail: Trail) -> None:
    trail.now = START + timedelta(minutes=1, seconds=31)
    ended = verify(trail.hours(4))
    assert ended.code == 0
    assert hours(ended) == {"proven": 5}
    assert ended.report["chains"][0]["hours"][0]["from"] == "2026-11-20T00:01:31Z"


def test_the_text_is_short_and_says_what_to_do(trail: Trail) -> None:
    trail.hours(24)
    trail.remove(trail.delivered[5].key)
    (trail.root.parent / "keys.json").write_text(json.dumps(key_list(0)))
    ended = upheld("logs", "verify-trail", trail.root, "--public-keys", trail.root.parent / "keys.json", "--until", text(trail.now + HOUR))
    assert ended.code == 1
    assert f"{ACCOUNT}/{REGION}/company: 25 hours of delivery: 23 proven, 1 not-yet-due, 1 broken" in ended.out
    assert "2026-11-20T06:00:00Z to 2026-11-21T00:00:00Z  proven" in ended.out
    assert len(ended.out.splitlines()) < 16


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        ([".", "--until", "soon"], "--until: 'soon' is not a time"),
        ([".", "--from", "2026-01-02", "--until", "2026-01-01"], "--from is not before --until"),
        ([".", "--public-keys", "keys.json"], "keys.json: there is no PublicKeyList in it"),
    ],
)
def test_a_wrong_question_is_one_clear_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    (tmp_path / "keys.json").write_text("{}")
    ended = upheld("logs", "verify-trail", *arguments, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert line in ended.err
    assert ended.err.count("\n") == 1


def test_the_signed_text_is_what_aws_documents(trail: Trail) -> None:
    """The example in "Custom implementations of CloudTrail log file integrity validation": four lines, the place without s3://."""
    from checks.logs.digest import read_digest

    first, second = trail.hours(2, logs=0).delivered
    assert read_digest(first.raw, "0" * 64).signed_text().decode() == f"2026-11-20T01:00:00Z\n{BUCKET}/{first.key}\n{'0' * 64}\nnull"
    assert read_digest(second.raw, "1" * 64).signed_text().decode().split("\n")[3] == first.signature


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    return Trail(tmp_path_factory.mktemp("untouched") / "bucket").hours(6, logs=1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_a_file_the_chain_is_not_whole(
    untouched: Trail, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    trail = replace(untouched, root=tmp_path_factory.mktemp("touched") / "bucket")
    shutil.copytree(untouched.root, trail.root)
    digest = data.draw(st.sampled_from(trail.delivered))
    key = data.draw(st.sampled_from([digest.key, digest.logs[0]]))
    path = trail.path(key)
    match data.draw(st.sampled_from(["delete", "alter", "flip", "rename", "swap"])):
        case "delete":
            path.unlink()
        case "alter":
            raw = bytearray(gzip.decompress(path.read_bytes()))
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
            trail.write(key, bytes(raw))
        case "flip":
            raw = bytearray(path.read_bytes())
            at = data.draw(st.integers(10, len(raw) - 1))
            raw[at] ^= data.draw(st.integers(1, 255))
            path.write_bytes(raw)
        case "rename":
            path.rename(path.with_name("1" + path.name[1:].replace("T", "S", 1)))
        case _:
            other = next(one for one in trail.delivered if one is not digest)
            shutil.copy(trail.path(other.key if key == digest.key else other.logs[0]), path)
    ended = verify(trail, until=trail.now)
    assert hours(ended).get("proven", 0) < 6
    newest_is_gone = not trail.path(trail.delivered[-1].key).exists()  # for all that is known, it is not due yet
    assert ended.code in {1, 3} or newest_is_gone
