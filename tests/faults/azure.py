"""Every call of the collection of Azure x every fault: nothing may become upheld, become broken, or vanish.

The company is made of the rules' own examples, an upheld and a broken one of each. The collection is the real one, through the real
pipeline of azure-core, with the double of Resource Manager in the place of the wire; a part of the cases goes over TLS. Each run
injects one fault into one call and judges all rules that depend on it. A case is (rule, call, fault).

    python -m tests.faults.azure --cases 10000 --live 300
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

from azure.core.credentials import AccessToken
from azure.core.pipeline import Pipeline
from azure.core.utils import CaseInsensitiveDict

from agent import rulebook
from agent.collect.aws.client import Deadline
from agent.collect.azure.client import Arm
from agent.collect.azure.collector import AzureCollector
from agent.collect.azure.subscriptions import Entered, enter
from agent.collect.estate import EstateWriter, read_estate
from agent.collect.wire import rfc3339
from agent.config.azure import Azure
from agent.rulebook import Rulebook
from checks.judge import Bound, judge
from checks.model import Manifest, Scope
from checks.plan import plan
from checks.rule import Rule
from tests.faults.azure_company import SUBSCRIPTION, complete, networks, populate, rules_of
from tests.faults.azure_faults import WRONG
from tests.faults.soundness import Verdicts, violations
from tests.world.arm_double import ArmDouble, Asked, Reply, arm_double, token

NOW = datetime.now(UTC).replace(microsecond=0)
SETTINGS = Azure(subscriptions=[SUBSCRIPTION], credential="managed-identity")
Call = tuple[str, str, str, bytes]
"""What tells one request from another: method, path, query, body."""


def key(asked: Asked) -> Call:
    return asked.method, asked.path, str(sorted(asked.query.items())), asked.body


class Identity:
    """A credential that is always good."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(token(), int(time.time()) + 3600)


@dataclass(frozen=True, slots=True)
class Answered:
    """A response as the pipeline's policies and the client read it."""

    status_code: int
    headers: CaseInsensitiveDict[str, str]
    content: bytes


@dataclass
class Direct:
    """In the place of the wire: the double's own answers, without a socket."""

    double: ArmDouble
    fault: Mapping[Call, str] = field(default_factory=dict)
    asked: list[Call] = field(default_factory=list)
    struck: int = 0

    def send(self, request: Any, **_: Any) -> Answered:
        split = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in request.headers.items()} | {"host": split.netloc}
        body = request.content or b""
        asked = Asked(request.method, unquote(split.path), query, headers, body if isinstance(body, bytes) else body.encode())
        self.asked.append(key(asked))
        reply = self.double.answer(asked)
        if (name := self.fault.get(key(asked))) and (wrong := WRONG[name](asked, reply)) is not None:
            self.struck += 1
            if isinstance(wrong, Exception):
                raise wrong
            reply = Reply(wrong.status, wrong.body, {**reply.headers, "Content-Type": "", **wrong.headers})
        return Answered(reply.status, CaseInsensitiveDict(reply.headers), reply.body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    open = close = __exit__


@dataclass
class World:
    """The double with its company, the rules about it, and their parameters."""

    double: ArmDouble
    book: Rulebook
    rules: Mapping[str, Rule]
    params: Mapping[str, Mapping[str, Any]]

    def arm(self, transport: Direct | None) -> Arm:
        url = self.double.url
        arm = Arm(
            url, "https://management.azure.com/.default", Identity(), Deadline(time.monotonic() + 1e6), lambda: datetime.now(UTC), 0.0
        )  # type: ignore[arg-type]
        if transport is not None:
            arm.transport, arm._pipeline = transport, Pipeline(transport, arm.policies())  # type: ignore[arg-type]
        return arm

    def verdicts(self, rules: Iterable[Rule], transport: Direct | None) -> Verdicts:
        """Collect what the rules need, and judge them all."""
        rules = list(rules)
        wanted = plan(rules, providers=("azure",), universe=False)
        folder = Path(tempfile.mkdtemp(prefix="soundness-"))
        try:
            with EstateWriter(folder / "estate") as writer:
                arm = self.arm(transport)
                doors = enter(SETTINGS, arm, "westeurope")
                entered = [door for door in doors if isinstance(door, Entered)]
                from agent.collect.aws.record import account_gaps

                for door in doors:
                    for gap in () if isinstance(door, Entered) else account_gaps(self.book.catalogue, wanted, door):
                        writer.add_gap(gap)
                collector = AzureCollector(self.book.catalogue, wanted, writer, arm.deadline, lambda: NOW, lambda _: None)
                regions = collector.collect(entered)
                arm.close()
                scope = Scope({SUBSCRIPTION: regions.get(SUBSCRIPTION) or ("*",)}, tuple(wanted))
                writer.finish(Manifest("upheld.estate/1", rfc3339(NOW), rfc3339(NOW), "test", {}, None, scope))
            estate = read_estate(folder / "estate")
        finally:
            shutil.rmtree(folder)
        bound = [Bound(rule, rule.params(self.params[rule.id]), {}, ()) for rule in rules]
        findings = judge(estate, self.book.catalogue, bound, {})
        return {one.id: (str(one.verdict), one.rule, one.resource.region, one.resource.id) for one in findings}


@dataclass(frozen=True, slots=True)
class Case:
    """One fault in one call, and the rules that depend on it."""

    call: Call
    fault: str
    rules: tuple[Rule, ...]


def cases(world: World, kinds: Iterable[str] = ()) -> Iterator[Case]:
    """Every fault in every call that rules about one kind of resource have asked for; with `kinds`, about these alone."""
    for kind in sorted(set(kinds) or {rule.kind for rule in world.rules.values()}):
        rules = [rule for rule in world.rules.values() if rule.kind == kind]
        direct = Direct(world.double)
        world.verdicts(rules, direct)
        for call in sorted(set(direct.asked)):
            depending = tuple(rule for rule in rules if _depends(world, rule, call))
            yield from (Case(call, fault, depending) for fault in WRONG if depending)


def _depends(world: World, rule: Rule, call: Call) -> bool:
    """Whether a rule needs the call: each but the details that it does not read."""
    arm = world.book.catalogue[rule.kind].arm
    assert arm is not None
    members = rule.needs()[rule.kind]
    mine = {detail.into for detail in arm.details_for(members)}
    others = [detail.get for detail in arm.details if detail.into not in mine]
    return rule.file.paths is not None or not any(call[1].lower().endswith(f"/{get}".lower()) for get in others)


@dataclass
class Tally:
    """What became of the verdicts."""

    cases: int = 0
    runs: int = 0
    violations: list[str] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, base: Verdicts, after: Verdicts) -> None:
        names = {rule.id for rule in case.rules}
        before = {id_: held for id_, held in base.items() if held[1] in names}
        self.runs += 1
        self.cases += len(names)
        self.faults[case.fault] += len(names)
        for id_, held in after.items():
            self.became[f"{before.get(id_, ('nothing',))[0]} -> {held[0]}"] += 1
        for violation in violations(before, after):
            self.violations.append(f"{case.fault} in {case.call[0]} {case.call[1]}: {violation}")

    def __str__(self) -> str:
        lines = [*self.violations, *(f"{count:8} {turn}" for turn, count in sorted(self.became.items()))]
        told = f"{self.cases} cases in {self.runs} runs, {len(self.faults)} kinds of fault: {len(self.violations)} violations"
        return "\n".join([*lines, told])


def direct(world: World, wanted: Iterable[Case], base: Verdicts, most: int, tally: Tally) -> None:
    """Cases without a socket, until there are `most`."""
    for case in wanted:
        if tally.cases >= most:
            break
        transport = Direct(world.double, {case.call: case.fault})
        after = world.verdicts(case.rules, transport)
        if transport.struck:
            tally.add(case, base, after)


SILENT = frozenset({"silence", "reset", "no connection", "cut on the way"})
"""What a server that answers cannot do. Half a body is `cut`."""


def live(world: World, wanted: Iterable[Case], base: Verdicts, most: int, tally: Tally) -> None:
    """Cases over TLS, through the client's own transport."""
    for case in wanted:
        if tally.cases >= most:
            break
        if case.fault in SILENT:
            continue
        struck: list[Call] = []

        def fault(asked: Asked, reply: Reply, case: Case = case, struck: list[Call] = struck) -> Reply | None:
            wrong = WRONG[case.fault](asked, reply) if key(asked) == case.call else None
            if wrong is None:
                return None
            struck.append(case.call)
            assert isinstance(wrong, Reply)
            return wrong

        world.double.fault = fault
        with mock.patch.dict("os.environ", world.double.environment):
            after = world.verdicts(case.rules, None)
        world.double.fault = None
        if struck:
            tally.add(case, base, after)


@contextmanager
def settings(double: ArmDouble, book: Rulebook) -> Iterator[World]:
    """The company of the rules about settings; lists have pages of two elements."""
    double.page = 2
    rules = {rule.id: rule for rule in rules_of(book) if rule.file.paths is None}
    world = World(double, book, rules, populate(double, book))
    base = world.verdicts(rules.values(), Direct(double))
    complete(double, book, {(rule, verdict) for verdict, rule, _, _ in base.values()})
    try:
        yield world
    finally:
        double.clear()


def companies(double: ArmDouble, book: Rulebook) -> Iterator[World]:
    """That one, and then each example of the rules about paths, as they are not to be had in one network. One is on the double at
    a time."""
    with settings(double, book) as world:
        yield world
    for rule in rules_of(book):
        for group in ("upheld", "broken") if rule.file.paths is not None else ():
            for example in getattr(rule.file.examples, group):
                networks(double, book, rule, example)
                double.page = 1
                yield World(double, book, {rule.id: rule}, {rule.id: example.get("params", {})})
                double.clear()


def shuffled(world: World, seed: int, kinds: Iterable[str] = ()) -> list[Case]:
    held = list(cases(world, kinds))
    random.Random(seed).shuffle(held)
    return held


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000, help="about settings; an eighth as many are about paths")
    parser.add_argument("--live", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.process_time()
    without, over = Tally(), Tally()
    book, seen = rulebook.load(), set[tuple[str, str]]()
    with tempfile.TemporaryDirectory() as folder, arm_double(Path(folder)) as double:
        networks_of = sum(
            len(rule.file.examples.upheld + rule.file.examples.broken) for rule in rules_of(book) if rule.file.paths is not None
        )
        for index, world in enumerate(companies(double, book)):
            base = world.verdicts(world.rules.values(), Direct(double))
            seen |= {(rule, verdict) for verdict, rule, _, _ in base.values()}
            wanted = shuffled(world, options.seed)
            more = options.cases // 8 // networks_of + 1
            direct(world, wanted, base, options.cases if index == 0 else without.cases + more, without)
            if index == 0:
                print(
                    f"{len(wanted)} faults about settings, in {len({case.call for case in wanted})} calls; {Counter(held[0] for held in base.values())}"
                )
                live(world, reversed(wanted), base, options.live, over)
    both = sum((rule.id, "upheld") in seen and (rule.id, "broken") in seen for rule in rules_of(book))
    print(f"{both} of {len(rules_of(book))} rules are upheld of something and broken of something else")
    for name, tally in (("without a socket", without), ("over TLS", over)):
        print(f"{name}\n{tally}")
    print(f"{time.process_time() - start:.0f} CPU s, seed {options.seed}")
    wanting = without.cases < options.cases or over.cases < options.live
    return 1 if wanting or without.violations or over.violations else 0


if __name__ == "__main__":
    sys.exit(main())
