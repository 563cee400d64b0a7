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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from agent import rulebook, run
from agent.collect.aws import AwsCollector, rfc3339
from agent.collect.aws_accounts import Entered
from agent.collect.aws_client import Account, Deadline
from agent.collect.aws_models import session
from agent.collect.estate import EstateWriter, read_estate
from agent.config import Collect, Configuration, Settings
from agent.rulebook import Rulebook
from checks.catalogue import Detail, Kind as Type
from checks.judge import bind, judge
from checks.model import LISTING, Manifest, Scope
from checks.plan import plan
from checks.rule import Rule
from checks.verdict import Verdict
from tests.world import shop
from tests.world.faults import Fault, Kind, Pages, Player, Tape, applicable, refusal
from tests.world.proxy import FaultProxy
from tests.world.servers import ACCOUNT, CREDENTIALS, environment, moto
from tests.world.wire import Call, recognise

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
        held.events.register("before-send", lambda **keywords: self.player(**keywords))
        self.account = Account(ACCOUNT, held, Deadline(time.monotonic() + 1e6), 1, lambda: NOW)

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
                AwsCollector(self.book.catalogue, wanted, writer, self.account.deadline, lambda: NOW, workers=1).collect([entered])
                writer.finish(
                    Manifest("upheld.estate/1", rfc3339(NOW), rfc3339(NOW), "test", {}, None, Scope({ACCOUNT: (REGION,)}, tuple(wanted)))
                )
            estate = read_estate(folder / "estate")
        finally:
            shutil.rmtree(folder)
        assert not self.player.missed, f"not on the tape: {self.player.missed[:3]}"
        findings = judge(estate, self.book.catalogue, bind(rules, [], every=True), {})
        return {one.id: (str(one.verdict), one.rule, one.resource.region, one.resource.id) for one in findings}


def record(endpoint: str) -> Tape:
    """Every answer that all rules need, from a server that holds the shop."""
    tape = Tape()
    with FaultProxy(endpoint, tape=tape) as proxy, mock.patch.dict(os.environ, environment(proxy.endpoint, REGION)):
        settings = Settings(schema="upheld.config/1", collect=Collect(aws=[{"account": ACCOUNT, "regions": [REGION]}]))
        inputs = run.prepare(Configuration(settings, None))
        with tempfile.TemporaryDirectory() as folder:
            run.collect(inputs, Path(folder) / "estate", run.plan_for(inputs, every=True), run.Clock())
    return tape


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
        if detail is not None and "" in detail.omitted_means_none
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
    for id_, (verdict, rule, region, resource) in after.items():
        before = base.get(id_, (None,))[0]
        if verdict != Verdict.UNPROVEN and verdict != before:
            yield f"{rule} on {resource}: {before or 'nothing'} became {verdict}"
        del region
    for id_, (verdict, rule, region, resource) in base.items():
        if id_ not in after and not any((rule, where) in listings for where in (region, "global")):
            yield f"{rule} on {resource}: {verdict} vanished"


def soundness(most: int, seed: int, *, verbose: bool = False) -> tuple[int, int, list[str], Counter[str]]:
    """(cases, runs, violations, what became of the verdicts). A case is (rule, call, fault)."""
    book = rulebook.load()
    with moto() as server:
        shop.populate(server.endpoint)
        tape = record(server.endpoint)
    world = World(book, tape)
    base = world.verdicts(book.rules.values())
    calls = {call.key: call for call in world.player.calls}
    wanted = list(cases(world, calls.values()))
    random.Random(seed).shuffle(wanted)
    done, runs, found, became = 0, 0, list[str](), Counter[str]()
    for case in wanted:
        if done >= most:
            break
        rules = [book.rules[name] for name in case.rules]
        after = world.verdicts(rules, [case.fault])
        if not world.player.struck:
            continue
        runs += 1
        done += len(rules)
        before = {id_: held for id_, held in base.items() if held[1] in case.rules}
        for id_, held in after.items():
            became[f"{before.get(id_, ('nothing',))[0]} -> {held[0]}"] += 1
        for violation in violations(before, after):
            found.append(f"{case.fault.kind} in {case.call.action} ({case.fault.match}): {violation}")
            if verbose:
                print(found[-1])
    return done, runs, found, became


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.process_time()
    done, runs, found, became = soundness(options.cases, options.seed, verbose=True)
    for turn, count in sorted(became.items()):
        print(f"{count:8} {turn}")
    print(f"{done} cases in {runs} runs, {time.process_time() - start:.0f} CPU s, seed {options.seed}: {len(found)} violations")
    return 1 if found or done < options.cases else 0


if __name__ == "__main__":
    sys.exit(main())
