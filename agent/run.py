"""The main road: collect -> judge -> publish."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from agent.collect.aws_client import Deadline, WrongAccount, endpoint_override
from agent.collect.estate import EstateError, EstateWriter, read_estate
from agent.config import Configuration, ConfigurationError, Tls
from agent.publish.result import Findings, Result
from agent.rulebook import Rulebook, load, read_document, read_text
from checks.document import DocumentError
from checks.judge import Bound, Population, bind, judge, key
from checks.model import GLOBAL, Estate, Finding, Manifest, Scope, digest
from checks.plan import Plan, named, plan, whole
from checks.promise import Acceptance, Assumption, Policy, Promise, Promises, read, read_exceptions
from checks.rule import Rule
from checks.summary import Text, summarize, summarize_rule
from checks.tls.endpoint import ACCOUNT as TLS_ACCOUNT
from checks.tls.endpoint import TYPE as TLS_ENDPOINT
from checks.verdict import Verdict
from checks.wording import SENTENCE, sentences

if TYPE_CHECKING:
    from checks.tls.certificate import Roots

ATTEMPTS = 4
Progress = Callable[[int, int], None]


def tool() -> str:
    return f"upheld {version('upheld')}"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a run goes by, read and checked before anything is asked of the world."""

    configuration: Configuration
    book: Rulebook
    promises: Promises
    texts: Mapping[str, Text]
    exceptions: Mapping[str, Acceptance]
    narrowed: bool = False
    """Whether only some of the promises are asked for."""

    @property
    def judged(self) -> list[Rule]:
        """The rules that the promises' controls bind."""
        controls = {binding.id for promise in self.promises.promises for binding in promise.controls}
        return [rule for rule in self.book.rules.values() if rule.file.control in controls]


@dataclass(slots=True)
class Clock:
    """The world's clocks, passed in so that tests can turn them."""

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = field(default=time.monotonic)


def prepare(configuration: Configuration, only: Sequence[str] = ()) -> Inputs:
    """Read rules, promises, policies, exceptions. `only` narrows to these promises. Raises ConfigurationError."""
    settings = configuration.settings
    try:
        book = load(map(configuration.path, settings.rules))
        promises, texts = _promises(configuration, book)
        exceptions = read_exceptions(read_document(configuration.path(settings.exceptions))) if settings.exceptions else {}
    except DocumentError as error:
        raise ConfigurationError(str(error)) from error
    if only:
        known = {promise.id: promise for promise in promises.promises}
        for name in only:
            if name not in known:
                raise ConfigurationError(f"there is no promise {name!r}; there is {', '.join(sorted(known)) or 'none at all'}")
        promises = promises.model_copy(update={"promises": [known[name] for name in known if name in only]})
    return Inputs(configuration, book, promises, texts, exceptions, narrowed=bool(only))


def _promises(configuration: Configuration, book: Rulebook) -> tuple[Promises, dict[str, Text]]:
    policies: list[Policy] = []
    promises: list[Promise] = []
    assume: list[Assumption] = []
    texts: dict[str, Text] = {}
    for name in configuration.settings.promises:
        file = configuration.path(name)
        document = read_document(file)
        held = read(document, book.controls, book.rules.values())
        for promise in held.promises:
            if any(promise.id == other.id for other in promises):
                raise DocumentError(str(file), None, f"the promise {promise.id!r} stands in another file already")
        for policy in held.policies:
            if policy.id in texts:
                raise DocumentError(str(file), None, f"the policy {policy.id!r} stands in another file already")
            try:
                texts[policy.id] = Text(read_text(file.parent / policy.file))
            except DocumentError as error:
                texts[policy.id] = Text(None, str(error))
        policies += held.policies
        promises += held.promises
        assume += held.assume
    return Promises.model_validate({"schema": "upheld.promises/1", "policies": policies, "promises": promises, "assume": assume}), texts


def plan_for(inputs: Inputs, *, every: bool) -> Plan:
    """What must be collected. Tags only where a promise's scope goes by them."""
    rules = list(inputs.book.rules.values()) if every else inputs.judged
    tagged = any(promise.scope.exclude or promise.names_tags for promise in inputs.promises.promises)
    needed = whole(plan(rules, tags=tagged, universe=bool(inputs.promises.promises)), inputs.book.catalogue)
    return {**needed, TLS_ENDPOINT: frozenset({"*"})} if any(rule.kind == TLS_ENDPOINT for rule in rules) else needed


def collect(inputs: Inputs, place: Path, wanted: Plan, clock: Clock, progress: Progress | None = None) -> None:
    """Read the world into an estate at `place`. Raises ConfigurationError where it may not begin."""
    from agent.collect import tls_stage, tls_targets
    from agent.collect.aws import AwsCollector
    from agent.collect.aws_accounts import AwsTarget, Entered, enter
    from agent.collect.aws_record import account_gaps
    from agent.collect.wire import rfc3339

    settings = inputs.configuration.settings.collect
    started = rfc3339(clock.now())
    deadline = Deadline(clock.monotonic() + settings.deadline, clock.monotonic)
    tls = _tls(inputs, wanted)
    wanted = {name: members for name, members in wanted.items() if name != TLS_ENDPOINT or tls}
    of_aws = {name: members for name, members in wanted.items() if name != TLS_ENDPOINT}
    try:
        targets = [
            AwsTarget(
                one.account, one.role, one.external_id if isinstance(one.external_id, str | None) else one.external_id.read(), one.regions
            )
            for one in settings.aws
        ]
        alone = tls is not None and not targets  # only endpoints are configured
        doors = [] if alone else enter(targets or [AwsTarget()], deadline, ATTEMPTS, clock.now)
    except (WrongAccount, ValueError) as error:
        raise ConfigurationError(str(error)) from error
    with EstateWriter(place, tls_targets.SERVED if tls else ()) as writer:
        entered = [door for door in doors if isinstance(door, Entered)]
        accounts = {door.account.id: door.regions for door in entered}
        for door in doors:
            if not isinstance(door, Entered):
                accounts[door.account] = door.regions
                for gap in account_gaps(inputs.book.catalogue, of_aws, door):
                    writer.add_gap(gap)
        book = inputs.book
        some = named(book.rules.values(), of_aws, book.catalogue)
        AwsCollector(book.catalogue, of_aws, writer, deadline, clock.now, progress=progress, named=some).collect(entered)
        identity = {door.account.id: door.identity for door in entered}
        if tls:
            tls_stage.collect(*tls, writer.remembered, writer, clock.now, progress)
            accounts[TLS_ACCOUNT] = (GLOBAL,)
        scope = Scope(accounts, tuple(sorted(wanted)))
        writer.finish(Manifest("upheld.estate/1", started, rfc3339(clock.now()), tool(), identity, endpoint_override(), scope))


def _tls(inputs: Inputs, wanted: Plan) -> tuple[Tls, Roots] | None:
    """What endpoints to inspect and whom to trust; None where no rule asks for any, or the configuration names none.

    Raises ConfigurationError.
    """
    from agent.collect import tls_stage
    from agent.collect.tls_roots import roots
    from agent.collect.tls_targets import BadTarget

    settings, configuration = inputs.configuration.settings.collect.tls, inputs.configuration
    if settings is None or TLS_ENDPOINT not in wanted:
        return None
    try:
        tls_stage.named(settings)
    except BadTarget as error:
        raise ConfigurationError(f"{configuration.file}: {error}") from error
    public = configuration.path(settings.public_roots) if settings.public_roots else None
    return settings, roots(public, map(configuration.path, settings.private_roots))


def check(
    inputs: Inputs, estate_place: Path | None, *, every: bool, max_age: int, clock: Clock, progress: Progress | None = None
) -> Result:
    """Judge a recorded estate, or the world as it is now. Raises ConfigurationError and HelperBug."""
    try:
        if estate_place is not None:
            return assess(inputs, read_estate(estate_place), every=every, max_age=max_age, clock=clock)
        with tempfile.TemporaryDirectory(prefix="upheld-") as folder:
            place = Path(folder) / "estate"
            collect(inputs, place, plan_for(inputs, every=every), clock, progress)
            return assess(inputs, read_estate(place), every=every, max_age=0, clock=clock)
    except EstateError as error:
        raise ConfigurationError(str(error)) from error


def assess(inputs: Inputs, estate: Estate, *, every: bool, max_age: int, clock: Clock) -> Result:
    """Judge an estate. `max_age` in seconds; 0 for no limit. The clock is asked for nothing but the estate's age."""
    stale = bool(max_age) and clock.now() - estate.manifest.now > timedelta(seconds=max_age)
    book, findings = inputs.book, Findings()
    promised = {rule.id for rule in inputs.judged}
    beside = [rule for rule in _present(book, estate) if rule.id not in promised] if every else []
    bound = [*bind(inputs.judged, inputs.promises.promises, every=False), *bind(beside, [], every=True)]
    populations: dict[tuple[str, str], Population] = {}
    unmatched = set(inputs.exceptions)
    for finding in judge(estate, book.catalogue, bound, populations, inputs.exceptions, stale=stale):
        findings.add(finding)
        if finding.verdict is not Verdict.UPHELD:
            unmatched.discard(finding.id)
    for finding in _wording(inputs, estate):
        findings.add(finding)
    promises = summarize(estate, book.catalogue, book.controls, inputs.promises, inputs.texts, bound, populations)
    summaries = [summarize_rule(one, populations["", key(one)]) for one in bound if ("", key(one)) in populations]
    calls = sum(look.pages for look in estate.looks)
    result = Result(estate.manifest, findings, promises, summaries, estate.gaps, tool(), _estate_digest(estate, bound, inputs), calls)
    if stale:
        result.notes.append(f"the estate is older than the maximum age of {max_age} s, so nothing in it is proven; see --max-age")
    for name in () if inputs.narrowed else sorted(unmatched):
        accepted = inputs.exceptions[name]
        result.notes.append(
            f"the exception for {accepted.resource or name} ({accepted.rule or 'a finding'}) accepts nothing that is broken here: remove it"
        )
    if not promises and not summaries:
        why = "no rule is about anything in this estate" if every else "no promises in the configuration, and --all-rules was not given"
        result.notes.append(f"there is nothing to judge: {why}")
    return result


def _wording(inputs: Inputs, estate: Estate) -> Iterator[Finding]:
    """Whether the quotes stand in their policies, each a finding of its own promise."""
    rules = [rule for rule in inputs.book.rules.values() if rule.kind == SENTENCE]
    said = sentences(estate, inputs.promises, inputs.texts)
    for finding in judge(said, inputs.book.catalogue, bind(rules, [], every=True), {}):
        yield replace(finding, promises=(finding.resource.id,))


def _present(book: Rulebook, estate: Estate) -> Iterable[Rule]:
    """The rules whose type has a resource, a look or a gap in the estate."""
    seen = {*estate.resources, *(look.type for look in estate.looks), *(gap.type for gap in estate.gaps)} - {SENTENCE}
    return [rule for rule in book.rules.values() if rule.kind in seen]


def _estate_digest(estate: Estate, bound: Sequence[Bound], inputs: Inputs) -> str:
    """Which looks, under which rules and promises: equal for runs that must give equal findings."""
    looks = [(look.id, look.sha256) for look in estate.looks]
    said = {name: text.text for name, text in inputs.texts.items()}
    accepted = [one.model_dump(mode="json") for _, one in sorted(inputs.exceptions.items())]
    return digest(looks, [key(one) for one in bound], inputs.promises.model_dump(mode="json"), said, accepted)
