"""The newest facts of each type and place, whichever run looked at them: what a run about a change takes all else from.

It is an estate in the state directory, made by the first run about everything and never older than this process. What a run looks at
takes the place of what was there; all else keeps its own looks and times, and grows old by them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from agent.collect.composing import Part, Wanted, compose
from agent.collect.estate import read_estate
from checks.catalogue import Catalogue
from checks.change import Unit
from checks.model import GLOBAL, Estate, Gap, Manifest, Reason, Scope

FOLDER: Final = "agent-picture"
_CLOUDS: Final = ("aws.", "azure.")


@dataclass(frozen=True, slots=True)
class Picture:
    """At `place`, once there is one, alone in its folder. `max_age`: how old what it shows may get."""

    place: Path
    catalogue: Catalogue
    max_age: timedelta

    @property
    def there(self) -> bool:
        return self.place.exists()

    def read(self, types: Collection[str]) -> Estate | None:
        """Some types of it; None where there is none yet. Raises EstateError."""
        return read_estate(self.place, types) if self.there else None

    def looked(self, fresh: Path, types: Collection[str]) -> None:
        """Put all that a run saw of some types in the place of what was there. Raises EstateError."""
        cloud = frozenset(one for one in types if one.startswith(_CLOUDS))
        part = Part(fresh, lambda type_, _, __: type_ in cloud)
        manifest = part.manifest()
        if not self.there:
            shutil.rmtree(self.place.parent, ignore_errors=True)  # what an agent before left is as old as nobody knows
            self.place.parent.mkdir(parents=True)
            self._take(replace(manifest, scope=Scope(manifest.scope.accounts, tuple(sorted(cloud)))), [part])
            return
        rest = Part(self.place, lambda type_, _, __: type_ not in cloud)
        held = rest.manifest().scope
        scope = Scope({**held.accounts, **manifest.scope.accounts}, tuple(sorted(cloud.union(held.types))))
        self._take(replace(manifest, scope=scope), [rest, part])

    def changed(self, fresh: Path, units: Collection[Unit]) -> None:
        """Put what a run saw of some units in the place of what was there. Raises EstateError."""
        part, rest = Part(fresh, self._within(units)), Part(self.place, self._outside(units))
        held, manifest = rest.manifest(), part.manifest()
        accounts = {name: tuple(sorted({*regions, *_locations(manifest, name)})) for name, regions in held.scope.accounts.items()}
        self._take(replace(held, scope=Scope(accounts, held.scope.types), finished=manifest.finished), [rest, part])

    def select(self, place: Path, types: Collection[str], fresh: Path, gaps: Iterable[Gap]) -> None:
        """An estate of some types of it, as of the end of a run, with what that run told of the agent's own runs, and with `gaps`. What
        nobody looked at for too long is one. Raises EstateError."""
        told = Part(fresh, lambda type_, _, __: not type_.startswith(_CLOUDS))
        manifest = told.manifest()
        stale = list(self._stale(types, manifest.now))
        old = self._within({Unit(gap.type, gap.account, gap.region) for gap in stale})
        part = Part(self.place, lambda type_, account, region: type_ in types and not old(type_, account, region))
        held = part.manifest()
        own = {name: regions for name, regions in manifest.scope.accounts.items() if name not in held.scope.accounts}
        kinds = {*types, *(one for one in manifest.scope.types if not one.startswith(_CLOUDS))}
        scope = Scope({**held.scope.accounts, **own}, tuple(sorted(kinds)))
        head = replace(manifest, identity={**held.identity, **manifest.identity}, endpoint=held.endpoint, scope=scope, source=held.source)
        compose(place, head, [told, part], [*gaps, *stale])

    def _take(self, manifest: Manifest, parts: list[Part]) -> None:
        made = self.place.with_name(f".{self.place.name}-new")
        shutil.rmtree(made, ignore_errors=True)
        compose(made, manifest, parts)
        was = self.place.with_name(f".{self.place.name}-old")
        shutil.rmtree(was, ignore_errors=True)
        if self.there:
            os.replace(self.place, was)
        os.replace(made, self.place)
        shutil.rmtree(was, ignore_errors=True)

    def _stale(self, types: Collection[str], now: datetime) -> Iterator[Gap]:
        """The units of which a look is too old, or in the future, the clock having been set back."""
        oldest: dict[Unit, str] = {}
        for _, line in Part(self.place, lambda type_, _, __: type_ in types).lines("looks.jsonl"):
            look = orjson.loads(line)
            unit = Unit(look["type"], look["account"], GLOBAL if self.catalogue[look["type"]].is_global else look["region"])
            oldest[unit] = min(oldest.get(unit, look["at"]), look["at"])
        for unit, at in sorted(oldest.items()):
            if abs(now - datetime.fromisoformat(at)) > self.max_age:
                yield Gap(unit.type, unit.account, unit.region, None, None, Reason.STALE, "", message=f"nobody looked since {at}")

    def _within(self, units: Collection[Unit]) -> Wanted:
        found, kinds = frozenset(units), self.catalogue

        def within(type_: str, account: str, region: str) -> bool:
            return type_ in kinds and Unit(type_, account, GLOBAL if kinds[type_].is_global else region) in found

        return within

    def _outside(self, units: Collection[Unit]) -> Wanted:
        within = self._within(units)
        return lambda type_, account, region: not within(type_, account, region)


def _locations(manifest: Manifest, account: str) -> Iterable[str]:
    """Where a subscription has something, which what was looked at just now may show for the first time. Which regions an account of
    AWS has, a look at a few of them does not show."""
    return manifest.scope.accounts.get(account, ()) if "-" in account else ()
