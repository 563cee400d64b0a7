"""What becomes of a finding from run to run: nothing leaves quietly, and nothing stays fresh by itself.

A finding once made is upheld, broken or unproven, or it ended: it is gone, out of scope or retired. Every change from one to
another is a transition with its cause. What a run did not look at is as old as it was, and past its maximum age it is unproven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from checks.age import counts
from checks.counterexample import what
from checks.model import Subject
from checks.verdict import Verdict

USUAL: Final = 2 * 86400
"""Seconds that a look counts where a run did not say."""


class Status(StrEnum):
    """Where a finding stands: its verdict, or how it ended."""

    UPHELD = "upheld"
    BROKEN = "broken"
    UNPROVEN = "unproven"
    GONE = "gone"
    """A complete listing shows that its resource is not there any more."""
    OUT_OF_SCOPE = "out-of-scope"
    """Its resource is there, and no promise or rule speaks of it any more."""
    RETIRED = "retired"
    """Its rule, or the promise that asked for it, is not there any more."""


ENDED = frozenset({Status.GONE, Status.OUT_OF_SCOPE, Status.RETIRED})


class Change(StrEnum):
    """What a transition means to a person."""

    FOUND = "found"
    BROKEN = "broken"
    REOPENED = "reopened"
    CHANGED = "changed"
    """Broken as before, and by something else."""
    ACCEPTED = "accepted"
    ACCEPTANCE_ENDED = "acceptance-ended"
    REPAIRED = "repaired"
    PROVEN = "proven"
    EVIDENCE_LOST = "evidence-lost"
    RETURNED = "returned"
    GONE = "gone"
    OUT_OF_SCOPE = "out-of-scope"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run says of one finding. `digest` is over all that makes a difference to a person."""

    id: str
    rule: str
    severity: str
    resource: Subject
    promises: tuple[str, ...]
    verdict: Verdict
    counterexample: str
    accepted: str | None
    explanation: str
    digest: str
    age: int = USUAL
    """How long it counts that it was seen, in seconds."""
    looked: str | None = None
    """Of when the oldest look is that it rests on, where a run has put it together from earlier looks, too; empty where no look is behind
    it. None where the run looked at all of it: only then is it as fresh as the run."""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding as the ledger holds it. Times are RFC 3339 in UTC, those of the estates it was seen in."""

    number: int
    """Its place in the order in which the ledger first saw findings, from 1."""
    id: str
    rule: str
    severity: str
    resource: Subject
    promises: tuple[str, ...]
    status: Status
    cause: str
    counterexample: str
    accepted: str | None
    digest: str
    first_seen: str
    last_seen: str
    since: str
    """Since when it stands as it does."""
    opened: str | None = None
    """Since when it is broken, as far as is known: losing sight of it does not close it."""
    repaired: str | None = None
    openings: int = 0
    age: int = USUAL
    part: str = ""
    """The part of the configuration whose run observed it last, where several agents share a ledger."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run did not make a finding again, and what that makes of it."""

    status: Status
    cause: str


@dataclass(frozen=True, slots=True)
class Transition:
    number: int
    id: str
    before: Status | None
    after: Status
    change: Change
    cause: str
    at: str


@dataclass(frozen=True, slots=True)
class Told:
    """What is new in a run: findings that are not as the ledger knows them, by number, and those it did not make again."""

    observed: Mapping[int, Seen] = field(default_factory=dict)
    endings: Mapping[int, Ending] = field(default_factory=dict)
    seen: Sequence[tuple[int, int]] = ()
    """All that the run made and looked at, as ranges of numbers, first and last."""
    part: str = ""


def tell(known: Mapping[str, Known], seen: Iterable[Seen], absent: Callable[[Known], Ending | None], at: str, part: str = "") -> Told:
    """Hold a run's findings against those known, by id. `absent` says what became of one that the run did not make; None where it
    did not look, and it looks at nothing but its `part`. `at`: the time of what was seen.

    Raises ValueError where a run has two findings of one id.
    """
    observed: dict[int, Seen] = {}
    numbers: dict[str, int] = {}
    fresh: list[int] = []
    following = len(known)
    for one in seen:
        if one.id in numbers:
            raise ValueError(f"the run has two findings of the id {one.id}")
        held = known.get(one.id)
        if held is None:
            following += 1
        numbers[one.id] = number = held.number if held else following
        if one.looked is None:
            fresh.append(number)
        if held is None or (held.digest, held.status, held.age, held.part) != (one.digest, Status(one.verdict), one.age, part):
            observed[number] = one
    endings: dict[int, Ending] = {}
    for held in known.values():
        if held.id in numbers or held.status in ENDED:
            continue
        ending = absent(held) if held.part == part else None
        if ending is None and is_stale(held, at):
            ending = Ending(Status.UNPROVEN, f"stale: nobody looked since {held.last_seen}")
        if ending is not None and ending.status is not held.status:
            endings[held.number] = ending
    return Told(observed, endings, ranges(fresh), part)


def fold(known: Mapping[int, Known], told: Told, at: str) -> tuple[dict[int, Known], list[Transition]]:
    """The findings that a run makes other than they were, and the transitions, by number. Findings that were seen and are as they
    were are not among them: all that is new of them is when."""
    changed: dict[int, Known] = {}
    transitions: list[Transition] = []
    for number, one in sorted(told.observed.items()):
        held = known.get(number)
        changed[number], change = _seen(number, held, one, at, told.part)
        if change is not None:
            before = held.status if held else None
            transitions.append(Transition(number, one.id, before, Status(one.verdict), change, one.explanation, at))
    for number, ending in sorted(told.endings.items()):
        held = known[number]
        opened = held.opened if ending.status is Status.UNPROVEN else None
        changed[number] = replace(held, status=ending.status, cause=ending.cause, since=at, opened=opened)
        change = Change.EVIDENCE_LOST if ending.status is Status.UNPROVEN else Change(ending.status)
        transitions.append(Transition(number, held.id, held.status, ending.status, change, ending.cause, at))
    return changed, sorted(transitions, key=lambda one: one.number)


def _seen(number: int, held: Known | None, one: Seen, at: str, part: str) -> tuple[Known, Change | None]:
    """The finding as it stands now, and what changed; None where that is only the words."""
    status = Status(one.verdict)
    opened, repaired, openings = (held.opened, held.repaired, held.openings) if held else (None, None, 0)
    change = _change(held, one)
    match status:
        case Status.BROKEN if opened is None:
            opened, openings = at, openings + 1
        case Status.UPHELD if opened is not None:
            opened, repaired = None, at
    since = held.since if held and held.status is status else at
    now = Known(
        number, one.id, one.rule, one.severity, one.resource, one.promises, status, one.explanation, one.counterexample, one.accepted,
        one.digest, held.first_seen if held else at, _last_seen(held, one, at), since, opened, repaired, openings, one.age, part,
    )  # fmt: skip
    return now, change


def _last_seen(held: Known | None, one: Seen, at: str) -> str:
    """When the finding was last looked at: what an earlier look showed is no fresher than that."""
    if one.looked is None:
        return at
    return max(held.last_seen if held else "", one.looked) or at


def _change(held: Known | None, one: Seen) -> Change | None:
    if held is None:
        return Change.BROKEN if one.verdict is Verdict.BROKEN else Change.FOUND
    match one.verdict:
        case Verdict.BROKEN if held.status is not Status.BROKEN:
            return Change.REOPENED if held.openings and held.opened is None else Change.BROKEN
        case Verdict.BROKEN if what(held.counterexample) != what(one.counterexample):
            return Change.CHANGED
        case Verdict.BROKEN if (held.accepted is None) != (one.accepted is None):
            return Change.ACCEPTED if one.accepted is not None else Change.ACCEPTANCE_ENDED
        case Verdict.UPHELD if held.opened is not None:
            return Change.REPAIRED
        case verdict if held.status in ENDED:
            return Change.RETURNED if verdict is not Verdict.BROKEN else Change.BROKEN
        case Verdict.UPHELD if held.status is Status.UNPROVEN:
            return Change.PROVEN
        case Verdict.UNPROVEN if held.status is not Status.UNPROVEN:
            return Change.EVIDENCE_LOST
    return None


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Whole numbers as ranges without gaps, first and last."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def within(numbers: Sequence[tuple[int, int]]) -> set[int]:
    """The numbers of ranges."""
    return {number for first, last in numbers for number in range(first, last + 1)}


def is_stale(held: Known, now: str) -> bool:
    """Whether what is known is too old to count; what ended stays ended."""
    at, then = datetime.fromisoformat(held.last_seen), datetime.fromisoformat(now)
    return held.status not in ENDED and not counts(at, then, timedelta(seconds=held.age))
