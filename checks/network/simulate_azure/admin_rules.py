"""Security admin rules of Azure Virtual Network Manager, which come before network security groups.

Sources: Azure docs, concept-security-admins (Deny and Always allow end the evaluation, Allow goes on to the groups; a lower
number comes first; sources, destinations and ports are optional), concept-deployments ("Configurations don't take effect
until they're deployed", by region), virtual-network-manager/faq (no effect on private endpoints; skipped in networks of
services with intent policies; what a network group holds by Azure Policy).

What the estate must tell: a network manager's `deploymentStatus`, the list that ARM's listDeploymentStatus gives (region,
deploymentStatus, configurationIds); the static members of its groups. A rule that may or may not be in force is a doubt
where it would make a difference.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.network.packet import Packet
from checks.network.simulate_azure.answers import Doubt, Match, either, every
from checks.network.simulate_azure.groups import Scene, place_matches, ports_match, protocol_matches
from checks.network.simulate_azure.wire import Json, key, listed, name_of, properties, reference, same
from checks.network.simulate_azure.world import Network, World

_RULES = "network.networkmanagers.securityadminconfigurations.rulecollections.rules"
_COLLECTIONS = "network.networkmanagers.securityadminconfigurations.rulecollections"
_CONFIGURATIONS = "network.networkmanagers.securityadminconfigurations"
_MEMBERS = "network.networkmanagers.networkgroups.staticmembers"

# virtual-network-manager/faq names these; an application gateway's subnet is told by its resource, not by delegation.
_WITH_INTENT_POLICIES = ("microsoft.sql/managedinstances", "microsoft.databricks/workspaces")


@dataclass(frozen=True, slots=True)
class Admin:
    """What the rules say: `Allow`, `AlwaysAllow`, `Deny`, or nothing (None), each of which is possible where not certain."""

    possible: tuple[str | None, ...]
    rule: str = ""
    why: str = ""
    """What is not known, where more than one is possible."""


def judge_admin(scene: Scene, direction: str, packet: Packet) -> Admin:
    network = scene.world.network_of(scene.subnet)
    possible: list[str | None] = []
    named, why = "", ""
    rules = [rule for rule in scene.world.of(_RULES) if same(properties(rule).get("direction"), direction)]
    for rule in sorted(rules, key=lambda one: int(properties(one).get("priority", 0))):
        match = every([_matches(scene, rule, packet), _in_force(scene.world, rule, network)])
        if match is False:
            continue
        name = "/".join([rule["id"].split("/")[8], rule.get("name") or name_of(rule["id"])])
        named = named or name
        possible.append(str(properties(rule).get("access")))
        if match is True:
            return Admin(tuple(possible), named, why)
        why = why or f"{name}: {match.why}" if isinstance(match, Doubt) else why
    return Admin((*possible, None), named, why)


def _matches(scene: Scene, rule: Json, packet: Packet) -> Match:
    given = properties(rule)
    return every(
        [
            protocol_matches(given.get("protocol"), packet),
            ports_match(listed(given, "sourcePortRanges") or ["*"], packet.source_port, packet),
            ports_match(listed(given, "destinationPortRanges") or ["*"], packet.destination_port, packet),
            _place(scene, listed(given, "sources"), packet.family, packet.source),
            _place(scene, listed(given, "destinations"), packet.family, packet.destination),
        ]
    )


def _place(scene: Scene, places: list[Json], family: int, address: int) -> Match:
    if not places:
        return True
    return either(
        Doubt(f"a rule about network group {place.get('addressPrefix')} is not modelled")
        if same(place.get("addressPrefixType"), "NetworkGroup")
        else either(place_matches(scene, part.strip(), family, address) for part in str(place.get("addressPrefix")).split(","))
        for place in places
    )


def _in_force(world: World, rule: Json, network: Network) -> Match:
    """Whether the rule has been deployed to the network's region, for a group that the network is in."""
    parts = rule["id"].split("/")
    manager, configuration, collection = "/".join(parts[:9]), "/".join(parts[:11]), "/".join(parts[:13])
    return every(
        [
            _deployed(world, manager, configuration, network),
            _applies(world, collection, network),
            _not_skipped(world, configuration, network),
        ]
    )


def _deployed(world: World, manager: str, configuration: str, network: Network) -> Match:
    data = world.resource("network.networkmanagers", manager)
    if data is None or "deploymentStatus" not in data:
        return Doubt(f"whether {name_of(configuration)} is deployed is not in the estate")
    return any(
        same(status.get("deploymentStatus"), "Deployed")
        and same(str(status.get("region", "")).replace(" ", ""), network.location)
        and configuration in [key(each) for each in listed(status, "configurationIds")]
        for status in listed(data, "deploymentStatus")
    )


def _applies(world: World, collection: str, network: Network) -> Match:
    data = world.resource(_COLLECTIONS, collection)
    if data is None:
        return Doubt(f"rule collection {collection} is not in the estate")
    groups = [key(one.get("networkGroupId")) for one in listed(properties(data), "appliesToGroups")]
    for member in world.of(_MEMBERS):
        if member["id"].rsplit("/", 2)[0] in groups and key(properties(member).get("resourceId")) == network.id:
            return True
    return Doubt(f"whether {network.name} is in {' or '.join(map(name_of, groups))} by Azure Policy is not in the estate")


def _not_skipped(world: World, configuration: str, network: Network) -> Match:
    delegated = [
        str(properties(one).get("serviceName", "")).lower()
        for subnet in world.subnets
        if subnet.network == network.id
        for one in listed(properties(subnet.data), "delegations")
    ]
    services = [service for service in delegated if service in _WITH_INTENT_POLICIES]
    subnets = [subnet.id for subnet in world.subnets if subnet.network == network.id]
    for gateway in world.of("network.applicationgateways"):
        if any(reference(properties(one), "subnet") in subnets for one in listed(properties(gateway), "gatewayIPConfigurations")):
            services.append("application gateways")
    data = world.resource(_CONFIGURATIONS, configuration) or {}
    if services and "All" not in listed(properties(data), "applyOnNetworkIntentPolicyBasedServices"):
        return Doubt(f"whether security admin rules are applied beside {services[0]} in {network.name} is not in the estate")
    return True
