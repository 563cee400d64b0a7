"""Reading again what changes are about, and nothing else: each account by itself, in the regions that they name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from agent import collecting_azure
from agent.clock import Clock
from agent.collect.aws.client import Deadline
from agent.collect.estate import SCHEMA, EstateWriter
from agent.collecting import aws as collect_aws
from agent.collecting import doors_of, providers, tell_runs, tool
from agent.config import Aws
from agent.inputs import Inputs
from checks.catalogue import Catalogue
from checks.change import Unit
from checks.model import GLOBAL, LISTING, Manifest, Scope, provider
from checks.plan import Plan, whole
from checks.runs import Told


def collect(inputs: Inputs, place: Path, plan: Plan, units: Collection[Unit], clock: Clock, runs: Iterable[Told] = ()) -> frozenset[Unit]:
    """Read units into an estate at `place`, with all members that the whole `plan` asks for of their types; gives what was looked at:
    those, what their listings wait for, and each type of an account in all regions that are named. Raises ConfigurationError.
    """
    from agent.collect.wire import rfc3339

    started = rfc3339(clock.now())
    deadline = Deadline(clock.monotonic() + inputs.configuration.settings.collect.deadline, clock.monotonic)
    looked: set[Unit] = set()
    accounts: dict[str, tuple[str, ...]] = {}
    identity: dict[str, str] = {}
    with EstateWriter(place) as writer:
        for account in sorted({unit.account for unit in units}):
            own = [unit for unit in units if unit.account == account]
            wanted = _wanted({unit.type for unit in own}, plan, inputs.book.catalogue)
            regions = tuple(sorted({unit.region for unit in own} - {GLOBAL, LISTING}))
            narrowed = _narrowed(inputs, account, regions)
            if provider(account) == "azure":
                eyes = collecting_azure.eyes(narrowed, deadline, clock)
                read = collecting_azure.collect(narrowed, wanted, eyes, writer, deadline, clock, None)
                accounts, identity = accounts | read.accounts, identity | read.identity
            else:
                held, whose = collect_aws(narrowed, wanted, doors_of(narrowed, deadline, clock), writer, deadline, clock, None)
                accounts, identity = accounts | held, identity | whose
            looked |= set(_looked(account, wanted, regions, inputs.book.catalogue))
        types = tell_runs(runs, writer, accounts, clock)
        scope = Scope(accounts, tuple(sorted({*types, *(unit.type for unit in looked)})))
        source = "+".join(providers(inputs.configuration.settings.collect)) or "aws"
        writer.finish(Manifest(SCHEMA, started, rfc3339(clock.now()), tool(), identity, None, scope, source=source))
    return frozenset(looked)


def _wanted(types: Collection[str], plan: Plan, catalogue: Catalogue) -> Plan:
    """The types, and those that they are listed per, each with all that the whole plan wants of it: what is read of a type takes the
    place of what was known."""
    return {name: plan.get(name, members) for name, members in whole(dict.fromkeys(types, frozenset()), catalogue).items()}


def _looked(account: str, wanted: Mapping[str, frozenset[str]], regions: tuple[str, ...], catalogue: Catalogue) -> Iterable[Unit]:
    for name in wanted:
        for region in (GLOBAL,) if catalogue[name].is_global else regions:
            yield Unit(name, account, region)


def _narrowed(inputs: Inputs, account: str, regions: tuple[str, ...]) -> Inputs:
    """As if the configuration named one account, and some of its regions."""
    settings = inputs.configuration.settings
    azure = [one.model_copy(update={"subscriptions": [account]}) for one in settings.collect.azure if account in one.subscriptions]
    aws = [] if azure else [one for one in settings.collect.aws if one.account == account] or [Aws(account=account)]
    narrowed = {"aws": [one.model_copy(update={"regions": regions}) for one in aws], "azure": azure, "tls": None, "logs": []}
    collecting = settings.collect.model_copy(update=narrowed)
    configuration = replace(inputs.configuration, settings=settings.model_copy(update={"collect": collecting}))
    return replace(inputs, configuration=configuration)
