"""What runs have to do with changes: the events that wait, what they leave in doubt, and the picture that all else is taken from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from agent.collect.composing import Part, compose
from agent.collect.estate import read_estate
from agent.daemon.picture import Picture
from agent.inputs import Inputs
from checks import changing
from checks.change import Change, Touch, Unit, touched
from checks.changing import Unsettled
from checks.model import GLOBAL, LISTING, Estate, Gap, Manifest, Scope
from checks.network.read import APART
from checks.plan import Plan
from checks.rule import Rule
from checks.standing import EXISTS
from checks.target import Target, about

ABOUT = frozenset({Target.SETTINGS, Target.NETWORK})
"""What events of changes are about: what is configured, and what can reach what by that."""
_NOTHING = Estate(Manifest("", "", "", "", {}, None, Scope({}, ())), {}, (), ())


@dataclass(frozen=True, slots=True)
class Event:
    """One event that waits. Where nobody can tell what it is about, there is no `change`, and everything has to be looked at."""

    queue: str
    id: str
    change: Change | None = None

    @property
    def record(self) -> dict[str, str]:
        """What the ledger's record of a run says of it."""
        one = self.change
        if one is None:
            return {"queue": self.queue, "event": self.id}
        return {
            "queue": self.queue,
            "event": self.id,
            "name": one.name,
            "source": one.source,
            "at": one.at,
            "account": one.account,
            "region": one.region,
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run is to judge, and what is to be known once it is recorded: the events that it has dealt with, and what is in doubt."""

    estate: Path
    handled: tuple[Event, ...] = ()
    left: tuple[Unsettled, ...] = ()
    exists: Estate | None = None
    """What is known to exist, where a run about changes looked at some of that."""


@dataclass(slots=True)
class Changing:
    """`plan`: all that any run collects of clouds. `unsettled`: what is in doubt, as the ledger has it."""

    picture: Picture
    plan: Plan
    unsettled: tuple[Unsettled, ...] = ()
    read: Mapping[str, tuple[str, ...]] | None = None
    """The accounts that the newest look at all of anything entered, and their regions; None before the first one."""

    def touch(self, inputs: Inputs, event: Event) -> Touch | None:
        """What of the plan an event may be about, perhaps nothing, as of an account that is not read; None where nobody can tell."""
        if event.change is None:
            return None
        if self.read is not None and event.change.account not in self.read:
            return Touch(frozenset())
        touch = touched(event.change, inputs.book.catalogue, self.plan)
        return None if touch is None else replace(touch, units=frozenset(unit for unit in touch.units if self._is_read(unit)))

    def _is_read(self, unit: Unit) -> bool:
        if self.read is None:
            return True
        regions = self.read.get(unit.account)
        return regions is not None and (unit.region in {GLOBAL, *regions} or LISTING in regions)

    def whole(self, wanted: Plan) -> Plan:
        """A plan with all members that any run wants of its types: what is read of a type takes the place of what was known of it."""
        return {name: members | self.plan.get(name, frozenset()) for name, members in wanted.items()}

    def after_look(self, inputs: Inputs, place: Path, types: Collection[str], events: Iterable[Event]) -> Seen:
        """What a run that looked at all of some types makes of the events that waited when it began: what it has not looked at in full
        waits on. Raises EstateError."""
        waiting = [(event, self.touch(inputs, event)) for event in events]
        handled = [(event, touch) for event, touch in waiting if _is_covered(event, touch, inputs, types)]
        in_doubt = {one.unit.type for one in self.unsettled}.union(*(touch.types for _, touch in waiting if touch is not None))
        kinds = in_doubt & set(types)
        now, before = read_estate(place, kinds), self._before(kinds)
        open_ = [*self.unsettled, *self._doubts(inputs, handled, before, now)]
        others = self._doubts(inputs, [one for one in waiting if one not in handled], before, now)
        self.picture.looked(place, types)
        self.read = now.manifest.scope.accounts
        looked = {one.unit for one in open_ if one.unit.type in kinds}
        left = changing.settled(open_, now, looked, inputs.book.catalogue, (now.manifest.started, now.manifest.finished))
        gaps = list(self._gaps(inputs, [*left, *others], now, kinds))
        judged = place
        if gaps:
            judged = place.with_name("judged")
            whole = Part(place, lambda _, __, ___: True)
            compose(judged, whole.manifest(), [whole], gaps)
        return Seen(judged, tuple(event for event, _ in handled), tuple(one for one in left if self._is_read(one.unit)))

    def after_change(self, inputs: Inputs, place: Path, looked: frozenset[Unit], events: Sequence[Event], rules: Iterable[Rule]) -> Seen:
        """What a run that looked at some units makes of the events that they were for. Raises EstateError."""
        needed = needs(rules)
        kinds = {unit.type for unit in looked}
        before, now = self._before(kinds), read_estate(place, kinds)
        doubts = self._doubts(inputs, [(event, self.touch(inputs, event)) for event in events], before, now)
        open_ = [*self.unsettled, *doubts]
        left = changing.settled(open_, now, looked, inputs.book.catalogue, (now.manifest.started, now.manifest.finished))
        self.picture.changed(place, looked)
        in_doubt = {one.unit.type for one in left} & needed
        after = self.picture.read(in_doubt) or _NOTHING
        judged = place.with_name("judged")
        self.picture.select(judged, needed, place, self._gaps(inputs, left, after, in_doubt))
        exists = None
        if not kinds.isdisjoint(EXISTS) and (known := self.picture.read(EXISTS)) is not None:
            exists = replace(known, gaps=(*known.gaps, *self._gaps(inputs, left, known, EXISTS)))
        return Seen(judged, tuple(events), tuple(left), exists)

    def again(self, now: datetime) -> set[Unit]:
        """What is to be looked at again by now, being in doubt."""
        return changing.again(self.unsettled, now)

    def due(self) -> datetime | None:
        """When to look again at what is in doubt."""
        return changing.due(self.unsettled)

    def _before(self, types: Collection[str]) -> Estate:
        return self.picture.read(types) or _NOTHING

    def _doubts(self, inputs: Inputs, events: Iterable[tuple[Event, Touch | None]], before: Estate, now: Estate) -> list[Unsettled]:
        catalogue = inputs.book.catalogue
        found = (
            one
            for event, touch in events
            if touch is not None and event.change is not None
            for one in changing.doubts(event.change, touch, catalogue, before, now)
        )
        return list({one.key: one for one in found}.values())

    @staticmethod
    def _gaps(inputs: Inputs, open_: Iterable[Unsettled], estate: Estate, types: Collection[str]) -> Iterable[Gap]:
        return changing.gaps([one for one in open_ if one.unit.type in types], estate, inputs.book.catalogue)


def _is_covered(event: Event, touch: Touch | None, inputs: Inputs, types: Collection[str]) -> bool:
    """Whether a run about some types has looked at all that an event may be about. Of one that nobody understands that is everything,
    and of a source that nobody knows all that is configured: what exists is looked at with that."""
    if touch is not None:
        return touch.types <= set(types)
    return inputs.about is None or (inputs.about is Target.SETTINGS and event.change is not None)


def affected(rules: Iterable[Rule], types: Collection[str]) -> list[Rule]:
    """The rules that read any of some types: of the resource itself, of what they look up, of networks."""
    kinds = set(types)
    return [rule for rule in rules if about(rule) in ABOUT and not kinds.isdisjoint(needs([rule]))]


def needs(rules: Iterable[Rule]) -> set[str]:
    """The types that rules read."""
    found: set[str] = set()
    for rule in rules:
        found |= rule.needs().keys()
        if rule.file.paths is not None:
            found.update(APART.get(rule.kind, ()))
    return found
