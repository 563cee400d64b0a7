"""What "all" means: every account, enabled region and kind of resource that is known to exist, and who read them.

The universe is evidence like any other: the organization's accounts, the regions with their opt-in status, AWS
Config's counts of resources by kind, and the resources that the tagging API knows of, which it knows of where Config
does not look; the subscriptions of an Azure tenant, and Resource Graph's counts. What none of it can show is missing until
a person assumes it, with a date. Each cloud that is read tells of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from checks import arns
from checks.catalogue import Catalogue
from checks.control import Controls
from checks.model import GLOBAL, Estate, Look, Place, can_hold, provider
from checks.plan import ACCOUNTS, AZURE_KINDS, AZURE_SUBSCRIPTIONS, KINDS, RECORDER, REGIONS, TAGGED
from checks.promise import Assumption, Promise

DISABLED = "not-opted-in"


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of the universe that nobody looked into, and what an assumption would have to cover."""

    what: str
    axis: str
    name: str

    def covered_by(self, assumption: Assumption) -> bool:
        covers = assumption.covers
        if self.name == "*":
            return self.axis in covers.universe
        held = {"accounts": covers.accounts, "regions": covers.regions, "kinds": covers.kinds}[self.axis]
        return self.name in held


def missing(
    estate: Estate, promise: Promise, controls: Controls, catalogue: Catalogue, judged: dict[str, set[str]], clouds: dict[str, set[str]]
) -> Iterator[Missing]:
    """Everything in a promise's scope that the estate does not show. `judged`: control -> the kinds its rules judge; `clouds`:
    control -> whose things they are."""
    if estate.manifest.asserted_complete_by:
        return
    yield from _accounts(estate, promise)
    yield from _regions(estate, promise)
    yield from _kinds(estate, promise, controls, catalogue, judged)
    yield from _without_rules(estate, promise, controls, clouds)


def _without_rules(estate: Estate, promise: Promise, controls: Controls, clouds: dict[str, set[str]]) -> Iterator[Missing]:
    """A cloud in which a promise holds, and no rule of a control judges anything: rules for another one say nothing of it."""
    held = {name for account in estate.manifest.scope.accounts if promise.scope.has_account(account) and (name := provider(account))}
    for binding in promise.controls:
        judging = clouds.get(binding.id, set())
        for name, title in (("aws", "AWS"), ("azure", "Azure")):
            if name in held and judging and name not in judging and judging & {"aws", "azure"} and controls[binding.id].kinds != "none":
                yield Missing(f"{binding.id} in {title}: no rule judges it there", "kinds", "*")


def _read_accounts(estate: Estate, list_: str = ACCOUNTS) -> set[str]:
    """The accounts that were read and of which a list tells: of no other does an organization of AWS, or a tenant of Azure."""
    return {account for account in estate.manifest.scope.accounts if can_hold(account, list_)}


def _accounts(estate: Estate, promise: Promise) -> Iterator[Missing]:
    subscriptions = {account for account in estate.manifest.scope.accounts if provider(account) == "azure"}
    read = _read_accounts(estate)
    if promise.scope.accounts != "all":
        for account in sorted(set(promise.scope.accounts) - read - subscriptions):
            yield Missing(f"account {account}: nobody looked", "accounts", account)
        return
    if subscriptions:
        unlisted = "which subscriptions exist is not known: what is below the tenant's root management group was not read"
        yield from _unread(estate, AZURE_SUBSCRIPTIONS, subscriptions, ("subscription", "displayName"), unlisted)
    if read - subscriptions or not subscriptions:
        unlisted = "which accounts exist is not known: the organization's list of accounts was not read"
        yield from _unread(estate, ACCOUNTS, read, ("account", "Name"), unlisted)


def _unread(estate: Estate, list_: str, read: set[str], named: tuple[str, str], unlisted: str) -> Iterator[Missing]:
    """What a list of accounts names and nobody read; `named`: what they are called, and the member that holds a name."""
    what, name = named
    known = {
        **dict.fromkeys(_unseen(estate, list_), "not seen"),
        **{one.id: one.data.get(name, "unnamed") for one in estate.of(list_)},
    }
    listed = any(isinstance(estate.listing(list_, Place(account, GLOBAL)), Look) for account in read)
    complete = listed and not read - set(known)  # whom no list names may be of another organization
    if not complete:
        gaps = [held for account in sorted(read) if isinstance(held := estate.listing(list_, Place(account, GLOBAL)), tuple)]
        told = [held for held in gaps if held[0].call] or gaps
        yield Missing(unlisted + (f" ({told[0][0].reason})" if told else ""), "accounts", "*")
    for account in sorted(set(known) - read) if complete or list_ == AZURE_SUBSCRIPTIONS else ():
        yield Missing(f"{what} {account} ({known[account]}): nobody looked", "accounts", account)


def _regions(estate: Estate, promise: Promise) -> Iterator[Missing]:
    scope = promise.scope
    for account in sorted(_read_accounts(estate)):
        if not scope.has_account(account):
            continue
        collected = set(estate.manifest.scope.accounts[account])
        if scope.regions != "all":
            enabled = set(scope.regions)
        elif isinstance(estate.listing(REGIONS, Place(account, GLOBAL)), Look):
            disabled = {one.id for one in estate.of(REGIONS) if one.account == account and one.data.get("OptInStatus") == DISABLED}
            enabled = {one.id for one in estate.of(REGIONS) if one.account == account} - disabled | _unseen(estate, REGIONS, account)
        else:
            yield Missing(f"account {account}: which regions are enabled is not known", "accounts", account)
            continue
        for region in sorted(enabled - collected):
            yield Missing(f"region {region} of account {account}: nobody looked", "regions", region)


def _kinds(estate: Estate, promise: Promise, controls: Controls, catalogue: Catalogue, judged: dict[str, set[str]]) -> Iterator[Missing]:
    subjects: dict[str, list[str]] = {}
    for binding in promise.controls:
        if (kinds := controls[binding.id].kinds) != "none":
            subjects[binding.id] = kinds
    if not subjects:
        return
    unknown: list[Place] = []
    untold: list[Place] = []
    found: dict[str, int] = {}
    tagged: dict[frozenset[str], int] = {}
    among = arns.known(catalogue, {kind for matter in subjects.values() for kind in matter})
    for place in sorted(estate.manifest.scope.places(everywhere=True)):
        if not can_hold(place.account, KINDS) or not promise.scope.has_place(place):
            continue
        if (counts := _counts(estate, place)) is None:
            unknown.append(place)
        for kind, count in (counts or {}).items():
            found[kind] = found.get(kind, 0) + count
        if not isinstance(estate.listing(TAGGED, place), Look):
            untold.append(place)
        for arn in {one.id for one in _at(estate, TAGGED, place)} | _unseen(estate, TAGGED, place.account, place.region):
            for group in arns.kinds_of(arn, among):
                tagged[group] = tagged.get(group, 0) + 1
    counted_by_graph, uncounted = _by_graph(estate, promise, subjects)
    if uncounted:
        where = ", ".join(uncounted[:3]) + (" and others" if len(uncounted) > 3 else "")
        yield Missing(f"which kinds of resource exist is not known in {where}: Resource Graph did not count them all", "kinds", "*")
    for kind, count in counted_by_graph.items():
        found[kind] = found.get(kind, 0) + count
    if unknown:
        where = _places(unknown)
        yield Missing(f"which kinds of resource exist is not known in {where}: AWS Config does not record everything there", "kinds", "*")
    if untold:
        why = estate.listing(TAGGED, untold[0])
        reason = f" ({why[0].reason})" if isinstance(why, tuple) else ""
        yield Missing(
            f"which kinds of resource exist is not known in {_places(untold)}: the tagging API was not read{reason}", "kinds", "*"
        )
    for control, matter in subjects.items():
        seen = judged.get(control, set())
        counted = set(found) & set(matter) - seen
        for kind in sorted(counted):
            yield Missing(f"{found[kind]} of kind {kind}: no rule of {control} judges it", "kinds", kind)
        for group in sorted(tagged, key=sorted):
            if group & set(matter) and not group & (seen | counted):
                kind = min(group & set(matter))
                yield Missing(f"{tagged[group]} of kind {kind}, which have or had tags: no rule of {control} judges it", "kinds", kind)


def _by_graph(estate: Estate, promise: Promise, subjects: dict[str, list[str]]) -> tuple[dict[str, int], list[str]]:
    """How many resources of each kind that matters Resource Graph counts, and the subscriptions in which it did not count all."""
    spelled = {kind.lower(): kind for matter in subjects.values() for kind in matter}
    counts: dict[str, int] = {}
    for one in estate.of(AZURE_KINDS):
        number = one.data.get("count")
        if one.id in spelled and promise.scope.has_account(one.account) and number != 0:
            counts[spelled[one.id]] = counts.get(spelled[one.id], 0) + (number if isinstance(number, int) else 1)
    subscriptions = sorted(account for account in estate.manifest.scope.accounts if provider(account) == "azure")
    uncounted = [
        account
        for account in subscriptions
        if promise.scope.has_account(account) and not isinstance(estate.listing(AZURE_KINDS, Place(account, GLOBAL)), Look)
    ]
    return counts, uncounted


def _places(places: list[Place]) -> str:
    return ", ".join(f"{place.account}/{place.region}" for place in places[:3]) + (" and others" if len(places) > 3 else "")


def _counts(estate: Estate, place: Place) -> dict[str, int] | None:
    """How many resources of each kind Config has discovered; None where that cannot be taken for everything."""
    if not isinstance(estate.listing(KINDS, place), Look) or not isinstance(estate.listing(RECORDER, place), Look):
        return None
    if not any(_records_everything(resource.data) for resource in _at(estate, RECORDER, place)) or _unseen(
        estate, KINDS, place.account, place.region
    ):
        return None
    counts = {resource.id: resource.data.get("count") for resource in _at(estate, KINDS, place)}
    return {kind: count if isinstance(count, int) else 1 for kind, count in counts.items() if count != 0} or None


def _records_everything(recorder: Any) -> bool:
    group, status = recorder.get("recordingGroup"), recorder.get("Status")
    held = status[0] if isinstance(status, list) and status else status
    return isinstance(group, dict) and group.get("allSupported") is True and isinstance(held, dict) and held.get("recording") is True


def _at(estate: Estate, type_: str, place: Place) -> Iterable[Any]:
    return (resource for resource in estate.of(type_) if resource.place == place)


def _unseen(estate: Estate, type_: str, account: str | None = None, region: str | None = None) -> set[str]:
    """What is known of a type only by the gap it left."""
    return {id_ for kind, of, id_, at in estate.resource_gaps if kind == type_ and account in (None, of) and region in (None, at)}
