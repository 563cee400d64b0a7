"""`upheld diff`: what changed between two estates, and which verdicts changed with it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import run
from agent.collect.estate import read_estate
from agent.exits import BROKEN, UNPROVEN, UPHELD
from agent.publish.printable import printable
from agent.publish.result import Result
from agent.run import Inputs
from checks import paths
from checks.catalogue import Catalogue
from checks.model import Estate, Place, Resource, canonical
from checks.verdict import Verdict

Key = tuple[str, str, str, str]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that came, went, or has another value at `members`: path -> (before, after).

    It is `new` or `gone` where a complete listing shows that it is not in the other estate; else that estate does not tell,
    and it is `seen` or `unseen`.
    """

    what: str
    key: Key
    members: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Turn:
    """A finding whose verdict is another one; None where there is none on that side. `accepted` is about the later one."""

    id: str
    rule: str
    resource: Mapping[str, str]
    before: str | None
    after: str | None
    explanation: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class PromiseTurn:
    """A promise whose verdict is another one, and what is not seen of it that was."""

    id: str
    before: str | None
    after: str | None
    open: Verdict | None
    """The later verdict without what a person accepts."""
    missing: tuple[str, ...]


def changes(before: Estate, after: Estate, catalogue: Catalogue) -> list[Change]:
    """What differs, of the things themselves: when and from where they were seen (`shown`) is no change of theirs."""
    old, new = _keyed(before), _keyed(after)
    found = [Change("gone" if _lists(after, old[key]) else "unseen", key, {}) for key in old.keys() - new.keys()]
    found += [Change("new" if _lists(before, new[key]) else "seen", key, {}) for key in new.keys() - old.keys()]
    for key in old.keys() & new.keys():
        members = dict(_differences(_itself(old[key], catalogue), _itself(new[key], catalogue), ""))
        if old[key].tags != new[key].tags:
            members["(tags)"] = (old[key].tags, new[key].tags)
        if members:
            found.append(Change("changed", key, members))
    return sorted(found, key=lambda change: (change.key, change.what))


def _itself(resource: Resource, catalogue: Catalogue) -> Any:
    kind = catalogue.get(resource.type)
    return functools.reduce(paths.without, map(paths.parse, kind.shown), resource.data) if kind else resource.data


def _lists(estate: Estate, resource: Resource) -> bool:
    """Whether an estate shows all there is where a resource would be listed, and no gap stands for this one."""
    listing = estate.listing(resource.type, Place(resource.account, resource.listed_in or resource.region))
    return not isinstance(listing, tuple) and (resource.type, resource.account, resource.id, resource.region) not in estate.resource_gaps


def judged(inputs: Inputs, estate: Estate) -> Result:
    """An estate by the rules and promises that stand now, and by its own time."""
    return run.assess(inputs, estate, every=not inputs.promises.promises, max_age=0, clock=run.Clock())


def turns(before: Result, after: Result) -> list[Turn]:
    """Findings whose verdict differs, by resource and rule."""
    old, new = ({record["id"]: record for record in result.findings.records()} for result in (before, after))
    found = []
    for id_ in sorted(old.keys() | new.keys()):
        left, right = old.get(id_), new.get(id_)
        if (left and left["verdict"]) != (right and right["verdict"]):
            shown = right or left
            assert shown is not None
            sides = (left["verdict"] if left else None, right["verdict"] if right else None)
            found.append(Turn(id_, shown["rule"], shown["resource"], *sides, shown["explanation"], "accepted" in shown))
    return sorted(found, key=lambda turn: (*(turn.resource[name] for name in ("type", "account", "region", "id")), turn.rule, turn.id))


def promise_turns(before: Result, after: Result) -> list[PromiseTurn]:
    """Promises whose verdict differs, with what the later estate does not show and the earlier one did."""
    pairs = zip(before.promises, after.promises, strict=True)
    return [
        PromiseTurn(new.id, old.verdict, new.verdict, new.open, tuple(lack for lack in new.missing if lack not in old.missing))
        for old, new in pairs
        if old.verdict is not new.verdict
    ]


def show(inputs: Inputs, before: Path, after: Path, *, as_json: bool) -> int:
    """Print both; the exit code is the worst verdict that something turned to."""
    old, new = read_estate(before), read_estate(after)
    results = judged(inputs, old), judged(inputs, new)
    changed, turned, promises = changes(old, new, inputs.book.catalogue), turns(*results), promise_turns(*results)
    if as_json:
        record = {
            "schema": "upheld.diff/1",
            "resources": [{"what": one.what, "resource": list(one.key), "members": {name: _sides(*held) for name, held in one.members.items()}} for one in changed],
            "verdicts": [{"id": one.id, "rule": one.rule, "resource": one.resource, "before": one.before, "after": one.after} for one in turned],
            "promises": [{"id": one.id, "before": one.before, "after": one.after, "missing": one.missing} for one in promises],
        }  # fmt: skip
        print(json.dumps(record, indent=2, sort_keys=True))
    else:
        for line in _lines(changed, turned, promises):
            print(printable(line))
    ends = {one.after for one in turned if not one.accepted} | {one.open for one in promises}
    return BROKEN if Verdict.BROKEN in ends else UNPROVEN if Verdict.UNPROVEN in ends else UPHELD


def _sides(before: Any, after: Any) -> dict[str, Any]:
    """Both values; a side on which the member is absent is left out, as null is a value."""
    return {name: side for name, side in (("before", before), ("after", after)) if side is not _ABSENT}


def _lines(changed: list[Change], turned: list[Turn], promises: list[PromiseTurn]) -> Iterator[str]:
    for change in changed:
        type_, account, region, id_ = change.key
        yield f"{change.what}  {type_} {id_} in {account}/{region}"
        for name, (left, right) in sorted(change.members.items()):
            yield f"    {name}: {_value(left)} -> {_value(right)}"
    for turn in turned:
        yield f"{turn.before or 'none'} -> {turn.after or 'none'}  {turn.rule}  {turn.resource['id']} in {turn.resource['account']}/{turn.resource['region']}"
        yield f"    {turn.explanation}"
    for promise in promises:
        yield f"{promise.before or 'none'} -> {promise.after or 'none'}  promise {promise.id}"
        yield from (f"    not seen: {lack}" for lack in promise.missing)
    yield f"{len(changed)} resources differ, {len(turned) + len(promises)} verdicts changed"


def _value(value: Any) -> str:
    text = "absent" if value is _ABSENT else json.dumps(value, sort_keys=True)
    return text if len(text) <= 80 else text[:77] + "..."


def _differences(left: Any, right: Any, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differences(left.get(name, _ABSENT), right.get(name, _ABSENT), inner)
    elif left is _ABSENT or right is _ABSENT or canonical(left) != canonical(right):
        yield path, (left, right)


def _keyed(estate: Estate) -> dict[Key, Resource]:
    return {(one.type, one.account, one.region, one.id): one for held in estate.resources.values() for one in held}
