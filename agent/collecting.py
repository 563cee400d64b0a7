"""Reading the world into an estate: what is needed, then each stage of the collection after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from agent import collecting_azure, collecting_logs, state
from agent.clock import Clock
from agent.collect.aws.client import Deadline, WrongAccount, endpoint_override
from agent.collect.estate import EstateWriter
from agent.config import LATE, Collect, ConfigurationError, Tls
from agent.config.values import plain
from agent.inputs import Inputs
from checks.model import GLOBAL, Manifest, Scope, digest
from checks.plan import Plan, named, plan, whole
from checks.runs import ACCOUNT as RUN_ACCOUNT
from checks.runs import RUN, Told, resources
from checks.target import HERE, Target
from checks.tls.endpoint import ACCOUNT as TLS_ACCOUNT
from checks.tls.endpoint import TYPE as TLS_ENDPOINT

if TYPE_CHECKING:
    from agent.collect.aws.accounts import Entered, Shut
    from agent.collect.tls.memory import Memory
    from agent.collect.tls.stage import Means
    from checks.tls.certificate import Roots

ATTEMPTS = 4
Progress = Callable[[int, int], None]


def tool() -> str:
    return f"upheld {version('upheld')}"


def providers(settings: Collect) -> tuple[str, ...]:
    """The clouds that are read: those configured. Without any, AWS as the credentials see it, unless there are only endpoints, or
    an empty list says that there is no account of it to read."""
    only_endpoints = settings.tls is not None and settings.tls.alone
    of_aws = bool(settings.aws) or not (settings.azure or only_endpoints or settings.no_aws)
    return (*(["aws"] if of_aws else []), *(["azure"] if settings.azure else []))


def plan_for(inputs: Inputs, *, every: bool, of: Collection[str] | None = None) -> Plan:
    """What must be collected `of` some providers, else of those that are read. Tags only where a promise's scope goes by them; what
    exists only in a run about everything, or settings."""
    if inputs.about in HERE:
        return {}
    read = providers(inputs.configuration.settings.collect) if of is None else of
    rules = inputs.rules if every else inputs.judged
    tagged = any(promise.scope.exclude or promise.names_tags for promise in inputs.promises.promises)
    universe = bool(inputs.promises.promises) and inputs.about in {None, Target.SETTINGS}
    needed = whole(plan(rules, providers=read, tags=tagged, universe=universe), inputs.book.catalogue)
    if not any(rule.kind == TLS_ENDPOINT for rule in rules):
        return needed
    serving = _serving(needed, read) if inputs.configuration.settings.collect.tls else {}
    return {**needed, **serving, TLS_ENDPOINT: frozenset({"*"})}


def _serving(needed: Plan, of: Collection[str]) -> Plan:
    """What tells which endpoints are served in the clouds that are read, beside what is needed of it anyway."""
    from agent.collect.tls.served import TELLING

    telling = {name: members for name, members in TELLING.items() if name.partition(".")[0] in of}
    return {name: members | needed.get(name, frozenset()) for name, members in telling.items()}


def collect(
    inputs: Inputs, place: Path, wanted: Plan, clock: Clock, progress: Progress | None = None, *, every: bool = False,
    runs: Iterable[Told] = (),
) -> None:  # fmt: skip
    """Read the world into an estate at `place`: AWS, Azure, then TLS endpoints, then logs; `every`: by all rules over rows. `runs`: what an
    agent's schedule says. Raises ConfigurationError where it may not begin.
    """
    from agent.collect.tls import served, stage
    from agent.collect.wire import rfc3339

    started = rfc3339(clock.now())
    deadline = Deadline(clock.monotonic() + inputs.configuration.settings.collect.deadline, clock.monotonic)
    tls = _endpoints(inputs, wanted)
    of_cloud = {name: members for name, members in wanted.items() if name != TLS_ENDPOINT}
    of_azure = {name: members for name, members in of_cloud.items() if name.startswith("azure.")}
    of_aws = {name: members for name, members in of_cloud.items() if name not in of_azure}
    eyes = [] if inputs.about in HERE else collecting_azure.eyes(inputs, deadline, clock)
    doors = doors_of(inputs, deadline, clock) if of_aws else ()
    with EstateWriter(place, served.REMEMBERED if tls else ()) as writer:
        accounts, identity = aws(inputs, of_aws, doors, writer, deadline, clock, progress)
        azure = collecting_azure.collect(inputs, of_azure, eyes, writer, deadline, clock, progress)
        accounts, identity = accounts | azure.accounts, identity | azure.identity
        if tls:
            stage.collect(*tls, writer, clock.now, lambda: deadline.left <= 0, progress)
            accounts[TLS_ACCOUNT] = (GLOBAL,)
        log_types = collecting_logs.collect(inputs, writer, accounts, deadline, clock, progress, every=every)
        run_types = tell_runs(runs, writer, accounts, clock)
        scope = Scope(accounts, tuple(sorted({*(wanted if tls else of_cloud), *log_types, *run_types})))
        endpoint = ", ".join(filter(None, (endpoint_override() if doors else None, azure.endpoint))) or None
        source = "+".join(providers(inputs.configuration.settings.collect)) or "aws"
        writer.finish(Manifest("upheld.estate/1", started, rfc3339(clock.now()), tool(), identity, endpoint, scope, source=source))


def tell_runs(runs: Iterable[Told], writer: EstateWriter, accounts: dict[str, tuple[str, ...]], clock: Clock) -> tuple[str, ...]:
    """Put what the schedule says into the estate; gives the type, and adds to the accounts that were read."""
    from agent.collect.wire import rfc3339

    held, looks = resources(runs, rfc3339(clock.now()))
    if not held:
        return ()
    writer.add_resources(held)
    for look in looks:
        writer.add_look(look)
    accounts[RUN_ACCOUNT] = (GLOBAL,)
    return (RUN,)


def doors_of(inputs: Inputs, deadline: Deadline, clock: Clock) -> Sequence[Entered | Shut]:
    """The accounts of AWS, entered or not: those configured, else the one of the credentials. None where the configuration says
    that there are only endpoints, or names what is read of Azure and nothing of AWS: to leave an account out must be said, or
    its resources would count as none.

    Raises ConfigurationError.
    """
    from agent.collect.aws.accounts import AwsTarget, enter

    try:
        targets = [
            AwsTarget(one.account, one.role, plain(one.external_id), one.regions) for one in inputs.configuration.settings.collect.aws
        ]
        read = "aws" in providers(inputs.configuration.settings.collect)
        return enter(targets or [AwsTarget()], deadline, ATTEMPTS, clock.now) if read else []
    except (WrongAccount, ValueError) as error:
        raise ConfigurationError(str(error)) from error


def aws(
    inputs: Inputs, wanted: Plan, doors: Sequence[Entered | Shut], writer: EstateWriter, deadline: Deadline, clock: Clock,
    progress: Progress | None,
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:  # fmt: skip
    """Collect AWS through its doors; gives what was asked, account -> regions, and as whom, account -> identity."""
    from agent.collect.aws.accounts import Entered
    from agent.collect.aws.collector import AwsCollector
    from agent.collect.aws.record import account_gaps

    book = inputs.book
    entered = [door for door in doors if isinstance(door, Entered)]
    accounts = {door.account.id: tuple(door.regions) for door in entered}
    for door in doors:
        if not isinstance(door, Entered):
            accounts[door.account] = tuple(door.regions)
            for gap in account_gaps(book.catalogue, wanted, door):
                writer.add_gap(gap)
    some = {asked: by for asked, by in named(book.rules.values(), wanted, book.catalogue).items() if asked[0] not in writer.remembers}
    AwsCollector(book.catalogue, wanted, writer, deadline, clock.now, progress=progress, named=some).collect(entered)
    return accounts, {door.account.id: door.identity for door in entered}


def _endpoints(inputs: Inputs, wanted: Plan) -> tuple[Tls, Means] | None:
    """What endpoints to inspect, and how; None where no rule asks for any, or the configuration names none.

    Raises ConfigurationError.
    """
    from agent.collect.tls import lookups, stage
    from agent.collect.tls.roots import roots
    from agent.collect.tls.targets import BadTarget

    settings, configuration = inputs.configuration.settings.collect.tls, inputs.configuration
    if settings is None or TLS_ENDPOINT not in wanted:
        return None
    good = 0
    try:
        for good, _ in enumerate(stage.named(settings), 1):  # noqa: B007
            pass
    except BadTarget as error:
        raise ConfigurationError(f"{configuration.place('collect', 'tls', 'endpoints', good)}: {error}") from error
    public = configuration.path(settings.public_roots) if settings.public_roots else None
    trusted = roots(public, map(configuration.path, settings.private_roots))
    return settings, stage.Means(trusted, _memory(inputs, settings, trusted), lookups.caa(asked=settings.caa))


def _memory(inputs: Inputs, settings: Tls, roots: Roots) -> Memory | None:
    """What is remembered of endpoints; None where everything is asked of them in each run. Raises ConfigurationError."""
    from cryptography.hazmat.primitives.hashes import SHA256

    from agent import log
    from agent.collect.tls.memory import Memory

    place = state.configured(inputs.configuration, os.environ)
    if settings.quick and place is None:
        place = state.usual(os.environ)
    if place is None or settings.quick is False:
        return None
    basis = digest(tool(), sorted(one.fingerprint(SHA256()).hex() for one in (*roots.public, *roots.private)))
    every = timedelta(seconds=settings.full_every)
    counts = timedelta(seconds=settings.full_max_age or settings.full_every + LATE)
    return Memory(state.make(place) / "tls", basis, every, lambda text: log.logger().warning("tls-memory", detail=text), counts)
