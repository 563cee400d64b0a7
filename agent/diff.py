"""`upheld diff`: what changed between two estates, and which verdicts changed with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import run
from agent.cli import BROKEN, UNPROVEN, UPHELD
from agent.collect.estate import read_estate
from agent.publish.text import printable
from agent.run import Inputs
from checks.model import Estate, Resource
from checks.verdict import Verdict

Key = tuple[str, str, str, str]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Change:
    """A resource that came, went, or has another value at `members`: path -> (before, after)."""

    what: str
    key: Key
    members: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Turn:
    """A finding whose verdict is another one; None where there is none on that side."""

    id: str
    rule: str
    resource: Mapping[str, str]
    before: str | None
    after: str | None
    explanation: str


def changes(before: Estate, after: Estate) -> list[Change]:
    old, new = _keyed(before), _keyed(after)
    found = [Change("gone", key, {}) for key in old.keys() - new.keys()]
    found += [Change("new", key, {}) for key in new.keys() - old.keys()]
    for key in old.keys() & new.keys():
        members = dict(_differences(old[key].data, new[key].data, ""))
        if old[key].tags != new[key].tags:
            members["(tags)"] = (old[key].tags, new[key].tags)
        if members:
            found.append(Change("changed", key, members))
    return sorted(found, key=lambda change: (change.key, change.what))


def turns(inputs: Inputs, before: Estate, after: Estate) -> list[Turn]:
    """Findings whose verdict differs, judged by the same rules and promises, each estate by its own time."""
    every = not inputs.promises.promises
    old, new = (
        {record["id"]: record for record in run.assess(inputs, estate, every=every, max_age=0, clock=run.Clock()).findings.records()}
        for estate in (before, after)
    )
    found = []
    for id_ in sorted(old.keys() | new.keys()):
        left, right = old.get(id_), new.get(id_)
        if (left and left["verdict"]) != (right and right["verdict"]):
            shown = right or left
            assert shown is not None
            sides = (left["verdict"] if left else None, right["verdict"] if right else None)
            found.append(Turn(id_, shown["rule"], shown["resource"], *sides, shown["explanation"]))
    return found


def show(inputs: Inputs, before: Path, after: Path, *, as_json: bool) -> int:
    """Print both; the exit code is the worst verdict that something turned to."""
    old, new = read_estate(before), read_estate(after)
    changed, turned = changes(old, new), turns(inputs, old, new)
    if as_json:
        record = {
            "schema": "upheld.diff/1",
            "resources": [{"what": one.what, "resource": list(one.key), "members": {name: [None if side is _ABSENT else side for side in held] for name, held in one.members.items()}} for one in changed],
            "verdicts": [{"id": one.id, "rule": one.rule, "resource": one.resource, "before": one.before, "after": one.after} for one in turned],
        }  # fmt: skip
        print(json.dumps(record, indent=2, sort_keys=True))
    else:
        for line in _lines(changed, turned):
            print(printable(line))
    ends = {one.after for one in turned}
    return BROKEN if Verdict.BROKEN in ends else UNPROVEN if Verdict.UNPROVEN in ends else UPHELD


def _lines(changed: list[Change], turned: list[Turn]) -> Iterator[str]:
    for change in changed:
        type_, account, region, id_ = change.key
        yield f"{change.what}  {type_} {id_} in {account}/{region}"
        for name, (left, right) in sorted(change.members.items()):
            yield f"    {name}: {_value(left)} -> {_value(right)}"
    for turn in turned:
        yield f"{turn.before or 'none'} -> {turn.after or 'none'}  {turn.rule}  {turn.resource['id']} in {turn.resource['account']}/{turn.resource['region']}"
        yield f"    {turn.explanation}"
    yield f"{len(changed)} resources differ, {len(turned)} verdicts changed"


def _value(value: Any) -> str:
    text = "absent" if value is _ABSENT else json.dumps(value, sort_keys=True)
    return text if len(text) <= 80 else text[:77] + "..."


def _differences(left: Any, right: Any, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differences(left.get(name, _ABSENT), right.get(name, _ABSENT), inner)
    elif left != right:
        yield path, (left, right)


def _keyed(estate: Estate) -> dict[Key, Resource]:
    return {(one.type, one.account, one.region, one.id): one for held in estate.resources.values() for one in held}
