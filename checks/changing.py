"""What a change leaves in doubt: cloud reads are eventually consistent, and the first one after a change may show what was before.

A resource stays unproven until a read reflects the event (what was made is listed, what was deleted is not), or two reads that are
a minute apart agree. Neither cloud says how long it takes (Amazon EC2 Developer Guide, "Eventual consistency in the Amazon EC2 API";
IAM User Guide, "Changes that I make are not always immediately visible").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checks.catalogue import Catalogue
from checks.change import CHANGED, CREATED, DELETED, Change, Touch, Unit, meant, showing
from checks.model import Estate, Gap, Place, Reason, Resource, digest

APART = timedelta(minutes=1)
"""How far apart two reads are that agree. Source: what upheld promises."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A change whose effect no read is known to show. `id`: the resource; None where the event does not tell which of the unit.

    `read`: when the first read since then ended, and `seen` the digest of what it showed.
    """

    event: str
    name: str
    at: str
    unit: Unit
    id: str | None
    effect: str = CHANGED
    read: str | None = None
    seen: str | None = None

    @property
    def key(self) -> tuple[str, Unit, str | None]:
        return (self.event, self.unit, self.id)


def doubts(change: Change, touch: Touch, catalogue: Catalogue, before: Estate, now: Estate) -> list[Unsettled]:
    """What a change leaves in doubt, as far as is known before and after it; everything of a unit where nothing is named."""
    held = {unit: [one for estate in (before, now) for one in of_unit(estate, unit, catalogue)] for unit in sorted(touch.units)}
    direct = [unit for unit in held if unit.type not in touch.beside]
    found = {unit: meant(change, touch, catalogue[unit.type], held[unit]) for unit in direct}
    ids = frozenset().union(*found.values())
    if not ids:
        return [Unsettled(change.id, change.name, change.at, unit, None) for unit in direct]
    found |= {unit: showing(ids, held[unit]) for unit in held if unit.type in touch.beside}
    known = {(unit, one.id) for unit in held for one in of_unit(before, unit, catalogue)}
    return [
        Unsettled(change.id, change.name, change.at, unit, id_, _effect(touch.effects.get(unit.type, CHANGED), known=(unit, id_) in known))
        for unit in held
        for id_ in sorted(found[unit])
    ]


def _effect(effect: str, *, known: bool) -> str:
    """What was there already was not made: an event of that name made something else of it."""
    return CHANGED if effect == CREATED and known else effect


def settled(
    open_: Sequence[Unsettled], estate: Estate, looked: Iterable[Unit], catalogue: Catalogue, period: tuple[str, str]
) -> list[Unsettled]:
    """What is still in doubt after a look that took the `period`, from when to when, and read what it `looked` at."""
    units = frozenset(looked)
    facts = {unit: _Facts.of(estate, unit, catalogue) for unit in {one.unit for one in open_} & units}
    return [left for one in open_ if (left := _left(one, facts[one.unit], period) if one.unit in facts else one) is not None]


def gaps(open_: Iterable[Unsettled], estate: Estate, catalogue: Catalogue) -> Iterator[Gap]:
    """What nothing is proven of in an estate, because of what is in doubt."""
    for one in open_:
        unit, kind = one.unit, catalogue[one.unit.type]
        held = {resource.id: resource for resource in of_unit(estate, unit, catalogue)}
        named = sorted(held) if one.id is None else [one.id]
        for id_ in named:
            region = held[id_].region if id_ in held else unit.region
            yield _gap(one, id_, region)
        if one.id is None and not kind.pseudo:
            yield _gap(one, None, unit.region)


def due(open_: Iterable[Unsettled]) -> datetime | None:
    """When to look again at the earliest; None where nothing is in doubt."""
    return min(map(_next, open_), default=None)


def again(open_: Iterable[Unsettled], now: datetime) -> set[Unit]:
    """What is to be looked at again by now."""
    return {one.unit for one in open_ if _next(one) <= now}


def _next(one: Unsettled) -> datetime:
    """When the next look at it can settle anything; what no look has read is to be looked at at once."""
    return datetime.fromisoformat(one.at) if one.read is None else datetime.fromisoformat(one.read) + APART


def of_unit(estate: Estate, unit: Unit, catalogue: Catalogue) -> Iterator[Resource]:
    whole = catalogue[unit.type].is_global
    for one in estate.of(unit.type):
        if one.account == unit.account and (whole or one.region == unit.region):
            yield one


def _gap(one: Unsettled, id_: str | None, region: str) -> Gap:
    message = f"{one.name} at {one.at}, and no read is known to show what it did"
    return Gap(one.unit.type, one.unit.account, region, id_, None, Reason.CHANGING, "", one.name, message)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a look shows of a unit: each resource, and whether all there are."""

    resources: dict[str, Resource]
    gaps: tuple[Gap, ...]
    whole: bool

    @classmethod
    def of(cls, estate: Estate, unit: Unit, catalogue: Catalogue) -> _Facts:
        kind = catalogue[unit.type]
        resources = {one.id: one for one in of_unit(estate, unit, catalogue)}
        own = tuple(
            gap
            for gap in estate.gaps
            if (gap.type, gap.account) == (unit.type, unit.account) and (kind.is_global or gap.region == unit.region)
        )
        listing = not kind.pseudo and not isinstance(estate.listing(unit.type, Place(unit.account, unit.region)), tuple)
        return cls(resources, own, whole=listing)

    def digest(self, id_: str | None) -> str:
        """What is seen of a resource, or of everything: the looks' own times do not matter, what could not be seen does."""
        named = sorted(self.resources) if id_ is None else [id_]
        shown = [(one.id, one.region, one.data, one.tags) for name in named if (one := self.resources.get(name)) is not None]
        lost = [gap.order()[:-1] for gap in self.gaps if gap.id is None or id_ in {None, gap.id}]
        return digest(shown, lost)

    def unseen(self, id_: str | None) -> bool:
        return any(gap.id == id_ and gap.field is None for gap in self.gaps)


def _left(one: Unsettled, facts: _Facts, period: tuple[str, str]) -> Unsettled | None:
    """What is left of a doubt after a look: None where the look reflects the event, or agrees with one a minute before."""
    if facts.whole and one.id is not None and not facts.unseen(one.id):
        there = one.id in facts.resources
        if (one.effect == CREATED and there) or (one.effect == DELETED and not there):
            return None
    started, finished = period
    seen = facts.digest(one.id)
    if one.read is None or one.seen != seen or datetime.fromisoformat(started) < datetime.fromisoformat(one.read):
        return replace(one, read=finished, seen=seen)
    if datetime.fromisoformat(started) - datetime.fromisoformat(one.read) >= APART:
        return None
    return one
