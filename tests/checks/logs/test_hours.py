"""Hours are proven only from end to end, and whatever is not known can only take that away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.logs.hours import HOUR, Claim, Proof, rows, worst

START = datetime(2026, 11, 20, tzinfo=UTC)
MINUTES = st.integers(0, 360)
PROOFS = st.sampled_from(Proof)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


@st.composite
def claims(draw: st.DrawFn, proofs: st.SearchStrategy[Proof] = PROOFS) -> Claim:
    first, second = sorted((draw(MINUTES), draw(MINUTES)))
    return Claim(at(first), at(second + 1), draw(proofs), "why")


def test_an_hour_is_proven_only_from_end_to_end() -> None:
    covered = [Claim(at(0), at(70), Proof.PROVEN), Claim(at(70), at(119), Proof.PROVEN)]
    assert [row.proof for row in rows(covered, at(0), at(180))] == [Proof.PROVEN, Proof.CANNOT_TELL, Proof.CANNOT_TELL]


def test_a_window_may_begin_and_end_within_an_hour() -> None:
    found = list(rows([Claim(at(0), at(500), Proof.PROVEN)], at(30), at(130)))
    assert [(row.start, row.end) for row in found] == [(at(30), at(60)), (at(60), at(120)), (at(120), at(130))]
    assert {row.proof for row in found} == {Proof.PROVEN}


def test_of_nothing_nothing_can_be_told() -> None:
    assert worst([]) is Proof.CANNOT_TELL


@given(held=st.lists(claims(), max_size=8))
def test_a_proven_hour_is_covered_minute_by_minute_and_nothing_speaks_against_it(held: list[Claim]) -> None:
    for row in rows(held, at(0), at(360)):
        minutes = [row.start + timedelta(minutes=minute) for minute in range(60)]
        told = [claim for claim in held if claim.start < row.end and claim.end > row.start]
        whole = all(any(claim.start <= minute < claim.end for claim in told) for minute in minutes)
        assert (row.proof is Proof.PROVEN) == (whole and all(claim.proof is Proof.PROVEN for claim in told))
        assert (row.proof is Proof.BROKEN) == any(claim.proof is Proof.BROKEN for claim in told)
        assert row.end - row.start == HOUR


@given(held=st.lists(claims(), max_size=8), more=claims(st.just(Proof.CANNOT_TELL)))
def test_what_is_not_known_never_proves_and_never_breaks(held: list[Claim], more: Claim) -> None:
    for before, after in zip(rows(held, at(0), at(360)), rows([*held, more], at(0), at(360)), strict=True):
        assert after.proof in {before.proof, Proof.CANNOT_TELL}
        assert (after.proof is Proof.BROKEN) == (before.proof is Proof.BROKEN)
