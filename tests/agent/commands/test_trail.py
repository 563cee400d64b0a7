"""`upheld logs verify-trail`: what a chain of digests proves, and every way of tampering with one."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.agent.commands.verifying import hour_of, hours, kinds, verify
from tests.conftest import upheld
from tests.world.trails import ACCOUNT, HOUR, REGION, START, Trail, fingerprint, key_list, text


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "bucket")


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


@pytest.mark.parametrize("tail", [b"appended", gzip.compress(b'{"Records": [{"eventName": "Innocent"}]}')], ids=["text", "gzip"])
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
