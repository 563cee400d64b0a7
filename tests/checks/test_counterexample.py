"""An exception covers what was seen when it was given, and nothing that came after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.counterexample import comes_again, covers, of_rows, what

FIRST = datetime(2026, 11, 20, 14, tzinfo=UTC)
COUNTS = st.dictionaries(st.none() | st.integers(0, 5).map(lambda hour: FIRST + timedelta(hours=hour)), st.integers(1, 4))


def test_of_rows_it_says_how_many_there_were_in_each_hour() -> None:
    assert of_rows("3f2a", {FIRST + timedelta(hours=1): 2, FIRST: 10, None: 1}) == "3f2a@-=1,2026-11-20T14=10,2026-11-20T15=2"
    assert what("3f2a@2026-11-20T14=10") == what("3f2a") == "3f2a"
    assert (comes_again("3f2a@"), comes_again("3f2a")) == (True, False)


@given(accepted=COUNTS, seen=COUNTS)
def test_more_rows_of_an_hour_and_rows_of_another_are_not_covered(
    accepted: dict[datetime | None, int], seen: dict[datetime | None, int]
) -> None:
    within = all(count <= accepted.get(hour, 0) for hour, count in seen.items())
    assert covers(of_rows("a", accepted), of_rows("a", seen)) is within
    assert not covers(of_rows("a", accepted), of_rows("b", accepted))


@pytest.mark.parametrize(
    ("accepted", "seen", "verdict"),
    [
        ("a", "a", True), ("a", "b", False), ("a", "a@2026-11-20T14=1", False), ("a@2026-11-20T14=1", "a", False),
        ("a@2026-11-20T14=many", "a@2026-11-20T14=1", False), ("a@2026-11-20T14", "a@2026-11-20T14=1", False),
    ],
)  # fmt: skip
def test_what_a_person_wrote_otherwise_covers_nothing(accepted: str, seen: str, *, verdict: bool) -> None:
    assert covers(accepted, seen) is verdict
