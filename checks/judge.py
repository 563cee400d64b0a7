"""estate x rules x promises -> findings. Pure: the same input gives the same findings, on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checks import paths, referred, telling
from checks.catalogue import Catalogue
from checks.expression import Condition, Outcome, evaluate
from checks.judge_paths import Networks
from checks.judge_rows import Logs, assumed
from checks.logs.source import SOURCE
from checks.model import (
    GLOBAL,
    LISTING,
    Asserted,
    Estate,
    Evidence,
    Finding,
    Gap,
    Look,
    OtherReading,
    Place,
    Reading,
    Reason,
    Resource,
    Subject,
    can_hold,
    digest,
)
from checks.network.body import Body
from checks.plan import TAGS
from checks.promise import Acceptance, Promise
from checks.rule import Rule
from checks.runs import ACCOUNT as RUNS
from checks.runs import RUN
from checks.tls.endpoint import ACCOUNT as ENDPOINTS
from checks.tls.endpoint import TYPE as ENDPOINT
from checks.verdict import Verdict
from checks.world import EstateWorld


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule under the parameters of the promises that bind it; no promises where all rules are asked for."""

    rule: Rule
    params: Mapping[str, Any]
    given: Mapping[str, Any]
    promises: tuple[Promise, ...]
    reading: Reading = "substance"

    @property
    def unknown(self) -> list[str]:
        """Parameters that a promise gives and this rule neither takes nor says it may ignore."""
        return sorted(set(self.given) - set(self.params) - set(self.rule.file.ignores))

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells it from the same rule under other parameters, or read otherwise."""
        literally = {"reading": self.reading} if self.reading == "literal" and self.rule.file.literal_if is not None else {}
        return {**self.params, **dict.fromkeys(self.unknown), **literally}


@dataclass(slots=True)
class Population:
    """What a bound rule was held against."""

    counts: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    excluded: list[str] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    reasons: dict[tuple[str, str], int] = field(default_factory=dict)
    """(why something was not seen, the permission it needs) -> how many findings are unproven for it."""
    accepted: int = 0


def bind(rules: Iterable[Rule], promises: Iterable[Promise], *, every: bool) -> list[Bound]:
    """Rules with the parameters they are to be judged by: one entry for each rule and different parameters."""
    held: dict[str, tuple[Bound, list[Promise]]] = {}
    decidable = [promise for promise in promises if not promise.unverifiable]
    for rule in sorted(rules, key=lambda rule: rule.id):
        for promise in decidable:
            for binding in promise.controls:
                if binding.id == rule.file.control:
                    one = Bound(rule, rule.params(binding.params), binding.params, (), promise.reading)
                    readers = held.setdefault(key(one), (one, []))[1]
                    if promise not in readers:
                        readers.append(promise)
        if every:
            one = Bound(rule, rule.params({}), {}, ())
            held.setdefault(key(one), (one, []))
    return [replace(one, promises=tuple(readers)) for one, readers in held.values()]


def judge(
    estate: Estate,
    catalogue: Catalogue,
    bound: Iterable[Bound],
    populations: dict[tuple[str, str], Population],
    exceptions: Mapping[str, Acceptance] | None = None,
    *,
    stale: Callable[[Rule], bool] = lambda _: False,
) -> Iterator[Finding]:
    """One finding for each rule and resource, and one for each listing that could not be told.

    `populations` is filled as the findings come: by (promise id or "", bound rule key). `stale`: whether what a rule judges is too old.
    Raises HelperBug.
    """
    judge_ = _Judge(estate, catalogue, EstateWorld(estate, catalogue), Networks(estate), Logs(estate), exceptions or {}, stale)
    for one in bound:
        yield from judge_.rule(one, populations)


def key(bound: Bound) -> str:
    return digest(bound.rule.id, bound.identity)


def finding_id(bound: Bound, subject: Subject) -> str:
    """The id of what a bound rule says of a subject, the same in every run."""
    return digest(bound.rule.id, [subject.type, subject.account, subject.region, subject.id], bound.identity)


@dataclass(slots=True)
class _Judge:
    estate: Estate
    catalogue: Catalogue
    world: EstateWorld
    networks: Networks
    logs: Logs
    exceptions: Mapping[str, Acceptance]
    stale: Callable[[Rule], bool]

    def rule(self, bound: Bound, populations: dict[tuple[str, str], Population]) -> Iterator[Finding]:
        readers: list[Promise | None] = [*bound.promises] or [None]
        held = {
            reader.id if reader else "": populations.setdefault((reader.id if reader else "", key(bound)), Population())
            for reader in readers
        }
        if bound.rule.file.rows is not None:
            yield from self._rows(bound, readers, held)
            return
        for place in self._places(bound.rule):
            yield from self._listing(bound, place, readers, held)
        for resource in self.estate.of(bound.rule.kind):
            yield from self._resource(bound, resource, readers, held)
        if bound.rule.file.paths is not None:
            for resource in self.networks.apart(bound.rule.file.paths, bound.params, bound.rule.kind):
                yield from self._resource(bound, resource, readers, held)
        yield from self._unseen(bound, readers, held)

    def _unseen(self, bound: Bound, readers: list[Promise | None], held: Mapping[str, Population]) -> Iterator[Finding]:
        """Resources that are known only by the gap they left."""
        rule = bound.rule
        kinds = [rule.kind, *(self.networks.beside(rule.file.paths, rule.kind) if rule.file.paths is not None else ())]
        seen = {(kind, one.account, one.id, one.region) for kind in kinds for one in self.estate.of(kind)}
        for (type_, account, id_, region), gaps in sorted(self.estate.resource_gaps.items(), key=lambda item: item[0]):
            if type_ in kinds and (type_, account, id_, region) not in seen:
                binding = [reader for reader in readers if reader is None or reader.scope.has_place(Place(account, region))]
                if binding:
                    subject, sentence = Subject(type_, id_, account, region), f"Not decided: {telling.of_gap(gaps[0])}."
                    yield self._finding(bound, subject, Verdict.UNPROVEN, Evidence(gaps=gaps), sentence, binding, held, "")

    # -- the rows of logs ----------------------------------------------------------------------------------------

    def _rows(self, bound: Bound, readers: list[Promise | None], held: Mapping[str, Population]) -> Iterator[Finding]:
        """The sources of the table, and the accounts of which there is none where the rule cannot do without."""
        rule = bound.rule
        for gap in self.logs.unread(rule):
            binding = [reader for reader in readers if reader is None or reader.scope.has_account(gap.account)]
            if binding:
                subject, sentence = Subject(rule.kind, LISTING, gap.account, gap.region), f"Not decided: {telling.of_gap(gap)}."
                yield self._finding(bound, subject, Verdict.UNPROVEN, Evidence(gaps=(gap,)), sentence, binding, held, "")
        for source in self.logs.of(rule):
            binding = [reader for reader in readers if reader is None or reader.scope.has_account(source.account)]
            unsure = [reader for reader in binding if reader is not None and reader.scope.narrower]
            parts = list(self.logs.judge(rule, bound.params, source, _unjudged(bound))) if binding else []
            for part in parts:
                verdict, evidence, sentence = part.verdict, part.evidence, part.explanation
                subject = Subject(rule.kind, part.id, source.account, source.region)
                if self.stale(rule):
                    gap = referred.stale(rule.kind, source.place, source.id)
                    verdict, evidence, sentence = Verdict.UNPROVEN, Evidence(gaps=(gap,)), f"Not decided: {telling.of_gap(gap)}."
                elif unsure and len(unsure) == len(binding) and verdict is not Verdict.UNPROVEN:
                    doubt = f"rows do not tell whether {_listed(unsure)} speaks of them: its scope is narrower than the account"
                    verdict, sentence = Verdict.UNPROVEN, f"Not decided: {doubt}."
                broken = part.counterexample if verdict is Verdict.BROKEN else ""
                yield self._finding(bound, subject, verdict, evidence, sentence, binding, held, broken, unsure)
            for reader in () if parts else binding:
                held[reader.id if reader else ""].looks.extend(source.evidence)

    # -- what there is of a type ----------------------------------------------------------------------------------

    def _places(self, rule: Rule) -> list[Place]:
        """Where resources of the rule's type are to be expected: what was collected, and wherever a gap says so."""
        kind = self.catalogue[rule.kind]
        places = self.estate.manifest.scope.places(everywhere=not kind.is_global)
        found = {place for place in places if can_hold(place.account, rule.kind)}
        found |= {place for type_, place in self.estate.listing_gaps if type_ == rule.kind}
        if rule.kind == ENDPOINT:  # endpoints are in no account: where nobody looked for any, that is to be told
            found.add(Place(ENDPOINTS, GLOBAL))
        if rule.kind == RUN:  # nor are the agent's own runs
            found.add(Place(RUNS, GLOBAL))
        return sorted(found)

    def _listing(self, bound: Bound, place: Place, readers: list[Promise | None], held: Mapping[str, Population]) -> Iterator[Finding]:
        rule = bound.rule
        listing: Look | Asserted | tuple[Gap, ...]
        if self.catalogue[rule.kind].pseudo:
            here = any(resource.place == place for resource in self.estate.of(rule.kind))
            listing = self.estate.listing_gaps.get((rule.kind, place), ())
            if here and not listing:
                return
            listing = listing or (
                Gap(rule.kind, place.account, place.region, None, None, Reason.NOT_COLLECTED, "", message="nobody looked"),
            )
        else:
            listing = self.estate.listing(rule.kind, place)
        if self.stale(rule) and not isinstance(listing, tuple):
            listing = (referred.stale(rule.kind, place, None),)
        binding = [reader for reader in readers if reader is None or reader.scope.has_place(place)]
        for reader in binding:
            if isinstance(listing, Look):
                held[reader.id if reader else ""].looks.append(listing.id)
        missing = [(rule.kind, listing)] if isinstance(listing, tuple) else []
        if rule.file.paths is not None:
            missing += self.networks.unlisted(rule.file.paths, rule.kind, place)
        for type_, gaps in missing if binding else ():
            subject = Subject(type_, LISTING, place.account, place.region)
            sentence = f"Not decided: {telling.of_gap(gaps[0])}."
            yield self._finding(bound, subject, Verdict.UNPROVEN, Evidence(gaps=gaps), sentence, binding, held, "")

    # -- one resource ---------------------------------------------------------------------------------------------

    def _resource(
        self, bound: Bound, resource: Resource, readers: list[Promise | None], held: Mapping[str, Population]
    ) -> Iterator[Finding]:
        binding: list[Promise | None] = []
        unsure: list[Promise | None] = []
        for reader in readers:
            excluded = reader is not None and (not reader.scope.has_place(resource.place) or reader.scope.excludes(resource))
            if reader is not None and excluded:
                held[reader.id].out_of_scope.append(resource.id)
                continue
            binding.append(reader)
            if excluded is None:
                unsure.append(reader)
        if not binding:
            return
        outcome, evidence, other = self._evaluate(bound, resource)
        if outcome is None:
            for reader in binding:
                held[reader.id if reader else ""].excluded.append(resource.id)
            return
        rule = bound.rule
        subject = Subject(resource.type, resource.id, resource.account, resource.region)
        if outcome.verdict is Verdict.UPHELD and rule.file.evidence is not None:
            evidence = replace(evidence, kind="customer-key" if bound.params.get("customer_key") is True else rule.file.evidence)
        explanation = telling.explanation(rule, outcome, evidence, other)
        counterexample = self._counterexample(bound, resource) if outcome.verdict is Verdict.BROKEN else ""
        verdict = outcome.verdict
        if unsure and verdict is not Verdict.UNPROVEN:
            gaps = self.estate.resource_gaps.get((resource.type, resource.account, resource.id, resource.region), ())
            evidence = replace(evidence, gaps=tuple(gap for gap in gaps if gap.field == TAGS))
            doubt = f"its tags could not be read, so whether {_listed(unsure)} speaks of it is not known"
            if len(unsure) == len(binding):
                verdict, explanation, counterexample, other = Verdict.UNPROVEN, f"Not decided: {doubt}.", "", None
            else:
                explanation += f" But {doubt}."
        yield replace(
            self._finding(bound, subject, verdict, evidence, explanation, binding, held, counterexample, unsure), other_reading=other
        )

    def _evaluate(self, bound: Bound, resource: Resource) -> tuple[Outcome | None, Evidence, OtherReading | None]:
        """The verdict, what it rests on, and what another reading comes to; no outcome where `applies_if` leaves the resource out."""
        rule, world = bound.rule, self.world
        world.enter(resource)
        data, lost = world.cleaned(resource)
        values = {path: referred.shown(data, path) for path in rule.file.show if _has(data, path)}
        gaps = [
            gap
            for gap in self.estate.resource_gaps.get((resource.type, resource.account, resource.id, resource.region), ())
            if gap.field is None or referred.refers(rule.references, None, paths.parse(gap.field))
        ]
        known = {gap.field for gap in gaps}
        for path in (*lost, *referred.misfits(rule, None, data)):
            if paths.render(path) not in known and referred.refers(rule.references, None, path):
                gaps.append(referred.malformed(resource, path))
        if self.stale(rule):
            gaps.append(referred.stale(resource.type, resource.place, resource.id))
        if gaps:
            return Outcome(Verdict.UNPROVEN, telling.of_gap(gaps[0])), self._evidence(resource, values, gaps), None
        if rule.file.paths is not None:
            return *self._paths(bound, rule.file.paths, resource), None
        readings: dict[Reading, Condition | None] = {"substance": rule.upheld_if, "literal": rule.literal_if}
        counts = readings.pop(bound.reading) or rule.upheld_if
        assert counts is not None
        arguments: dict[str, Any] = {
            "params": bound.params, "now": self.estate.manifest.now, "account": resource.account, "region": resource.region, "world": world,
        }  # fmt: skip
        outcome, other = Outcome(Verdict.UPHELD), None
        if rule.applies_if is not None:
            outcome = evaluate(rule.applies_if, data, **arguments)
        if outcome.verdict is Verdict.UPHELD:
            outcome = evaluate(counts, data, **arguments)
            if rule.literal_if is not None:
                (reading, condition), *_ = readings.items()
                assert condition is not None
                other = OtherReading(reading, evaluate(condition, data, **arguments).verdict)
        elif outcome.verdict is Verdict.BROKEN and not self._others_gaps(rule):
            return None, Evidence(), None
        if outcome.verdict is Verdict.UNPROVEN:
            outcome = replace(outcome, error=outcome.error + telling.because(self.catalogue[rule.kind], data))
        if gaps := self._others_gaps(rule):
            outcome = Outcome(Verdict.UNPROVEN, telling.of_gap(gaps[0]))
        elif bound.unknown and outcome.verdict is Verdict.UPHELD:
            outcome = Outcome(Verdict.UNPROVEN, _unjudged(bound))
        evidence = self._evidence(resource, values, gaps)
        if outcome.verdict is Verdict.UPHELD and not evidence.looks:
            outcome = Outcome(Verdict.UNPROVEN, "the estate holds no look behind this resource")
        differs = other is not None and Verdict.UNPROVEN not in {outcome.verdict, other.verdict} and other.verdict is not outcome.verdict
        return outcome, evidence, other if differs else None

    def _paths(self, bound: Bound, body: Body, network: Resource) -> tuple[Outcome | None, Evidence]:
        """What may reach what in one network; no outcome where it holds nothing that the rule is about."""
        if changing := self.networks.changing(bound.rule.kind, network):
            return Outcome(Verdict.UNPROVEN, telling.of_gap(changing[0])), Evidence(gaps=changing)
        judged = self.networks.judge(body, bound.params, network)
        if judged is None:
            return None, Evidence()
        outcome, evidence = judged
        if bound.unknown and outcome.verdict is Verdict.UPHELD:
            outcome = Outcome(Verdict.UNPROVEN, _unjudged(bound))
        if self.estate.manifest.asserted_complete_by:
            evidence = replace(evidence, assumptions=(str(Asserted(self.estate.manifest.asserted_complete_by)),))
        return outcome, evidence

    def _others_gaps(self, rule: Rule) -> list[Gap]:
        """Gaps of the other resources that the evaluation came to rest on, where the rule refers to what is missing."""
        gaps: list[Gap] = []
        for other in self.world.touched.values():
            gaps += self.world.whole_gaps(other)
            lost = (*self.world.lost(other), *referred.misfits(rule, other.type, self.world.data(other)))
            gaps += [referred.malformed(other, path) for path in lost if referred.refers(rule.references, other.type, path)]
        return gaps

    def _evidence(self, resource: Resource, values: Mapping[str, Any], gaps: Iterable[Gap]) -> Evidence:
        looks = set(resource.evidence)
        assumptions = set()
        for other in self.world.touched.values():
            looks |= set(other.evidence)
        for listing in self.world.listings.values():
            if isinstance(listing, Look):
                looks.add(listing.id)
            else:
                assumptions.add(str(listing))
        if self.estate.manifest.asserted_complete_by:
            assumptions.add(str(Asserted(self.estate.manifest.asserted_complete_by)))
        if resource.type == SOURCE:
            assumptions.update(assumed(resource))
        held = tuple(sorted(look for look in looks if look in self.estate.looks_by_id))
        return Evidence(held, values, tuple(gaps), tuple(sorted(assumptions)), seen=self._seen(resource))

    def _seen(self, resource: Resource) -> Mapping[str, Any]:
        """When and from where, in the members that the catalogue names for it."""
        kind = self.catalogue.get(resource.type)
        if kind is None or not kind.shown:
            return {}
        data = self.world.cleaned(resource)[0]
        return {path: referred.shown(data, path) for path in kind.shown if _has(data, path)}

    def _counterexample(self, bound: Bound, resource: Resource) -> str:
        """A digest of everything the rule refers to, here and on the resources it rests on: it changes when the fault does.
        What breaks a rule about paths is everything that stands open."""
        if bound.rule.file.paths is not None:
            return self.networks.counterexample(bound.rule.file.paths, bound.params, resource)
        references = bound.rule.references
        read = referred.read(references, None, self.world.cleaned(resource)[0])
        others = (other for _, other in sorted(self.world.touched.items()))
        return digest([*read, *([other.type, other.id, referred.read(references, other.type, self.world.data(other))] for other in others)])

    def _finding(
        self,
        bound: Bound,
        subject: Subject,
        verdict: Verdict,
        evidence: Evidence,
        explanation: str,
        readers: list[Promise | None],
        held: Mapping[str, Population],
        counterexample: str,
        unsure: Sequence[Promise | None] = (),
    ) -> Finding:
        """The finding, counted for each of its promises; for those that are `unsure` it proves nothing."""
        rule = bound.rule
        id_ = finding_id(bound, subject)
        accepted = self._accepted(id_, counterexample) if verdict is Verdict.BROKEN else None
        for reader in readers:
            population = held[reader.id if reader else ""]
            counted = Verdict.UNPROVEN if reader in unsure else verdict
            population.counts[counted] += 1
            population.accepted += accepted is not None and counted is Verdict.BROKEN
            for gap in evidence.gaps[:1] if counted is Verdict.UNPROVEN else ():
                reason = (str(gap.reason), gap.action or "")
                population.reasons[reason] = population.reasons.get(reason, 0) + 1
        promises = tuple(reader.id for reader in readers if reader)
        if counterexample:
            evidence = replace(evidence, counterexample=counterexample)
        return Finding(
            id_,
            rule.id,
            rule.file.control,
            verdict,
            rule.file.severity,
            subject,
            promises,
            evidence,
            explanation,
            rule.file.remedy,
            accepted,
        )

    def _accepted(self, finding: str, counterexample: str) -> str | None:
        exception = self.exceptions.get(finding)
        if exception is None or not exception.covers(counterexample) or exception.expires < self.estate.manifest.now.date():
            return None
        return str(exception)


def _has(data: Any, path: str) -> bool:
    return any(True for _ in paths.values(data, paths.parse(path)))


def _listed(promises: Iterable[Promise | None]) -> str:
    return ", ".join(promise.id for promise in promises if promise)


def _unjudged(bound: Bound) -> str:
    """What the promise asks for beside what the rule judges; empty where that is nothing."""
    return f"this rule does not judge {', '.join(bound.unknown)}, which the promise asks for" if bound.unknown else ""
