"""What becomes of findings: nothing leaves quietly (law 8), and nothing stays fresh by itself (law 9)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.lifecycle import ENDED, Change, Ending, Known, Seen, Status, Transition, fold, is_stale, ranges, tell, within
from checks.model import Subject
from checks.verdict import Verdict

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GONE = Ending(Status.GONE, "a complete listing shows it")


def at(hour: float) -> str:
    return (datetime(2026, 11, 20, tzinfo=UTC) + hour * HOUR).isoformat()


def seen(name: str, verdict: str, counterexample: str = "", accepted: str | None = None, age: timedelta = 2 * DAY) -> Seen:
    told = f"{verdict} {counterexample} {accepted}"
    return Seen(
        name,
        "rule",
        "high",
        Subject("t", name, "1", "eu"),
        ("p",),
        Verdict(verdict),
        counterexample,
        accepted,
        told,
        told,
        int(age.total_seconds()),
    )


class Memory:
    """A ledger of nothing but findings."""

    def __init__(self) -> None:
        self.known: dict[int, Known] = {}

    def run(
        self, hour: float, *found: Seen, absent: Mapping[str, Ending] | None = None, looked: bool = True, part: str = ""
    ) -> list[Transition]:
        """A run; of what it did not find, `absent` says why, else it was gone; one that did not look says nothing."""
        by_id = {one.id: one for one in self.known.values()}
        endings = absent or {}
        told = tell(by_id, found, lambda one: endings.get(one.id, GONE) if looked else None, at(hour), part)
        changed, made = fold(self.known, told, at(hour))
        self.known |= changed
        for number in within(told.seen):
            if self.known[number].last_seen != at(hour):
                self.known[number] = replace(self.known[number], last_seen=at(hour))
        return made

    def status(self, name: str) -> Status:
        return next(one.status for one in self.known.values() if one.id == name)

    def __getitem__(self, name: str) -> Known:
        return next(one for one in self.known.values() if one.id == name)


def changes(made: list[Transition]) -> list[Change]:
    return [one.change for one in made]


def test_a_finding_is_broken_and_repaired_and_broken_again() -> None:
    memory = Memory()
    assert changes(memory.run(0, seen("a", "broken", "x"))) == [Change.BROKEN]
    assert changes(memory.run(1, seen("a", "upheld"))) == [Change.REPAIRED]
    assert (memory["a"].opened, memory["a"].repaired) == (None, at(1))
    assert changes(memory.run(2, seen("a", "broken", "x"))) == [Change.REOPENED]
    assert (memory["a"].opened, memory["a"].openings, memory["a"].first_seen) == (at(2), 2, at(0))


def test_losing_sight_of_what_is_broken_does_not_close_it() -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x"))
    assert changes(memory.run(1, seen("a", "unproven"))) == [Change.EVIDENCE_LOST]
    assert memory["a"].opened == at(0)
    assert changes(memory.run(2, seen("a", "broken", "x"))) == [Change.BROKEN]
    assert memory["a"].openings == 1
    memory.run(3, seen("a", "unproven"))
    assert changes(memory.run(4, seen("a", "upheld"))) == [Change.REPAIRED]


def test_broken_by_something_else_is_told_and_the_same_again_is_not() -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x"))
    assert memory.run(1, seen("a", "broken", "x")) == []
    assert changes(memory.run(2, seen("a", "broken", "y"))) == [Change.CHANGED]
    assert memory["a"].since == at(0)


def test_more_rows_of_the_same_kind_are_no_change_but_end_what_was_accepted() -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x@2026-11-20T14=1"))
    assert memory.run(1, seen("a", "broken", "x@2026-11-20T14=2")) == []
    assert changes(memory.run(2, seen("a", "broken", "x@2026-11-20T14=2", "o: r"))) == [Change.ACCEPTED]
    assert changes(memory.run(3, seen("a", "broken", "x@2026-11-20T14=2,2026-11-20T15=1"))) == [Change.ACCEPTANCE_ENDED]
    assert changes(memory.run(4, seen("a", "broken", "y@2026-11-20T14=2"))) == [Change.CHANGED]


def test_what_a_person_accepts_is_told_and_that_it_ended() -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x"))
    assert changes(memory.run(1, seen("a", "broken", "x", accepted="ciso: so be it"))) == [Change.ACCEPTED]
    assert changes(memory.run(2, seen("a", "broken", "x"))) == [Change.ACCEPTANCE_ENDED]


@pytest.mark.parametrize("status", sorted(ENDED))
def test_a_finding_that_ends_says_why_once_and_may_come_back(status: Status) -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x"))
    (ended,) = memory.run(1, absent={"a": Ending(status, "because")})
    assert (ended.before, ended.after, ended.cause) == (Status.BROKEN, status, "because")
    assert memory.run(2) == []
    assert changes(memory.run(3, seen("a", "broken", "x"))) == [Change.REOPENED]


def test_what_ended_and_comes_back_whole_returned() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld"))
    memory.run(1)
    assert changes(memory.run(2, seen("a", "upheld"))) == [Change.RETURNED]
    memory.run(3)
    assert changes(memory.run(4, seen("a", "broken", "x"))) == [Change.BROKEN]


def test_what_cannot_be_told_is_unproven_and_not_gone() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld"))
    (turn,) = memory.run(1, absent={"a": Ending(Status.UNPROVEN, "the listing was denied")})
    assert (turn.after, turn.change, turn.cause) == (Status.UNPROVEN, Change.EVIDENCE_LOST, "the listing was denied")
    assert memory["a"].last_seen == at(0)


def test_a_run_that_did_not_look_leaves_a_finding_as_old_as_it_was() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld", age=DAY), seen("b", "upheld"))
    assert memory.run(20, seen("b", "upheld"), looked=False) == []
    assert (memory["a"].last_seen, memory["b"].last_seen) == (at(0), at(20))
    (turn,) = memory.run(30, seen("b", "upheld"), looked=False)
    assert (turn.id, turn.after) == ("a", Status.UNPROVEN)
    assert "stale" in turn.cause
    assert changes(memory.run(31, seen("a", "upheld"), seen("b", "upheld"))) == [Change.PROVEN]


def test_what_is_too_old_is_stale_when_it_is_read_unless_it_ended() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld"), seen("b", "upheld"))
    memory.run(1, seen("a", "upheld", age=DAY))
    assert not is_stale(memory["a"], at(24))
    assert is_stale(memory["a"], at(26))
    assert not is_stale(memory["b"], at(99))


def test_what_was_seen_at_a_time_to_come_is_of_an_age_that_nobody_can_tell() -> None:
    memory = Memory()
    memory.run(48, seen("a", "upheld"), seen("b", "upheld"))
    assert not is_stale(memory["a"], at(47.5))
    assert is_stale(memory["a"], at(24))
    (turn,) = memory.run(24, seen("b", "upheld"), looked=False)
    assert (turn.id, turn.after) == ("a", Status.UNPROVEN)


def test_a_look_that_counts_for_another_time_is_told_again_and_is_no_transition() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld"))
    assert memory.run(1, seen("a", "upheld", age=HOUR)) == []
    assert memory["a"].age == 3600


def test_a_run_of_another_part_ends_nothing_and_what_it_does_not_look_at_grows_old() -> None:
    memory = Memory()
    memory.run(0, seen("a", "broken", "x"), seen("b", "upheld"))
    assert changes(memory.run(1, seen("c", "upheld"), part="other")) == [Change.FOUND]
    assert (memory.status("a"), memory["c"].part) == (Status.BROKEN, "other")
    assert changes(memory.run(2, seen("a", "broken", "x"))) == [Change.GONE]  # of its own part, b is
    assert memory.status("c") is Status.UPHELD
    assert {turn.id for turn in memory.run(60, seen("a", "broken", "x"))} == {"c"}


def test_what_another_part_sees_is_of_that_part_from_then_on() -> None:
    memory = Memory()
    memory.run(0, seen("a", "upheld"))
    assert memory.run(1, seen("a", "upheld"), part="other") == []
    assert memory.run(2) == []
    assert changes(memory.run(3, part="other")) == [Change.GONE]


def test_two_findings_of_one_id_are_a_bug() -> None:
    with pytest.raises(ValueError, match="two findings of the id a"):
        Memory().run(0, seen("a", "upheld"), seen("a", "broken"))


verdicts = st.sampled_from(["upheld", "broken", "unproven"])
endings = st.sampled_from([None, GONE, Ending(Status.OUT_OF_SCOPE, "s"), Ending(Status.RETIRED, "r"), Ending(Status.UNPROVEN, "u")])
runs = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("abcd"), st.tuples(verdicts, st.sampled_from("xy"))), endings, st.integers(0, 60)), max_size=8
)


@given(runs)
def test_law_8_nothing_leaves_quietly(history: list[tuple[dict[str, tuple[str, str]], Ending | None, int]]) -> None:
    memory, hour = Memory(), 0
    for found, ending, later in history:
        hour += later
        before = {one.id: one for one in memory.known.values()}
        by_id = dict(before)
        told = tell(by_id, [seen(name, *held) for name, held in found.items()], lambda _, e=ending: e, at(hour))
        changed, made = fold(memory.known, told, at(hour))
        memory.known |= changed
        after = {one.id: one for one in memory.known.values()}
        reported = {one.id: one for one in made}
        assert before.keys() <= after.keys()
        for name, one in after.items():
            old = before.get(name)
            if old is None or old.status is not one.status:
                assert reported[name].after is one.status
                assert reported[name].cause
            if name in found:
                assert one.status == Status(found[name][0])
            elif old is not None and one.status is Status.GONE and old.status is not Status.GONE:
                assert ending == GONE
        assert {number for one in told.seen for number in range(one[0], one[1] + 1)} == {after[name].number for name in found}
        assert [one.number for one in memory.known.values()] == list(range(1, len(memory.known) + 1))


@given(runs)
def test_law_9_what_was_not_looked_at_is_never_fresh(history: list[tuple[dict[str, tuple[str, str]], Ending | None, int]]) -> None:
    memory, hour, looks = Memory(), 0, dict[str, int]()
    for found, _, later in history:
        hour += later
        memory.run(hour, *(seen(name, *held) for name, held in found.items()), looked=False)
        looks |= dict.fromkeys(found, hour)
        for one in memory.known.values():
            assert one.last_seen == at(looks[one.id])
            if hour - looks[one.id] > 48:
                assert one.status is Status.UNPROVEN


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_the_same_numbers(numbers: set[int]) -> None:
    assert within(ranges(numbers)) == numbers
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(ranges(numbers)))
