"""`upheld logs verify-trail`: backfill digests, several chains, the question and the answer, and a law of tampering."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.commands.verifying import hour_of, hours, kinds, verify
from tests.conftest import upheld
from tests.world.trails import ACCOUNT, BUCKET, HOUR, REGION, START, Trail, key_list, text


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "bucket")


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
