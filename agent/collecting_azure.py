"""The stage of a collection that reads Azure: each identity's subscriptions, entered or not, and what could not be seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from agent import log
from agent.clock import Clock
from agent.collect.aws_client import Deadline
from agent.collect.estate import EstateWriter
from agent.inputs import Inputs
from checks.model import LISTING
from checks.plan import Plan


@dataclass(frozen=True, slots=True)
class Read:
    """What was asked, subscription -> locations, and as whom, subscription -> identity; `endpoint` where it is none of the clouds'."""

    accounts: dict[str, tuple[str, ...]]
    identity: dict[str, str]
    endpoint: str | None


NOTHING = Read({}, {}, None)


def collect(
    inputs: Inputs, wanted: Plan, writer: EstateWriter, deadline: Deadline, clock: Clock, progress: Callable[[int, int], None] | None
) -> Read:
    """Read the subscriptions that the configuration names. Raises ConfigurationError."""
    settings = inputs.configuration.settings.collect.azure
    if not settings:
        return NOTHING
    from agent.collect.aws_record import account_gaps
    from agent.collect.azure import AzureCollector
    from agent.collect.azure_client import Arm
    from agent.collect.azure_cloud import CLOUDS, cloud, credential
    from agent.collect.azure_effective import check_installed
    from agent.collect.azure_subscriptions import Entered, enter

    if any(one.effective for one in settings):
        check_installed()
    places = [cloud(one.cloud, os.environ) for one in settings]
    arms = [
        Arm(where.endpoint, where.scope, credential(one, where), deadline, clock.now) for one, where in zip(settings, places, strict=True)
    ]
    doors = [door for one, arm, where in zip(settings, arms, places, strict=True) for door in enter(one, arm, where.location)]
    entered = [door for door in doors if isinstance(door, Entered)]
    for door in doors:
        if not isinstance(door, Entered):
            for gap in account_gaps(inputs.book.catalogue, wanted, door):
                writer.add_gap(gap)

    def note(text: str) -> None:
        log.logger().info("azure", detail=text)

    collector = AzureCollector(inputs.book.catalogue, wanted, writer, deadline, clock.now, note, progress)
    regions = collector.collect(entered)
    ids = [door.id if isinstance(door, Entered) else door.account for door in doors]
    accounts = {id_: regions.get(id_) or (LISTING,) for id_ in ids}
    elsewhere = sorted({where.endpoint for where in places} - {CLOUDS["public"].endpoint})
    return Read(accounts, {one.id: one.identity for one in entered}, ", ".join(elsewhere) or None)
