"""How long a look counts: each kind of target changes at its own pace, and past its maximum age what was seen of it is stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.rule import Rule
from checks.target import Target, about

AHEAD = timedelta(hours=1)
"""By how much the clock of whoever looked may be ahead."""


def counts(at: datetime, now: datetime, most: timedelta) -> bool:
    """Whether a look still counts. One that is of a time to come does not: its clock was wrong, and nobody can tell how old it is."""
    return -min(AHEAD, most) <= now - at <= most


@dataclass(frozen=True, slots=True)
class Ages:
    """How long a look counts, by what it is about; without an entry, for ever."""

    by: Mapping[Target, timedelta]

    @classmethod
    def of_all(cls, most: timedelta) -> Ages:
        return cls(dict.fromkeys(Target, most))

    def count(self, target: Target, at: datetime, now: datetime) -> bool:
        most = self.by.get(target)
        return most is None or counts(at, now, most)

    def stale(self, at: datetime, now: datetime) -> frozenset[Target]:
        """The targets of which a look of that time does not count any more."""
        return frozenset(target for target in Target if not self.count(target, at, now))

    def least(self) -> timedelta | None:
        """The shortest of them."""
        return min(self.by.values(), default=None)


@dataclass(frozen=True, slots=True)
class Stale:
    """Tells of a rule whether what it judges is too old."""

    targets: frozenset[Target] = frozenset()

    def __call__(self, rule: Rule) -> bool:
        return bool(self.targets) and about(rule) in self.targets
