"""Kleene's strong logic over three verdicts and *not applicable*."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from checks.verdict import Verdict, combine, proven

verdicts = st.sampled_from([*Verdict, None])
several = st.lists(verdicts, max_size=6)


@given(several, st.randoms(use_true_random=False))
def test_the_order_of_verdicts_makes_no_difference(held: list[Verdict | None], random: object) -> None:
    shuffled = list(held)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(shuffled) is combine(held)


@given(several, several)
def test_combining_in_parts_is_combining_at_once(left: list[Verdict | None], right: list[Verdict | None]) -> None:
    assert combine([combine(left), combine(right)]) is combine([*left, *right])


@given(several)
def test_saying_it_twice_changes_nothing(held: list[Verdict | None]) -> None:
    assert combine([*held, *held]) is combine(held)


@given(several)
def test_not_applicable_is_neutral(held: list[Verdict | None]) -> None:
    assert combine([*held, None]) is combine(held)


def test_broken_weighs_more_than_unproven_and_unproven_more_than_upheld() -> None:
    order = [Verdict.UPHELD, Verdict.UNPROVEN, Verdict.BROKEN]
    for (low, light), (high, heavy) in itertools.product(enumerate(order), repeat=2):
        assert combine([light, heavy]) is order[max(low, high)]


@given(st.lists(verdicts, min_size=1, max_size=6), st.data())
def test_losing_a_verdict_leads_to_unproven_or_nowhere(held: list[Verdict | None], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(held) - 1))
    before = combine(held)
    after = combine([*held[:place], Verdict.UNPROVEN, *held[place + 1 :]])
    assert after in {before, Verdict.UNPROVEN}
    assert after is not Verdict.UPHELD
    assert after is not Verdict.BROKEN or before is Verdict.BROKEN


@given(several)
def test_upheld_is_said_only_where_something_was_upheld_and_nothing_else_was_said(held: list[Verdict | None]) -> None:
    said = set(held) - {None}
    assert (combine(held) is Verdict.UPHELD) == (said == {Verdict.UPHELD})


def test_nothing_at_all_is_not_applicable_and_not_applicable_proves_nothing() -> None:
    assert combine([]) is None
    assert combine([None, None]) is None
    assert proven(None) is Verdict.UNPROVEN
    assert [proven(verdict) for verdict in Verdict] == list(Verdict)
