"""From findings to the answer: a verdict for each rule, each control, each promise, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.catalogue import Catalogue
from checks.control import Controls
from checks.judge import Bound, Population, key
from checks.logs.tables import TABLES
from checks.model import Estate
from checks.promise import Assumption, Promise, Promises, find_quote
from checks.universe import missing
from checks.verdict import Verdict, combine, proven


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule within a promise. A verdict of None is *not applicable*: `looks` show that its population is empty."""

    rule: str
    title: str
    type: str
    verdict: Verdict | None
    open: Verdict | None
    """The verdict without the findings that a person accepts."""
    counts: Mapping[str, int]
    accepted: int
    excluded: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    looks: tuple[str, ...]
    unseen: tuple[Unseen, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why findings of a rule are unproven: the reason, how many, and the permission that would mend it."""

    reason: str
    count: int
    action: str | None


@dataclass(frozen=True, slots=True)
class ControlSummary:
    id: str
    params: Mapping[str, object]
    verdict: Verdict | None
    open: Verdict | None
    rules: tuple[RuleSummary, ...]


@dataclass(frozen=True, slots=True)
class PromiseSummary:
    """A promise's verdict; None for one that nobody can verify. `open` is what the exit code goes by."""

    id: str
    quote: str
    policy: str | None
    file: str | None
    line: int | None
    quantifier: str
    reading: str
    verdict: Verdict | None
    open: Verdict | None
    controls: tuple[ControlSummary, ...]
    missing: tuple[str, ...]
    assumptions: tuple[str, ...]
    unverifiable: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """A policy's text as it was read, or why it could not be."""

    text: str | None
    problem: str = ""


def summarize_rule(bound: Bound, population: Population) -> RuleSummary:
    counts = population.counts
    verdict = combine(verdict for verdict, count in counts.items() if count)
    rest = {**counts, Verdict.BROKEN: counts[Verdict.BROKEN] - population.accepted}
    return RuleSummary(
        bound.rule.id,
        bound.rule.file.title,
        bound.rule.kind,
        verdict,
        combine(verdict for verdict, count in rest.items() if count),
        {str(verdict): count for verdict, count in counts.items()},
        population.accepted,
        tuple(sorted(population.excluded)),
        tuple(sorted(population.out_of_scope)),
        tuple(sorted(population.looks)),
        tuple(Unseen(reason, count, action or None) for (reason, action), count in sorted(population.reasons.items())),
    )


def summarize(
    estate: Estate,
    catalogue: Catalogue,
    controls: Controls,
    promises: Promises,
    texts: Mapping[str, Text],
    bound: Sequence[Bound],
    populations: Mapping[tuple[str, str], Population],
) -> list[PromiseSummary]:
    """Every promise in the order of the file."""
    return [_promise(promise, estate, catalogue, controls, promises, texts, bound, populations) for promise in promises.promises]


def _promise(
    promise: Promise,
    estate: Estate,
    catalogue: Catalogue,
    controls: Controls,
    promises: Promises,
    texts: Mapping[str, Text],
    bound: Sequence[Bound],
    populations: Mapping[tuple[str, str], Population],
) -> PromiseSummary:
    policy = promises.policy(promise.policy)
    file = policy.file if policy else None
    line, lack = _quoted(promise, file, texts)
    lacks = [lack] if lack else []
    parts: tuple[ControlSummary, ...] = ()
    verdict: Verdict | None = None
    open_: Verdict | None = None
    assumed: list[str] = []
    if not promise.unverifiable:
        parts = tuple(_control(promise, binding.id, binding.params, bound, populations) for binding in promise.controls)
        unseen, assumed = _universe(
            estate, promise, controls, catalogue, _judged(promise, bound, catalogue), _clouds(promise, bound), promises.assume
        )
        lacks += [*unseen, *(f"no rule judges {part.id}" for part in parts if not part.rules)]
        # What is no longer promised cannot be broken, and nobody has confirmed what is promised now.
        verdict, open_ = (Verdict.UNPROVEN, Verdict.UNPROVEN) if lack else _verdicts(parts, unproven=bool(lacks))
    return PromiseSummary(
        promise.id, promise.quote, promise.policy, file, line or promise.line, promise.quantifier, promise.reading,
        verdict, open_, parts, tuple(lacks), tuple(assumed), promise.unverifiable,
    )  # fmt: skip


def _judged(promise: Promise, bound: Sequence[Bound], catalogue: Catalogue) -> dict[str, set[str]]:
    """Per control of the promise, the kinds of resource that its rules judge."""
    judged: dict[str, set[str]] = {}
    for one in bound:
        if promise in one.promises:
            kinds = catalogue[one.rule.kind].known_as if one.rule.file.rows is None else ()
            judged.setdefault(one.rule.file.control, set()).update(kinds, one.rule.file.covers)
    return judged


def _clouds(promise: Promise, bound: Sequence[Bound]) -> dict[str, set[str]]:
    """Per control of the promise, whose things its rules judge: of AWS, of Azure, of both."""
    clouds: dict[str, set[str]] = {}
    for one in bound:
        if promise in one.promises:
            rows = one.rule.file.rows
            clouds.setdefault(one.rule.file.control, set()).add(TABLES[rows].provider if rows else one.rule.kind.partition(".")[0])
    return clouds


def _verdicts(parts: Sequence[ControlSummary], *, unproven: bool) -> tuple[Verdict, Verdict]:
    """The promise's verdict, and the one without what a person accepts. Nothing but accepted findings stays open as upheld."""
    outside = [Verdict.UNPROVEN] if unproven else []
    verdict = proven(combine([*(part.verdict for part in parts), *outside]))
    rest = combine([*(part.open for part in parts), *outside])
    return verdict, (rest or Verdict.UPHELD) if verdict is Verdict.BROKEN else verdict


def _quoted(promise: Promise, file: str | None, texts: Mapping[str, Text]) -> tuple[int | None, str]:
    """The line on which the quote stands, or what is wrong."""
    if promise.policy is None:
        return None, ""
    text = texts[promise.policy]
    if text.text is None:
        return None, f"the policy text could not be read: {text.problem}"
    line = find_quote(promise.quote, text.text)
    return line, "" if line else f"the quoted sentence does not stand in {file} (any more): confirm the promise again"


def _control(
    promise: Promise,
    control: str,
    params: Mapping[str, object],
    bound: Sequence[Bound],
    populations: Mapping[tuple[str, str], Population],
) -> ControlSummary:
    rules = tuple(
        summarize_rule(one, populations[promise.id, key(one)])
        for one in bound
        if one.rule.file.control == control
        and promise in one.promises
        and key(one) == key(replace(one, params=one.rule.params(params), given=params))
    )
    return ControlSummary(control, params, combine(rule.verdict for rule in rules), combine(rule.open for rule in rules), rules)


def _universe(
    estate: Estate,
    promise: Promise,
    controls: Controls,
    catalogue: Catalogue,
    judged: dict[str, set[str]],
    clouds: dict[str, set[str]],
    assume: Iterable[Assumption],
) -> tuple[list[str], list[str]]:
    """What of the universe nobody saw, and the assumptions that stand in for the rest of it."""
    today = estate.manifest.now.date()
    assumptions = list(assume)
    gaps: list[str] = []
    used: list[str] = []
    if estate.manifest.asserted_complete_by:
        used.append(f"{estate.manifest.asserted_complete_by} asserts that the imported files hold all there is")
    for lack in missing(estate, promise, controls, catalogue, judged, clouds):
        fitting = [assumption for assumption in assumptions if lack.covered_by(assumption)]
        if current := [assumption for assumption in fitting if assumption.expires >= today]:
            used += [str(assumption) for assumption in current if str(assumption) not in used]
        else:
            expired = f"; the assumption of {fitting[0].owner} expired on {fitting[0].expires}" if fitting else ""
            gaps.append(lack.what + expired)
    return gaps, used
