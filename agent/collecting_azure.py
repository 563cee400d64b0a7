"""The stage of a collection that reads Azure: each identity's subscriptions, entered or not, and what could not be seen."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent import log
from agent.clock import Clock
from agent.collect.aws.client import Deadline
from agent.collect.estate import EstateWriter
from agent.inputs import Inputs
from checks.model import LISTING
from checks.plan import Plan

if TYPE_CHECKING:
    from agent.collect.azure.client import Arm
    from agent.collect.azure.cloud import Cloud
    from agent.config.azure import Azure


@dataclass(frozen=True, slots=True)
class Read:
    """What was asked, subscription -> locations, and as whom, subscription -> identity; `endpoint` where it is none of the clouds'."""

    accounts: dict[str, tuple[str, ...]]
    identity: dict[str, str]
    endpoint: str | None


NOTHING = Read({}, {}, None)


@dataclass(frozen=True, slots=True)
class Eyes:
    """One entry of the configuration, the cloud that it is about, and Resource Manager as its identity sees it."""

    settings: Azure
    cloud: Cloud
    arm: Arm


def eyes(inputs: Inputs, deadline: Deadline, clock: Clock) -> list[Eyes]:
    """Whose eyes Azure is read with; nothing is asked yet. Raises ConfigurationError where a setting or a secret is not there."""
    settings = inputs.configuration.settings.collect.azure
    if not settings:
        return []
    from agent.collect.azure.client import Arm
    from agent.collect.azure.cloud import cloud, credential
    from agent.collect.azure.effective import check_installed

    logging.getLogger("azure").setLevel(logging.ERROR)  # what its clients warn of, such as tokens that are refused, stands in a gap
    if any(one.effective for one in settings):
        check_installed()
    places = [cloud(one.cloud, os.environ) for one in settings]
    return [
        Eyes(one, where, Arm(where.endpoint, where.scope, credential(one, where), deadline, clock.now))
        for one, where in zip(settings, places, strict=True)
    ]


def collect(
    inputs: Inputs, wanted: Plan, through: Sequence[Eyes], writer: EstateWriter, deadline: Deadline, clock: Clock,
    progress: Callable[[int, int], None] | None,
) -> Read:  # fmt: skip
    """Read the subscriptions that the configuration names, through the eyes of their identities."""
    if not through:
        return NOTHING
    from agent.collect.aws.record import account_gaps
    from agent.collect.azure.cloud import CLOUDS
    from agent.collect.azure.collector import AzureCollector
    from agent.collect.azure.subscriptions import Entered, enter

    with contextlib.ExitStack() as stack:
        for one in through:
            stack.callback(one.arm.close)
        doors = [door for one in through for door in enter(one.settings, one.arm, one.cloud.location)]
        entered = [door for door in doors if isinstance(door, Entered)]
        for door in doors:
            if not isinstance(door, Entered):
                for gap in account_gaps(inputs.book.catalogue, wanted, door):
                    writer.add_gap(gap)
        collector = AzureCollector(inputs.book.catalogue, wanted, writer, deadline, clock.now, _note, progress)
        regions = collector.collect(entered)
    ids = [door.id if isinstance(door, Entered) else door.account for door in doors]
    accounts = {id_: regions.get(id_) or (LISTING,) for id_ in ids}
    elsewhere = sorted({one.cloud.endpoint for one in through} - {CLOUDS["public"].endpoint})
    return Read(accounts, {one.id: one.identity for one in entered}, ", ".join(elsewhere) or None)


def _note(text: str) -> None:
    log.logger().info("azure", detail=text)
