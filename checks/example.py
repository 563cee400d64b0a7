"""Runs a rule's own examples, and the mutants of its upheld ones: adding a rule touches one file, its tests included."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from checks import paths
from checks.catalogue import Catalogue, Kind
from checks.judge import Bound, judge
from checks.logs.rows import NoRow, check
from checks.logs.runtime import of_row
from checks.logs.table import Table
from checks.model import GLOBAL, Estate, Finding, Look, Manifest, Reading, Resource, Scope, digest
from checks.paths import ELEMENT, Path
from checks.rule import Rule
from checks.verdict import Verdict, combine

ACCOUNTS = {"azure": "7b0c2c4e-0000-4000-8000-000000000001", "tls": "tls"}
ACCOUNT, REGION, NOW = "111122223333", "eu-central-1", "2026-01-01T00:00:00Z"
UNKNOWN = "unknown-mutant"


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that did not come out as the file says."""

    rule: str
    line: int | None
    problem: str


def run(rule: Rule, catalogue: Catalogue) -> Iterator[Failure]:
    """Every example against the verdict it stands under, then every mutant of the upheld ones."""
    readings: list[Reading] = ["substance", *([] if rule.literal_if is None else ["literal"])]  # type: ignore[list-item]
    for group in ("upheld", "differing", "broken", "unproven", "excluded"):
        for index, example in enumerate(getattr(rule.file.examples, group)):
            for reading in readings:
                wanted = group if group != "differing" else "upheld" if reading == "substance" else "broken"
                found, why = outcome(rule, catalogue, example, reading)
                how = ", read word for word" if reading == "literal" else ""
                if found != wanted:
                    line = rule.document.line(("examples", group, index))
                    yield Failure(rule.id, line, f"example {group}[{index}] came out {found}{how}: {why}")
    if rule.file.paths is not None:
        return  # most members of a network make no difference to a path; the prover's own laws hold for those that do
    for reading in readings:
        for index, example in enumerate(rule.file.examples.upheld):
            yield from _mutants(rule, catalogue, example, index, reading)


def outcome(rule: Rule, catalogue: Catalogue, example: Mapping[str, Any], reading: Reading = "substance") -> tuple[str, str]:
    """The verdict that a rule comes to on an example (or `excluded`), and its explanation."""
    if rule.file.paths is not None:
        return _of_networks(rule, catalogue, example)
    if rule.terms is not None:
        return of_row(rule, rule.terms.table, *_row(example), NOW)
    given, others, params = _parts(example)
    estate = _estate(rule.kind, catalogue, given, others)
    bound = Bound(rule, rule.params(params), {}, (), reading)
    findings = [finding for finding in judge(estate, catalogue, [bound], {}) if _about_example(finding, rule)]
    if not findings:
        return "excluded", "applies_if left it out"
    return str(findings[0].verdict), findings[0].explanation


def _of_networks(rule: Rule, catalogue: Catalogue, example: Mapping[str, Any]) -> tuple[str, str]:
    """The verdict over all networks of an example: a small estate by type, under `estate`, and `params`."""
    held = {**rule.file.examples.base, **example["estate"]}
    estate = _estate(rule.kind, catalogue, None, held, example.get("unseen", ()))
    bound = Bound(rule, rule.params(example.get("params", {})), {}, ())
    findings = list(judge(estate, catalogue, [bound], {}))
    verdict = combine(finding.verdict for finding in findings)
    return str(verdict or "not applicable"), "; ".join(finding.explanation for finding in findings if finding.verdict is verdict)


def _about_example(finding: Finding, rule: Rule) -> bool:
    return finding.resource.type == rule.kind and finding.resource.id == "example"


def _parts(example: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, list[Mapping[str, Any]]], Mapping[str, Any]]:
    if "given" not in example:
        return example, {}, {}
    return example["given"], example.get("with", {}), example.get("params", {})


def _estate(
    type_: str,
    catalogue: Catalogue,
    given: Mapping[str, Any] | None,
    others: Mapping[str, list[Mapping[str, Any]]],
    unseen: Iterable[str] = (),
) -> Estate:
    """A small estate in which every listing was read but those of types that are `unseen`."""
    resources: dict[str, list[Resource]] = {}
    account = ACCOUNTS.get(type_.partition(".")[0], ACCOUNT)
    looks = [_look(name, account, _region(catalogue[name])) for name in sorted({type_, *catalogue} - set(unseen))]
    for name, held in [*([(type_, [given])] if given is not None else []), *others.items()]:
        for number, data in enumerate(held):
            id_ = "example" if data is given else str(paths.first(data, paths.parse(catalogue[name].id)) or f"{name}-{number}")
            region = _region(catalogue[name])
            resources.setdefault(name, []).append(Resource(id_, name, account, region, data, _tags(data), (_id(name),)))
    manifest = Manifest("upheld.estate/1", NOW, NOW, "examples", {}, None, Scope({account: (REGION,)}, tuple(sorted(catalogue))))
    return Estate(manifest, {name: tuple(held) for name, held in resources.items()}, tuple(looks), ())


@cache  # the same few hundred for each of thousands of estates
def _look(type_: str, account: str, region: str) -> Look:
    return Look(_id(type_), account, region, type_, "example", None, 1, 0, NOW, None, "")


@cache
def _id(type_: str) -> str:
    return digest(type_)


def _region(kind: Kind) -> str:
    return GLOBAL if kind.is_global else REGION


def _tags(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Tags where an example gives them as AWS does; without, it has none."""
    return {tag["Key"]: tag["Value"] for tag in data.get("Tags", data.get("TagSet", []))}


def _mutants(rule: Rule, catalogue: Catalogue, example: Mapping[str, Any], index: int, reading: Reading) -> Iterator[Failure]:
    if rule.terms is not None:
        yield from _mutant_rows(rule, rule.terms.table, example, index)
        return
    given, others, params = _parts(example)
    mutants = [(mutation, path, {"given": mutant, "with": others}) for mutation, path, mutant in mutate(given)]
    for type_, held in others.items():
        names = {paths.parse(path) for path in (catalogue[type_].id, *catalogue[type_].aliases)}  # whose data it is, not what is judged
        for place, other in enumerate(held):
            for mutation, path, mutant in (one for one in mutate(other) if one[1] not in names):
                changed = [*held[:place], mutant, *held[place + 1 :]]
                mutants.append((mutation, (*paths.parse(type_), *path), {"given": given, "with": {**others, type_: changed}}))
    for mutation, path, mutant in mutants:
        if any(entry.covers(mutation, path) for entry in rule.file.intended):
            continue
        found, _ = outcome(rule, catalogue, {**mutant, "params": params}, reading)
        if found == Verdict.UPHELD:
            yield _unharmed(rule, index, mutation, path)


def _mutant_rows(rule: Rule, table: Table, example: Mapping[str, Any], index: int) -> Iterator[Failure]:
    """The mutants of a row that its table can hold at all."""
    given, params = _row(example)
    asked = {reference.path[0] for reference in rule.references}
    for mutation, path, mutant in mutate(given):
        if path[0] not in asked:
            continue  # columns that only group: a row without them is a row
        try:
            check(table, mutant)
        except NoRow:
            continue
        if (
            not any(entry.covers(mutation, path) for entry in rule.file.intended)
            and of_row(rule, table, mutant, params, NOW)[0] == Verdict.UPHELD
        ):
            yield _unharmed(rule, index, mutation, path)


def _unharmed(rule: Rule, index: int, mutation: str, path: Path) -> Failure:
    return Failure(
        rule.id, rule.document.line(("examples", "upheld", index)),
        f"example upheld[{index}] stays upheld with {paths.render(path)} changed ({mutation}): if that is meant,"
        f" say so with `intended: - {{{mutation}: {paths.render(path)}, because: ...}}`",
    )  # fmt: skip


def _row(example: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(row, parameters)"""
    return (example["given"], example.get("params", {})) if "given" in example else (example, {})


def mutate(data: Mapping[str, Any]) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Every mutant that differs in one member: (mutation, path of the member, the mutant)."""
    for steps, value in list(_members(data, ())):
        path = tuple(ELEMENT if isinstance(step, int) else step for step in steps)
        for mutation, replaced in _replacements(value):
            if mutation == "delete" and isinstance(steps[-1], int):
                continue  # a shorter list is another list; the emptied one is a mutant of its own
            mutant = copy.deepcopy(dict(data))
            holder: Any = mutant
            for step in steps[:-1]:
                holder = holder[step]
            if mutation == "delete":
                del holder[steps[-1]]
            else:
                holder[steps[-1]] = replaced
            yield mutation, path, mutant


def _members(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, held in items:
        yield (*steps, step), held
        yield from _members(held, (*steps, step))


def _replacements(value: Any) -> Iterator[tuple[str, Any]]:
    yield "delete", None
    if value is not None:
        yield "null", None
    match value:
        case bool():
            yield "text", "true" if value else "false"
        case int() | float():
            yield "text", str(value)
        case str() if value:
            yield "empty", ""
            yield "unknown", UNKNOWN
        case dict() if value:
            yield "empty", {}
        case list() if value:
            yield "empty", []
