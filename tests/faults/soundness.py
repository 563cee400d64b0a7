"""Every rule x every call it depends on x every fault: nothing may become upheld, become broken, or vanish.

The base answers are recorded once, from the fictional shop on a real moto server, and replayed below botocore; each
run injects one fault into one call and judges all rules that depend on it. A case is (rule, call, fault).

    python -m tests.faults.soundness --cases 10000
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from agent import rulebook, run
from agent.collect.aws.accounts import Entered
from agent.collect.aws.client import Account, Deadline
from agent.collect.aws.collector import AwsCollector
from agent.collect.aws.models import session
from agent.collect.estate import EstateWriter, read_estate
from agent.collect.wire import rfc3339
from agent.config import Collect, Configuration, Settings
from agent.rulebook import Rulebook
from checks.catalogue import Detail
from checks.catalogue import Kind as Type
from checks.judge import bind, judge
from checks.model import LISTING, Manifest, Scope
from checks.plan import named, plan
from checks.rule import Rule
from checks.verdict import Verdict
from tests.world import shop
from tests.world.faults import Fault, Kind
from tests.world.inflict import Pages, applicable
from tests.world.likeness import make_like_aws
from tests.world.player import Player, Tape
from tests.world.proxy import FaultProxy
from tests.world.refusals import refusal
from tests.world.servers import ACCOUNT, CREDENTIALS, environment, moto
from tests.world.wire import Call

REGION = "eu-central-1"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Verdicts = Mapping[str, tuple[str, str, str, str]]
"""Finding id -> (verdict, rule, region, resource id)."""


@dataclass
class World:
    """The recorded estate, and what replays it."""

    book: Rulebook
    tape: Tape
    account: Account = field(init=False)
    player: Player = field(init=False)

    def __post_init__(self) -> None:
        held = session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        held.events.register("before-send", self._play)
        self.account = Account(ACCOUNT, held, Deadline(time.monotonic() + 1e6), 1, lambda: NOW)

    def _play(self, **received: Any) -> Any:
        return self.player(**received)

    def verdicts(self, rules: Iterable[Rule], faults: Iterable[Fault] = (), pages: Mapping[str, int] | None = None) -> Verdicts:
        """Collect what the rules need, with the faults, and judge them all."""
        rules = list(rules)
        self.player = Player(self.tape, list(faults), Pages(pages))
        wanted = plan(rules, universe=False)
        folder = Path(tempfile.mkdtemp(prefix="soundness-"))
        try:
            with EstateWriter(folder / "estate") as writer:
                answer = self.account.call("ec2", REGION, "DescribeRegions", {"AllRegions": True})
                entered = Entered(self.account, "arn", (REGION,), answer)
                some = named(rules, wanted, self.book.catalogue)
                AwsCollector(self.book.catalogue, wanted, writer, self.account.deadline, lambda: NOW, workers=1, named=some).collect(
                    [entered]
                )
                writer.finish(
                    Manifest("upheld.estate/1", rfc3339(NOW), rfc3339(NOW), "test", {}, None, Scope({ACCOUNT: (REGION,)}, tuple(wanted)))
                )
            estate = read_estate(folder / "estate")
        finally:
            shutil.rmtree(folder)
        assert not self.player.missed, f"not on the tape: {self.player.missed[:3]}"
        findings = judge(estate, self.book.catalogue, bind(rules, [], every=True), {})
        return {one.id: (str(one.verdict), one.rule, one.resource.region, one.resource.id) for one in findings}


def record(proxy: FaultProxy) -> Tape:
    """Every answer that all rules need, as the proxy gives it; what another answer makes needless is asked as well."""
    proxy.tape = tape = Tape()
    with mock.patch.dict(os.environ, environment(proxy.endpoint, REGION)), tempfile.TemporaryDirectory() as folder:
        inputs = _inputs(300)
        asking = {
            name: kind.model_copy(update={"detail": [_always(one) for one in kind.detail]}) for name, kind in inputs.book.catalogue.items()
        }
        inputs = replace(inputs, book=replace(inputs.book, catalogue=asking))
        run.collect(inputs, Path(folder) / "estate", run.plan_for(inputs, every=True), run.Clock())
    proxy.tape = None
    return tape


def _always(detail: Detail) -> Detail:
    return detail.model_copy(update={"unless": {}})


@dataclass(frozen=True, slots=True)
class Case:
    """One fault in one recorded call, and the rules that depend on it."""

    call: Call
    fault: Fault
    rules: tuple[str, ...]


def cases(world: World, calls: Iterable[Call]) -> Iterator[Case]:
    """Every fault that can happen to every recorded call."""
    depending = _depending(world.book)
    silent = {
        (service, name)
        for kind in world.book.catalogue.values()
        for service, name, detail in _calls_of(kind)
        if (kind.empty == "omitted" and not kind.list_.count if detail is None else "" in detail.omitted_means_none)
    }
    for call in calls:
        rules = depending.get((call.service, call.operation), ())
        if not rules:
            continue
        for kind in Kind:
            if kind is Kind.ERROR or not applicable(kind, call.service, call.operation):
                continue
            fault = Fault(call.service, call.operation, kind, match=_match(call), region=call.region)
            if kind is Kind.VANISH and refusal(call, fault).code in _means_none(world.book, call):
                continue  # the service itself says that there is none: that is an answer
            if kind is Kind.MISSING_MEMBER and (call.service, call.operation) in silent:
                continue  # documented: the member is left out when there is none
            yield Case(call, fault, tuple(sorted(rules)))


def _match(call: Call) -> str | None:
    """A part of the request that names what a detail call is about."""
    texts = [value for value in call.params.values() if isinstance(value, str) and len(value) > 5]
    return max(texts, key=len) if texts and max(texts, key=len) in call.text else None


def _calls_of(kind: Type) -> Iterator[tuple[str, str, Detail | None]]:
    if kind.list_ != "none":
        yield kind.service, kind.list_.call, None
    for detail in kind.detail:
        yield detail.service or kind.service, detail.call, detail


def _depending(book: Rulebook) -> dict[tuple[str, str], set[str]]:
    depending: dict[tuple[str, str], set[str]] = {}
    for rule in book.rules.values():
        for name, members in rule.needs().items():
            for service, call, detail in _calls_of(book.catalogue[name]):
                if detail is None or detail.into in members or "*" in members:
                    depending.setdefault((service, call), set()).add(rule.id)
    return depending


def _means_none(book: Rulebook, call: Call) -> set[str]:
    found: set[str] = set()
    for kind in book.catalogue.values():
        for service, name, detail in _calls_of(kind):
            if detail is not None and (service, name) == (call.service, call.operation):
                found |= set(detail.not_configured)
    return found


def violations(base: Verdicts, after: Verdicts) -> Iterator[str]:
    """What a fault may never do."""
    listings = {(rule, region) for verdict, rule, region, id_ in after.values() if id_ == LISTING and verdict == Verdict.UNPROVEN}
    for id_, (verdict, rule, _, resource) in after.items():
        before = base.get(id_, ("nothing",))[0]
        if verdict not in {Verdict.UNPROVEN, before}:
            yield f"{rule} on {resource}: {before} became {verdict}"
    for id_, (verdict, rule, region, resource) in base.items():
        if id_ not in after and not any((rule, where) in listings for where in (region, "global")):
            yield f"{rule} on {resource}: {verdict} vanished"


@dataclass
class Tally:
    """What became of the verdicts."""

    cases: int = 0
    runs: int = 0
    violations: list[str] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, base: Verdicts, after: Verdicts) -> None:
        before = {id_: held for id_, held in base.items() if held[1] in case.rules}
        self.runs += 1
        self.cases += len(case.rules)
        for id_, held in after.items():
            self.became[f"{before.get(id_, ('nothing',))[0]} -> {held[0]}"] += 1
        for violation in violations(before, after):
            self.violations.append(f"{case.fault.kind} in {case.call.action} ({case.fault.match}): {violation}")

    def __str__(self) -> str:
        lines = [*self.violations, *(f"{count:8} {turn}" for turn, count in sorted(self.became.items()))]
        return "\n".join([*lines, f"{self.cases} cases in {self.runs} runs: {len(self.violations)} violations"])


def replayed(world: World, most: int, seed: int) -> Tally:
    """Cases below botocore, until there are `most`."""
    rules = world.book.rules
    base = world.verdicts(rules.values())
    wanted = list(cases(world, {call.key: call for call in world.player.calls}.values()))
    random.Random(seed).shuffle(wanted)
    tally = Tally()
    for case in wanted:
        if tally.cases >= most:
            break
        after = world.verdicts([rules[name] for name in case.rules], [case.fault])
        if world.player.struck:
            tally.add(case, base, after)
    return tally


def live(world: World, proxy: FaultProxy, most: int, seed: int, without: Iterable[Kind] = ()) -> Tally:
    """Cases through the real proxy, with the clients' real retries. Silence is cut short by a deadline."""
    rules = world.book.rules
    base = world.verdicts(rules.values())
    left_out = {Kind.UNREACHABLE, *without}
    wanted = [case for case in cases(world, {call.key: call for call in world.player.calls}.values()) if case.fault.kind not in left_out]
    random.Random(seed).shuffle(wanted)
    tally = Tally()
    for case in wanted:
        if tally.cases >= most:
            break
        proxy.clear()
        proxy.enable_regions([REGION])
        proxy.inject(case.fault)
        held = {name: rules[name] for name in case.rules}
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, environment(proxy.endpoint, REGION)):
            inputs = _inputs(25)
            inputs = replace(inputs, book=replace(inputs.book, rules=held))
            run.collect(inputs, Path(folder) / "estate", plan(held.values(), universe=False), run.Clock())
            estate = read_estate(Path(folder) / "estate")
        if proxy.struck:
            findings = judge(estate, world.book.catalogue, bind(held.values(), [], every=True), {})
            tally.add(case, base, {one.id: (str(one.verdict), one.rule, one.resource.region, one.resource.id) for one in findings})
    proxy.clear()
    return tally


def _inputs(deadline: int) -> run.Inputs:
    settings = Settings(schema="upheld.config/1", collect=Collect(deadline=f"{deadline}s", aws=[{"account": ACCOUNT, "regions": [REGION]}]))
    return run.prepare(Configuration(settings, None))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--live", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.process_time()
    with moto() as server, FaultProxy(server.endpoint, s3_defaults=True) as proxy:
        make_like_aws(proxy)
        shop.populate(proxy.endpoint)
        world = World(rulebook.load(), record(proxy))
        tallies = [replayed(world, options.cases, options.seed), live(world, proxy, options.live, options.seed)]
    for name, tally in zip(("replayed below botocore", "through the proxy, with retries"), tallies, strict=True):
        print(f"{name}\n{tally}")
    print(f"{time.process_time() - start:.0f} CPU s, seed {options.seed}")
    wanting = tallies[0].cases < options.cases or tallies[1].cases < options.live
    return 1 if wanting or any(tally.violations for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
