"""What is known of each hour of a log: only digests prove one, what is assumed is no more than that, and what is missing counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.logs.completeness import Delivered, Doubt, hours
from checks.logs.hours import HOUR, Proof

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
START = datetime(2026, 11, 20, 6, tzinfo=UTC)
EVERY = frozenset(START + place * HOUR for place in range(7))
LOG = Delivered("log.alb", None, None, "", (), EVERY, assume=False)


def told(delivered: Delivered, start: datetime = START, until: datetime = NOW) -> list[str]:
    return [str(row.proof) for row in hours(delivered, start, until, NOW)]


def test_without_a_chain_of_digests_nothing_is_proven_and_what_may_be_on_its_way_is_not_due() -> None:
    assert told(LOG) == ["cannot-tell"] * 4 + ["not-yet-due"] * 3
    (first, *_) = hours(LOG, START, NOW, NOW)
    assert first.why == ("nothing shows that all rows of log.alb were delivered",)


@pytest.mark.parametrize(("table", "late"), [("log.alb", 2), ("log.gcp_audit", 4), ("log.s3_access", 6), ("log.cloudfront", 24)])
def test_an_hour_is_due_when_the_last_of_its_rows_may_have_come(table: str, late: int) -> None:
    start = NOW.replace(minute=0) - timedelta(hours=30)
    found = hours(replace(LOG, table=table, assume=True, seen=frozenset()), start, NOW, NOW)
    assert {row.proof for row in found if row.end <= NOW - timedelta(hours=late)} == {Proof.PROVEN}
    assert {row.proof for row in found if row.end > NOW - timedelta(hours=late)} == {Proof.NOT_YET_DUE}


def test_what_is_seen_to_be_missing_counts_whatever_is_assumed() -> None:
    assumed = replace(LOG, assume=True)
    assert told(assumed) == ["proven"] * 4 + ["not-yet-due"] * 3
    doubts = (Doubt("a.log", "cut off", frozenset({START + HOUR})), Doubt("b.log", "skipped", frozenset({START + 2 * HOUR}), lost=True))
    assert told(replace(assumed, doubts=doubts))[:4] == ["proven", "cannot-tell", "broken", "proven"]
    assert set(told(replace(assumed, doubts=(Doubt("c.log", "rows without a time", None),)))) == {"cannot-tell"}
    assert set(told(replace(assumed, unlisted="AccessDenied"))) == {"cannot-tell"}
    assert set(told(replace(assumed, objects=0))[:4]) == {"cannot-tell"}


def test_a_doubt_about_an_hour_that_is_not_due_is_told() -> None:
    at = frozenset({NOW.replace(minute=0)})
    assert told(replace(LOG, doubts=(Doubt("a.log", "cut off", at),)))[-1] == "cannot-tell"


def test_an_hour_without_rows_is_a_hole_only_where_there_is_one_of_every_hour() -> None:
    seen = EVERY - {START + HOUR}
    assert told(replace(LOG, assume=True, seen=seen))[:4] == ["proven"] * 4
    assert told(replace(LOG, assume=True, seen=seen, table="log.vpc_flow"))[:4] == ["proven", "cannot-tell", "proven", "proven"]


def test_the_name_of_an_object_that_is_no_text_is_told_as_text() -> None:
    (*_, last) = hours(replace(LOG, doubts=(Doubt("\udcff.log", "cut off", EVERY),)), START, NOW, NOW)
    assert "cut off (\\udcff.log)" in last.why
