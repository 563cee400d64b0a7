"""Rules over rows, judged for one log source at a time: from counts to verdicts, each joined with what is known of completeness.

A row that breaks a promise breaks it wherever it comes from. That no row does is worth only as much as the log is complete:
of an hour that nobody can show to be whole, "no counterexample in N rows" is all that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks import counterexample
from checks.logs.partial import Cell, Key, Partial, Sample, Scalar, Tally, merge
from checks.logs.partial import verdict as of_rows
from checks.logs.rows import rfc3339
from checks.logs.source import SOURCE, Sources, doubted, proven_hours, question, unproven_hours
from checks.model import GLOBAL, Estate, Evidence, Gap, Reason, Resource, digest, provider
from checks.rule import Rule
from checks.verdict import Verdict

ASSUME = "assume"


@dataclass(frozen=True, slots=True)
class Part:
    """What a rule comes to over a part of a source: the rows of one group, or all that no other part is about."""

    id: str
    verdict: Verdict
    evidence: Evidence
    explanation: str
    counterexample: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    values: tuple[Scalar, ...]
    cells: Mapping[Cell, Tally]
    samples: tuple[Sample, ...]
    hours: Mapping[datetime | None, int]
    """How many rows of each hour break the rule."""

    @property
    def verdict(self) -> Verdict | None:
        return of_rows(self.cells)

    def tally(self, *cells: Cell) -> Tally:
        found = [self.cells[cell] for cell in cells if cell in self.cells]
        return sum(found[1:], found[0]) if found else Tally(0, None, None)

    @property
    def breaking(self) -> Tally:
        return self.tally((True, False))

    @property
    def undecided(self) -> Tally:
        return self.tally((True, None), (None, True), (None, False), (None, None))

    @property
    def judged(self) -> Tally:
        return self.tally((True, True), (True, False), (True, None), (None, True), (None, False), (None, None))


@dataclass
class Logs:
    """The log sources of one estate, judged."""

    estate: Estate

    def __post_init__(self) -> None:
        self.sources = Sources(self.estate)

    def of(self, rule: Rule) -> list[Resource]:
        """The sources whose rows a rule is about."""
        return self.sources.of(rule.kind)

    def unread(self, rule: Rule) -> Iterator[Gap]:
        """A gap for each account of the log's provider of which there is no source, where the rule is nothing without it."""
        terms, read = rule.terms, {source.account for source in self.of(rule)}
        if not rule.file.required or terms is None:
            return
        for account in sorted(set(self.estate.manifest.scope.accounts) - read):
            if provider(account) == terms.table.provider:
                message = f"no log source of {rule.kind} is configured for this account"
                yield Gap(rule.kind, account, GLOBAL, None, None, Reason.NOT_COLLECTED, "", message=message)

    def judge(self, rule: Rule, params: Mapping[str, Any], source: Resource, doubt: str = "") -> Iterator[Part]:
        """A part for each group of rows that breaks the rule or leaves it undecided, and one for all others, unless a complete
        log shows that the rule applies to none. `doubt`: why rows that break nothing prove nothing, whatever the log shows."""
        looks = tuple(sorted(set(source.evidence) & self.estate.looks_by_id.keys()))
        assumptions = assumed(source)
        gaps = self.estate.resource_gaps.get((SOURCE, source.account, source.id, source.region), ())
        counted = self.sources.counts(source, question(rule, params, self.estate.manifest.now))
        if counted is None:
            gap = Gap(
                rule.kind, source.account, source.region, source.id, None, Reason.NOT_COLLECTED, "",
                message="not all its rows were counted by this rule under these parameters",
            )  # fmt: skip
            yield Part(source.id, Verdict.UNPROVEN, Evidence(gaps=(gap,)), f"Not decided: {gap.message}.")
            return
        groups = _groups(merge(counted))
        for group in groups:
            match group.verdict:
                case Verdict.BROKEN:
                    yield self._broken(rule, _id(source, group), group, looks)
                case Verdict.UNPROVEN:
                    yield self._undecided(rule, _id(source, group), group, looks)
        rest = [group for group in groups if group.verdict is Verdict.UPHELD]
        if part := self._rest(rule, source, rest, looks, assumptions, gaps, doubt):
            yield part

    def _broken(self, rule: Rule, id_: str, group: _Group, looks: tuple[str, ...]) -> Part:
        breaking, of = group.breaking, group.judged
        told = f"{breaking.count:,} of {_rows(of.count)}{_named(rule, group)}{_span(breaking)}"
        if group.samples:
            told += f", such as line {group.samples[0].line} of {group.samples[0].object_}"
        samples = [_shown(sample) for sample in group.samples]
        values = {"told": told, **_values(rule, group, breaking), "of": of.count, "samples": samples}
        return Part(
            id_,
            Verdict.BROKEN,
            Evidence(looks, values),
            f"Not so: {rule.file.title} ({told}).",
            counterexample.of_rows(digest([list(group.values)]), group.hours),
        )

    def _undecided(self, rule: Rule, id_: str, group: _Group, looks: tuple[str, ...]) -> Part:
        undecided = group.undecided
        told = f"{undecided.count:,} of {_rows(group.judged.count)}{_named(rule, group)}{_span(undecided)}"
        values = {**_values(rule, group, undecided), "of": group.judged.count}
        why = "do not say enough to decide it"
        return Part(id_, Verdict.UNPROVEN, Evidence(looks, values), f"Not decided: {told} {why}.")

    def _rest(
        self, rule: Rule, source: Resource, groups: Sequence[_Group], looks: tuple[str, ...], assumptions: tuple[str, ...],
        gaps: tuple[Gap, ...], doubt: str,
    ) -> Part | None:  # fmt: skip
        total = sum((group.judged.count for group in groups), 0)
        lacking, proven = unproven_hours(source.data), proven_hours(source.data)
        told = f"{_rows(total)} that it applies to" if rule.file.applies_if else _rows(total)
        values = {"rows": total, "hours": {"proven": len(proven), "not_proven": len(lacking)}}
        if not looks:
            why = "the estate holds no look behind this source"
        elif gaps:
            why = f"{gaps[0].message or gaps[0].code} ({gaps[0].reason})"
        elif lacks := doubted(source.data):
            why = lacks
        elif doubt:
            why = doubt
        elif not total:
            return None
        else:
            sentence = f"{rule.file.title}: so it is in {told}, and each of {_hours(len(proven))} is proven to be complete."
            if assumptions:
                sentence = f"{rule.file.title}: so it is in {told}; that none is missing is assumed ({assumptions[0]})."
            return Part(source.id, Verdict.UPHELD, Evidence(looks, values, assumptions=assumptions), sentence)
        return Part(
            source.id,
            Verdict.UNPROVEN,
            Evidence(looks, values, gaps, assumptions),
            f"Not decided: there is no counterexample in {told}, but {why}.",
        )


def _groups(counted: Partial) -> list[_Group]:
    """The rows that a rule applies to, or may, by group; hours put together."""
    cells: dict[tuple[Scalar, ...], dict[Cell, Tally]] = {}
    samples: dict[tuple[Scalar, ...], list[Sample]] = {}
    keys: dict[tuple[Scalar, ...], Key] = {}
    hours: dict[tuple[Scalar, ...], dict[datetime | None, int]] = {}
    for key in sorted(counted.cells, key=lambda key: key.order):
        held = {cell: tally for cell, tally in counted.cells[key].items() if cell[0] is not False}
        if not held:
            continue
        keys.setdefault(key.group, key)
        into = cells.setdefault(key.group, {})
        for cell, tally in held.items():
            into[cell] = into[cell] + tally if cell in into else tally
        if breaking := held.get((True, False)):
            by_hour = hours.setdefault(key.group, {})
            by_hour[key.hour] = by_hour.get(key.hour, 0) + breaking.count
        samples.setdefault(key.group, []).extend(counted.samples.get(key, ()))
    return [
        _Group(group, cells[group], tuple(sorted(samples[group], key=lambda one: one.order)[:3]), hours.get(group, {})) for group in keys
    ]


def _id(source: Resource, group: _Group) -> str:
    """A readable id; where another group could be written alike, as `a/b`, `c` and `a`, `b/c`, a digest tells it apart. It goes by the
    group alone: an id that other groups have a say in would change as they come and go. The source's own is that of what they are not
    about."""
    named = ["-" if value is None else str(value) for value in group.values] or ["*"]
    id_ = "/".join([source.id, *named])
    doubtful = any("#" in name or (len(named) > 1 and "/" in name) for name in named) or "-" in group.values
    return f"{id_}#{digest(list(group.values))[:8]}" if doubtful else id_


def _values(rule: Rule, group: _Group, tally: Tally) -> dict[str, Any]:
    named = dict(zip(rule.file.group_by, group.values, strict=True))
    return {**({"group": named} if named else {}), "rows": tally.count, "first": _stamp(tally.first), "last": _stamp(tally.last)}


def _shown(sample: Sample) -> dict[str, Any]:
    return {"time": _stamp(sample.time), "object": sample.object_, "line": sample.line, **dict(sample.shown)}


def _named(rule: Rule, group: _Group) -> str:
    said = [f"{name} {'unknown' if value is None else value}" for name, value in zip(rule.file.group_by, group.values, strict=True)]
    return f" with {', '.join(said)}" if said else ""


def _span(tally: Tally) -> str:
    if tally.first is None:
        return ""
    first, last = _stamp(tally.first), _stamp(tally.last)
    return f", at {first}" if first == last else f", from {first} to {last}"


def assumed(source: Resource) -> tuple[str, ...]:
    """What stands in for a proof that a log source is complete: what somebody says."""
    if source.data.get("Completeness") != ASSUME:
        return ()
    if by := source.data.get("AssertedBy"):
        return (f"{by} asserts that the files hold every row there was",)
    return (f"the configuration says that the log source {source.id} is to be taken for complete",)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _hours(count: int) -> str:
    return f"{count:,} hour{'s' if count != 1 else ''}"


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
