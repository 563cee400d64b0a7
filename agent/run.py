"""The main road: collect -> judge -> record -> publish."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from agent.clock import Clock
from agent.collect.estate import EstateError, read_estate
from agent.collecting import Progress, collect, plan_for, tool
from agent.config import ConfigurationError
from agent.inputs import Inputs, Part, prepare
from agent.publish.result import Findings, Result
from agent.row_rules import Rows
from checks.age import Ages, Stale
from checks.change import Unit
from checks.judge import Bound, Population, bind, judge, key
from checks.logs.source import coverage
from checks.model import GLOBAL, Estate, Finding, digest
from checks.population import cloud_populations
from checks.promise import Promise
from checks.rule import Rule
from checks.runs import RUN
from checks.standing import Standing, nothing_known
from checks.summary import summarize, summarize_rule
from checks.target import Target, about
from checks.verdict import Verdict
from checks.whereabouts import Whereabouts
from checks.wording import SENTENCE, sentences

__all__ = ["Clock", "Inputs", "assess", "check", "collect", "forget", "plan_for", "prepare", "tool"]


Record = Callable[[Result, Path], None]
"""Puts a result, and the estate's folder that it is of, into the ledger."""


def forget(_: Result, __: Path) -> None:
    """A run that is not recorded."""


def check(
    inputs: Inputs,
    estate_place: Path | None,
    *,
    every: bool,
    max_age: int | Ages,
    clock: Clock,
    progress: Progress | None = None,
    record: Record = forget,
) -> Result:
    """Judge a recorded estate, or the world as it is now. Raises ConfigurationError and HelperBug."""
    try:
        if estate_place is not None:
            result = assess(inputs, read_estate(estate_place), every=every, max_age=max_age, clock=clock)
            record(result, estate_place)
            return result
        with tempfile.TemporaryDirectory(prefix="upheld-") as folder:
            place = Path(folder) / "estate"
            collect(inputs, place, plan_for(inputs, every=every), clock, progress, every=every)
            result = assess(inputs, read_estate(place), every=every, max_age=0, clock=clock)
            record(result, place)
            return result
    except EstateError as error:
        raise ConfigurationError(str(error)) from error


def assess(
    inputs: Inputs,
    estate: Estate,
    *,
    every: bool,
    max_age: int | Ages,
    clock: Clock,
    standing: Standing | None = None,
    exists: Estate | None = None,
) -> Result:
    """Judge an estate. `max_age` in seconds, 0 for no limit, or what it is of each target. The clock is asked for nothing but the estate's
    age. `standing`: what earlier runs came to, which promises go by where this one did not look, and which takes what this one comes to;
    `exists`: what is known to exist, where a run about changes looked at some of that.
    """
    ages = max_age if isinstance(max_age, Ages) else Ages.of_all(timedelta(seconds=max_age)) if max_age else Ages({})
    now = clock.now()
    stale = Stale(ages.stale(estate.manifest.since, now) - {Target.POLICY})  # texts are read now
    book, findings = inputs.book, Findings()
    rows = Rows(estate, inputs)
    judged = [*inputs.judged, *rows.judged]
    promised = {rule.id for rule in judged}
    beside = [rule for rule in [*_present(inputs, estate, every=every), *(rows.present if every else ())] if rule.id not in promised]
    bound = [*bind(judged, inputs.promises.promises, every=False), *bind(beside, [], every=True)]
    populations: dict[tuple[str, str], Population] = {}
    unmatched = set(inputs.exceptions)
    looked: dict[str, str] = {}
    for finding in judge(estate, book.catalogue, bound, populations, inputs.exceptions, stale=stale):
        findings.add(finding)
        if inputs.part is not None and (oldest := _oldest(finding, estate, inputs.part)) is not None:
            looked[finding.id] = oldest
        if finding.verdict is not Verdict.UPHELD:
            unmatched.discard(finding.id)
    worded = bind([rule for rule in inputs.rules if rule.kind == SENTENCE], [], every=True)
    for finding in _wording(inputs, estate, worded):
        findings.add(finding)
    all_bound, all_populations = bound, populations
    universe = nothing_known(estate) if Target.SETTINGS in stale.targets else estate
    texts, lasting = inputs.texts, inputs.configuration.settings.agent.ages(scheduled=standing is not None)
    until: Mapping[Target, datetime] = {
        target: (now if target is Target.POLICY else estate.manifest.since) + most
        for target, most in lasting.by.items()
        if target not in stale.targets
    }
    if standing is not None:
        if inputs.part is None:
            standing.take(inputs.about, estate, bound, populations)
        else:
            standing.change(estate, bound, populations, exists)
        all_bound, all_populations = standing.all(estate.manifest.now)
        universe, texts, until = standing.exists(estate), standing.read(texts, estate.manifest.now), standing.until(estate.manifest.now)
    promises = summarize(universe, book.catalogue, book.controls, inputs.promises, texts, all_bound, all_populations)
    summaries = [summarize_rule(one, populations["", key(one)]) for one in bound if ("", key(one)) in populations]
    calls = sum(look.pages for look in estate.looks)
    result = Result(estate.manifest, findings, promises, summaries, estate.gaps, tool(), _estate_digest(estate, bound, inputs), calls)
    result.notes += [*_aged(estate.manifest.since, now, ages, stale), *_notes(inputs, result, unmatched, every=every)]
    result.notes += rows.notes
    result.ages, result.until = lasting, dict(_until(all_bound, inputs.promises.promises, until))
    result.looked = looked
    result.logs = coverage(estate)
    result.clouds = cloud_populations(estate)
    result.whereabouts = Whereabouts(
        estate, book.catalogue, {**book.rules, **book.log_rules}, [*bound, *worded], populations, inputs.promises.promises,
        narrowed=inputs.narrowed, every=every, stale=stale, about=inputs.about, only=None if inputs.part is None else inputs.part.rules,
    )  # fmt: skip
    return result


def _until(bound: Sequence[Bound], promises: Iterable[Promise], until: Mapping[Target, datetime]) -> Iterator[tuple[str, datetime]]:
    """Up to when each promise's verdict counts: as long as all that it rests on does, its own words and what exists among that."""
    for promise in promises:
        targets = {about(one.rule) for one in bound if promise in one.promises} | {Target.POLICY, Target.SETTINGS}
        if ends := [until[target] for target in targets if target in until]:
            yield promise.id, min(ends)


def _aged(at: datetime, now: datetime, ages: Ages, stale: Stale) -> Iterator[str]:
    """Which maximum ages the estate is past."""
    if stale.targets and at > now:
        yield f"the estate is of {at:%Y-%m-%dT%H:%M:%SZ}, a time to come, so nobody can tell how old it is, and nothing in it is proven"
        return
    past: dict[timedelta, list[Target]] = {}
    for target in Target:
        if target in stale.targets - {Target.RUN}:
            past.setdefault(ages.by[target], []).append(target)
    for most, targets in past.items():
        everything = len(stale.targets) == len(Target) - 1 and len(past) == 1
        what = "nothing in it" if everything else f"nothing about {', '.join(targets)}"
        yield f"the estate is older than the maximum age of {most.total_seconds():.0f} s, so {what} is proven; see --max-age"


def _notes(inputs: Inputs, result: Result, unmatched: Iterable[str], *, every: bool) -> Iterator[str]:
    """What is to be said of the whole run. `unmatched`: the exceptions that nothing needed."""
    for name in () if inputs.narrowed or inputs.about or inputs.part else sorted(unmatched):
        accepted = inputs.exceptions[name]
        what = f"{accepted.resource or name} ({accepted.rule or 'a finding'})"
        yield f"the exception for {what} accepts nothing that is broken here: remove it"
    if not result.promises and not result.rules:
        why = "no rule is about anything in this estate" if every else "no promises in the configuration, and --all-rules was not given"
        yield f"there is nothing to judge: {why}"


def _oldest(finding: Finding, estate: Estate, part: Part) -> str | None:
    """Of when the oldest look behind a finding is; None where the run itself made all of them, or the gap in their place."""
    times = [estate.looks_by_id[one].at for one in finding.evidence.looks if one in estate.looks_by_id]
    if not times:
        subject = finding.resource
        held = {Unit(subject.type, subject.account, region) for region in (subject.region, GLOBAL)}
        return "" if part.units.isdisjoint(held) else None
    oldest = min(times, key=datetime.fromisoformat)
    return oldest if datetime.fromisoformat(oldest) < datetime.fromisoformat(estate.manifest.started) else None


def _wording(inputs: Inputs, estate: Estate, rules: Sequence[Bound]) -> Iterator[Finding]:
    """Whether the quotes stand in their policies, each a finding of its own promise."""
    said = sentences(estate, inputs.promises, inputs.texts)
    for finding in judge(said, inputs.book.catalogue, rules, {}):
        yield replace(finding, promises=(finding.resource.id,))


def _present(inputs: Inputs, estate: Estate, *, every: bool) -> Iterable[Rule]:
    """The rules whose type has a resource, a look or a gap in the estate; unless `every`, only those about the agent's own runs, which
    nobody has to ask for."""
    seen = {*estate.resources, *(look.type for look in estate.looks), *(gap.type for gap in estate.gaps)} - {SENTENCE}
    return [rule for rule in inputs.rules if rule.kind in seen and (every or rule.kind == RUN)]


def _estate_digest(estate: Estate, bound: Sequence[Bound], inputs: Inputs) -> str:
    """Which looks, under which rules and promises: equal for runs that must give equal findings."""
    looks = [(look.id, look.sha256) for look in estate.looks]
    said = {name: text.text for name, text in inputs.texts.items()}
    accepted = [one.model_dump(mode="json") for _, one in sorted(inputs.exceptions.items())]
    return digest(looks, [key(one) for one in bound], inputs.promises.model_dump(mode="json"), said, accepted)
