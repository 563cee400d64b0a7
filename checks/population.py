"""How much of each cloud was seen, beside how much is known to exist there."""

from __future__ import annotations

from dataclasses import dataclass

from checks.model import GLOBAL, Estate, Look, Place, can_hold, provider
from checks.plan import ACCOUNTS, AZURE_KINDS, AZURE_SUBSCRIPTIONS, KINDS, UNIVERSE


@dataclass(frozen=True, slots=True)
class CloudPopulation:
    """Accounts or subscriptions, and resources, of one cloud: those seen, and those known to exist; None where that is not known.

    What is known counts other kinds than those that rules asked for, too.
    """

    cloud: str
    accounts_seen: int
    accounts_known: int | None
    resources_seen: int
    resources_known: int | None


_TELLING = {"aws": (ACCOUNTS, KINDS), "azure": (AZURE_SUBSCRIPTIONS, AZURE_KINDS)}
"""Cloud -> the types that tell which accounts it has, and how many resources of each kind."""


def cloud_populations(estate: Estate) -> list[CloudPopulation]:
    """One for each cloud of which the estate holds an account, in the order of their names."""
    clouds = {name for account in estate.manifest.scope.accounts if (name := provider(account)) in _TELLING}
    return [_population(estate, cloud) for cloud in sorted(filter(None, clouds))]


def _population(estate: Estate, cloud: str) -> CloudPopulation:
    accounts, kinds = _TELLING[cloud]
    mine = [account for account in estate.manifest.scope.accounts if provider(account) == cloud]
    entered = set(mine) & {look.account for look in estate.looks}
    listed = any(isinstance(estate.listing(accounts, Place(account, GLOBAL)), Look) for account in mine)
    known = {one.id for one in estate.of(accounts)} | set(mine)
    seen = sum(len(estate.of(type_)) for type_ in estate.resources if type_.startswith(f"{cloud}.") and type_ not in UNIVERSE[cloud])
    places = [Place(account, GLOBAL) for account in mine] if cloud == "azure" else list(estate.manifest.scope.places(everywhere=True))
    counted = all(isinstance(estate.listing(kinds, place), Look) for place in places if can_hold(place.account, kinds))
    counts = [one.data.get("count") for one in estate.of(kinds)]
    total = sum(count for count in counts if isinstance(count, int)) if counted and None not in counts else None
    return CloudPopulation(cloud, len(entered), len(known) if listed else None, seen, total)
