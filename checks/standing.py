"""What runs of some targets leave standing for the next ones of others: a promise's verdict takes all of its rules.

A run that looks at one kind of target judges the rules about that alone. Of all other rules of a promise, what the last run about
them came to counts, until it is too old: then it is unproven. Nothing here makes anything fresh that was not looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Final

from checks.age import Ages, counts
from checks.judge import Bound, Population, key
from checks.model import Estate, Reason, Scope
from checks.plan import UNIVERSE
from checks.summary import Text
from checks.target import Target, about
from checks.verdict import Verdict

EXISTS: Final = frozenset(chain.from_iterable(UNIVERSE.values()))
Populations = dict[tuple[str, str], Population]


@dataclass(frozen=True, slots=True)
class Part:
    """What a run came to about one kind of target."""

    at: datetime
    bound: Sequence[Bound]
    populations: Mapping[tuple[str, str], Population]
    since: Mapping[str, datetime] = field(default_factory=dict)
    """Bound rule -> of when the oldest look is that it rests on, where runs about changes have judged by it since."""


@dataclass(slots=True)
class Standing:
    """The parts of the newest runs, and what the newest look at all that exists showed. `ages`: how long they stand."""

    ages: Ages
    parts: dict[Target, Part] = field(default_factory=dict)
    universe: Estate | None = None

    @property
    def whole(self) -> bool:
        """Whether everything was looked at, so that a run about one kind of target has something to stand on."""
        return self.universe is not None and len(self.parts) == len(Target)

    def take(
        self, target: Target | None, estate: Estate, bound: Sequence[Bound], populations: Mapping[tuple[str, str], Population]
    ) -> None:
        """Put what a run came to in the place of what stood; `target`: what it was about beside runs, None for everything."""
        at = estate.manifest.since
        for one in Target if target is None else {target, Target.RUN}:
            own = [held for held in bound if about(held.rule) is one]
            keys = {key(held) for held in own}
            self.parts[one] = Part(at, own, {name: held for name, held in populations.items() if name[1] in keys})
        if target in {None, Target.SETTINGS}:
            self.universe = _universe(estate)

    def change(
        self, estate: Estate, bound: Sequence[Bound], populations: Mapping[tuple[str, str], Population], exists: Estate | None = None
    ) -> None:
        """Put what a run about changes came to in the place of what its rules came to before; all other rules stay. It is as old as the
        oldest look in its estate at what the rule reads: most of that the run did not look at. `exists`: what is known to exist, where the
        run looked at some of it."""
        for one in Target:
            own = [held for held in bound if about(held.rule) is one]
            if own and (part := self.parts.get(one)) is not None:
                keys = {key(held) for held in own}
                others = [held for held in part.bound if key(held) not in keys]
                fresh = {name: held for name, held in populations.items() if name[1] in keys}
                since = {key(held): _oldest(estate, held.rule.needs()) for held in own}
                self.parts[one] = Part(part.at, [*others, *own], {**part.populations, **fresh}, {**part.since, **since})
        if exists is not None and self.universe is not None:
            self.universe = replace(_universe(exists), manifest=self.universe.manifest)

    def all(self, now: datetime) -> tuple[list[Bound], Populations]:
        """All rules, and what each was held against."""
        bound: list[Bound] = []
        populations: Populations = {}
        for target in Target:
            if (part := self.parts.get(target)) is not None:
                bound += part.bound
                for name, held in part.populations.items():
                    at = part.since.get(name[1], part.at)
                    populations[name] = held if self.ages.count(target, at, now) else _aged(held, at)
        return sorted(bound, key=lambda one: one.rule.id), populations

    def exists(self, estate: Estate) -> Estate:
        """What is known to exist, as of now: of an estate that shows nothing of it, what was seen before and is not too old."""
        if self.universe is None or not self.ages.count(Target.SETTINGS, self.universe.manifest.since, estate.manifest.now):
            return nothing_known(estate)
        finished = estate.manifest.finished  # assumptions expire by the run's own time
        return replace(self.universe, manifest=replace(self.universe.manifest, finished=finished))

    def read(self, texts: Mapping[str, Text], now: datetime) -> Mapping[str, Text]:
        """The policies' texts, which count no longer than anything else that was looked at."""
        part = self.parts.get(Target.POLICY)
        if part is None or self.ages.count(Target.POLICY, part.at, now):
            return texts
        return dict.fromkeys(texts, Text(None, f"{Reason.STALE}: nobody read it since {part.at.isoformat()}"))

    def until(self, now: datetime) -> Mapping[Target, datetime]:
        """Up to when what counts now of each target goes on counting, where nobody looks again."""
        lasting = ((target, part.at, self.ages.by.get(target)) for target, part in self.parts.items())
        return {target: at + most for target, at, most in lasting if most is not None and counts(at, now, most)}


def nothing_known(estate: Estate) -> Estate:
    """An estate's time, and nothing of what it shows."""
    return Estate(replace(estate.manifest, scope=Scope({}, ())), {}, (), ())


def _oldest(estate: Estate, types: Collection[str]) -> datetime:
    return min((datetime.fromisoformat(look.at) for look in estate.looks if look.type in types), default=estate.manifest.now)


def _universe(estate: Estate) -> Estate:
    """Of an estate, what tells which accounts, regions and kinds of resource there are."""
    held = {kind: estate.of(kind) for kind in EXISTS if estate.of(kind)}
    looks = tuple(look for look in estate.looks if look.type in EXISTS)
    return Estate(estate.manifest, held, looks, tuple(gap for gap in estate.gaps if gap.type in EXISTS))


def _aged(held: Population, at: datetime) -> Population:
    """A population that nobody looked at for too long: whatever it came to is unproven, and so is that it was empty."""
    count = max(sum(held.counts.values()), 1)
    reason = (f"{Reason.STALE}: nobody looked since {at.isoformat()}", "")
    return replace(held, counts={**dict.fromkeys(Verdict, 0), Verdict.UNPROVEN: count}, looks=[], reasons={reason: count}, accepted=0)
