"""`upheld doctor`: who we are, what we may read, where, and whether the clocks agree: before the first run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent import run
from agent.collect.aws.client import endpoint_override
from agent.collect.azure.cloud import ENDPOINT
from agent.collect.estate import read_estate
from agent.collecting import providers
from agent.commands.permissions import aws_actions, aws_calls, azure_calls
from agent.exits import UNPROVEN, UPHELD
from agent.publish.printable import printable
from agent.publish.text import gap_lines
from agent.run import Clock, Inputs
from checks.model import LISTING, Estate, Reason, provider
from checks.plan import AZURE_SUBSCRIPTIONS, Plan

_CLOCK_LIMIT = 300
"""Seconds: AWS refuses requests whose time is further off (Signature Version 4, AWS General Reference)."""


def examine(inputs: Inputs, clock: Clock) -> int:
    """Collect everything that the enabled rules need once, into a folder that is thrown away, and say how it went."""
    every = not inputs.promises.promises
    wanted = run.plan_for(inputs, every=every)
    file = inputs.configuration.file
    print(f"configuration  {printable(file) if file else 'none: defaults, the account of the credentials, every enabled region'}")
    print(
        f"promises       {len(inputs.promises.promises)}, judged by {len(inputs.judged)} rules"
        if inputs.promises.promises
        else f"promises       none: all {len(inputs.book.rules)} rules"
    )
    read = providers(inputs.configuration.settings.collect)
    places = [
        *([endpoint_override() or "AWS"] if "aws" in read else []),
        *([os.environ.get(ENDPOINT) or "Azure"] if "azure" in read else []),
    ]
    print(f"endpoint       {printable(', '.join(places) or 'none')}")
    with tempfile.TemporaryDirectory(prefix="upheld-doctor-") as folder:
        place = Path(folder) / "estate"
        run.collect(inputs, place, wanted, clock)
        estate = read_estate(place)
    for line in _findings(estate, clock):
        print(line)
    print(printable(_permissions(inputs, estate, wanted)))
    shut = set(_shut(estate))
    for line in gap_lines(gap for gap in estate.gaps if not gap.action and gap.account not in shut):
        print(f"gap            {line}")
    print("ready" if not estate.gaps else f"{len(estate.gaps)} gaps: what they hide will be unproven")
    return UNPROVEN if estate.gaps else UPHELD


def _permissions(inputs: Inputs, estate: Estate, wanted: Plan) -> str:
    """What was answered, what was refused, and what nobody asked because nothing of the kind exists."""
    read = {provider(account) for account in estate.manifest.scope.accounts}
    kinds, looked = inputs.book.catalogue, {(look.type, look.call) for look in estate.looks}
    needed, calls = set[str](), list[tuple[str, str, str]]()
    answered = set[str]()
    if "aws" in read:
        needed |= set(aws_actions(kinds, wanted))
        calls += aws_calls(kinds, wanted)
        answered |= {"sts:GetCallerIdentity"} if any(provider(one) == "aws" for one in estate.manifest.identity) else set()
    if "azure" in read:
        calls += azure_calls(kinds, wanted)
        needed |= {action for _, _, action in azure_calls(kinds, wanted)}
    answered |= {action for type_, call, action in calls if (type_, call) in looked}
    denied = {gap.action for gap in estate.gaps if gap.action}
    idle = needed - answered - denied
    return (
        f"permissions    {len(answered - denied)} of {len(needed)} actions answered"
        + (f"; {len(idle)} not tried, for want of anything to ask about or of an answer before" if idle else "")
        + (f"; add {', '.join(sorted(denied))}" if denied else "")
    )


def _findings(estate: Estate, clock: Clock) -> Iterator[str]:
    for account, identity in sorted(estate.manifest.identity.items()):
        regions = estate.manifest.scope.accounts[account]
        yield printable(f"identity       {account}: {identity}")
        listed = f"{len(regions)}: {', '.join(regions[:6])}{', ...' if len(regions) > 6 else ''}"
        yield printable(f"regions        {listed if regions != (LISTING,) else 'which are enabled could not be told'}")
    for account in _shut(estate):
        gap = next(gap for gap in estate.gaps if gap.account == account)
        yield printable(f"identity       {account}: cannot be entered: {gap.reason} {gap.code} {gap.message}")
    if known := {one.id for one in estate.of(AZURE_SUBSCRIPTIONS)}:
        read = {account for account in estate.manifest.identity if provider(account) == "azure"}
        unread = sorted(known - read)
        beside = f"; nobody reads {', '.join(unread[:3])}{' and others' if len(unread) > 3 else ''}" if unread else ""
        yield printable(f"subscriptions  {len(known & read)} of {len(known)} that are known are read{beside}")
    yield f"clock          {clock.now().isoformat(timespec='seconds')}: {_clock(estate)}"


def _shut(estate: Estate) -> list[str]:
    """The accounts that could not be entered: each of their gaps says the same. Endpoints and logs are in none that is entered."""
    asked = set(estate.manifest.scope.accounts) - set(estate.manifest.identity)
    return sorted(one for one in asked if provider(one) in {"aws", "azure"} and any(gap.account == one for gap in estate.gaps))


def _clock(estate: Estate) -> str:
    if skewed := next((gap for gap in estate.gaps if gap.reason is Reason.CLOCK_SKEW), None):
        return f"{'Azure' if provider(skewed.account) == 'azure' else 'AWS'} refuses this machine's time: set the clock"
    if not estate.manifest.identity:
        return "not compared, for nothing was answered"
    whose = " and ".join(sorted({"Azure" if provider(one) == "azure" else "AWS" for one in estate.manifest.identity}))
    return f"within {_CLOCK_LIMIT // 60} minutes of {whose}'s, or it would have been refused"
