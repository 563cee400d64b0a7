"""How a promise fared: spans, shares, repairs; and that nothing counts longer than it may age."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.timeline import Span, Told, repairs, shares, spans, together
from checks.verdict import Verdict

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
UP, DOWN, OPEN = Verdict.UPHELD, Verdict.BROKEN, Verdict.UNPROVEN


def at(hour: float) -> datetime:
    return BEGIN + hour * HOUR


def said(age: timedelta, *runs: tuple[datetime, Verdict | None]) -> list[Told]:
    return [Told(when, verdict, when + age) for when, verdict in runs]


def test_a_verdict_stands_until_the_next_run() -> None:
    held = spans(said(24 * HOUR, (at(0), UP), (at(1), UP), (at(2), DOWN), (at(6), UP)), at(8))
    assert held == [Span(at(0), at(2), UP), Span(at(2), at(6), DOWN), Span(at(6), at(8), UP)]
    assert repairs(held) == [4 * HOUR]
    assert shares(held, at(0), at(8)) == {UP: 0.5, DOWN: 0.5, OPEN: 0.0}
    assert shares(held, at(4), at(8)) == {UP: 0.5, DOWN: 0.5, OPEN: 0.0}


def test_it_stands_no_longer_than_it_may_age() -> None:
    held = spans(said(24 * HOUR, (at(0), UP), (at(30), UP)), at(100))
    assert [(span.start, span.verdict, span.stale) for span in held] == [
        (at(0), UP, False), (at(24), OPEN, True), (at(30), UP, False), (at(54), OPEN, True),
    ]  # fmt: skip
    assert shares(held, at(0), at(100)) == {UP: 0.48, DOWN: 0.0, OPEN: 0.52}


def test_what_was_out_of_sight_was_not_repaired_yet() -> None:
    assert repairs(spans(said(24 * HOUR, (at(0), DOWN), (at(1), OPEN), (at(5), UP), (at(6), DOWN)), at(9))) == [5 * HOUR]


def test_no_time_has_no_shares_and_no_verdict_is_unproven() -> None:
    assert shares(spans(said(HOUR, (at(0), UP)), at(0)), at(0), at(0)) is None
    assert spans(said(HOUR, (at(0), None)), at(1)) == [Span(at(0), at(1), OPEN)]
    assert spans([], at(1)) == []


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from([UP, DOWN, OPEN, None])), min_size=1), st.integers(0, 50), st.integers(1, 40))
def test_spans_leave_no_time_out_and_never_call_the_unseen_upheld(told: list[tuple[int, Verdict | None]], more: int, age: int) -> None:
    runs = [(at(hour), verdict) for hour, verdict in sorted(told, key=lambda one: one[0])]
    now = runs[-1][0] + more * HOUR
    held = spans(said(age * HOUR, *runs), now)
    assert (held[0].start, held[-1].end) == (runs[0][0], now)
    assert all(one.end == other.start for one, other in itertools.pairwise(held))
    upheld = sum((span.end - span.start for span in held if span.verdict is UP), timedelta())
    assert upheld <= age * HOUR * sum(verdict is UP for _, verdict in runs)


def test_parts_come_to_the_worst_of_what_they_say_and_none_hides_behind_another() -> None:
    one = spans(said(24 * HOUR, (at(0), UP), (at(4), DOWN)), at(8))
    other = spans(said(3 * HOUR, (at(2), UP)), at(8))
    assert together([one, other]) == [
        Span(at(0), at(4), UP), Span(at(4), at(8), DOWN),
    ]  # fmt: skip
    late = spans(said(3 * HOUR, (at(0), UP)), at(8))
    assert together([spans(said(24 * HOUR, (at(0), UP)), at(8)), late]) == [
        Span(at(0), at(3), UP), Span(at(3), at(8), OPEN, stale=True),
    ]  # fmt: skip


def test_a_verdict_counts_no_longer_than_the_oldest_thing_it_rests_on() -> None:
    held = spans([Told(at(4), UP, at(5)), Told(at(9), UP, at(8))], at(12))
    assert held == [
        Span(at(4), at(5), UP),
        Span(at(5), at(9), OPEN, stale=True),
        Span(at(9), at(9), UP),
        Span(at(9), at(12), OPEN, stale=True),
    ]
