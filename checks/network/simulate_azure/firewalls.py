"""Azure Firewall: what its rules do with one packet.

Sources: Azure docs, firewall/rule-processing (NAT, then network, then application rules; a collection's lower priority number
first; a parent policy's network rules before its own; denied by default) and firewall-manager/rule-processing; snat-private-range
(no source translation for network rules when the destination is private); Microsoft's Azure Firewall NAT Behaviors (a NAT rule
also makes one of the firewall's private addresses the source). The two pages disagree on whether a network rule can
deny what a NAT rule has translated, so that is a doubt. Application rules name host names, and the infrastructure
collection lets some through that are not listed: what they may be about is a doubt. Threat intelligence is not looked at.
Which of the subnet's addresses stands for the firewall inside is not told: its own private address is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.network.packet import ICMP, TCP, UDP, Packet
from checks.network.simulate_azure.answers import Denied, Doubt, Match, either, every
from checks.network.simulate_azure.groups import Scene, place_matches, ports_match
from checks.network.simulate_azure.outbound import private_of, public_of
from checks.network.simulate_azure.wire import (
    Json,
    is_public,
    key,
    listed,
    name_of,
    prefixes,
    properties,
    read_address,
    reference,
    same,
    within,
)
from checks.network.simulate_azure.world import World

_IANA_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")

# infrastructure-fqdns: the built-in collection is HTTP and HTTPS.
_INFRASTRUCTURE_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Firewall:
    id: str
    name: str
    subnet: str
    private: int
    configurations: tuple[Json, ...]
    data: Json


@dataclass(frozen=True, slots=True)
class Passed:
    """The packet as the firewall sends it on; `hides` says that it puts its own address in the source's place on the way out."""

    packet: Packet
    rule: str
    hides: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule in the order of evaluation, whether from the firewall itself or from its policy."""

    name: str
    kind: str
    action: str
    given: Json


def firewalls(world: World) -> list[Firewall]:
    found = []
    for data in world.of("network.azurefirewalls"):
        configurations = listed(properties(data), "ipConfigurations")
        subnet = next((reference(properties(one), "subnet") for one in configurations if reference(properties(one), "subnet")), "")
        held = private_of(configurations)
        if subnet and held:
            found.append(Firewall(data["id"], str(data.get("name")), subnet, held[1], tuple(configurations), data))
    return found


def firewall_at(world: World, network: str, family: int, address: int) -> Firewall | None:
    for one in firewalls(world):
        subnet = world.subnet(one.subnet)
        if family == 4 and subnet and subnet.network == network and one.private == address:
            return one
    return None


def firewall_with(world: World, public_address: str) -> Firewall | None:
    for one in firewalls(world):
        if any(reference(properties(each), "publicIPAddress") == public_address for each in one.configurations):
            return one
    return None


def decide(world: World, firewall: Firewall, packet: Packet) -> Passed | Denied | Doubt:
    """What becomes of the first packet of a connection at the firewall."""
    rules = _rules(world, firewall)
    if isinstance(rules, Doubt):
        return rules
    for rule in (one for one in rules if one.kind == "nat"):
        match = _matches(world, firewall, rule, packet)
        if isinstance(match, Doubt):
            return Doubt(f"{rule.name}: {match.why}")
        if match:
            return _translate(world, firewall, rules, rule, packet)
    if packet.destination == firewall.private or not _may_go_on(firewall, world, packet):
        return Denied(f"{firewall.name}: no NAT rule for {packet}")
    return _network(world, firewall, rules, packet)


def _may_go_on(firewall: Firewall, world: World, packet: Packet) -> bool:
    own = [world.public_address(reference(properties(one), "publicIPAddress")) for one in firewall.configurations]
    return not any(one and (one.family, one.address) == (packet.family, packet.destination) for one in own)


def _network(world: World, firewall: Firewall, rules: list[_Rule], packet: Packet) -> Passed | Denied | Doubt:
    for rule in (one for one in rules if one.kind == "network"):
        match = _matches(world, firewall, rule, packet)
        if isinstance(match, Doubt):
            return Doubt(f"{rule.name}: {match.why}")
        if match and not same(rule.action, "Allow"):
            return Denied(f"denied by {rule.name}")
        if match:
            hides = _hides(world, firewall, packet)
            return hides if isinstance(hides, Doubt) else Passed(packet, rule.name, hides)
    ports = {protocol.get("port") for rule in rules if rule.kind == "application" for protocol in listed(rule.given, "protocols")}
    if packet.protocol == TCP and packet.destination_port in ports:
        return Doubt(f"{firewall.name}: what its application rules let through depends on host names")
    if packet.protocol == TCP and packet.destination_port in _INFRASTRUCTURE_PORTS and is_public(packet.family, packet.destination):
        return Doubt(f"{firewall.name}: what its infrastructure rule collection lets through depends on host names")
    return Denied(f"{firewall.name}: no rule for {packet}")


def _translate(world: World, firewall: Firewall, rules: list[_Rule], rule: _Rule, packet: Packet) -> Passed | Denied | Doubt:
    held, port = read_address(rule.given.get("translatedAddress")), str(rule.given.get("translatedPort") or packet.destination_port)
    if held is None:
        return Doubt(f"{rule.name}: where {rule.given.get('translatedFqdn')} leads is not in the estate")
    after = replace(packet, destination=held[1], destination_port=int(port) if port.isdigit() and port != "0" else packet.destination_port)
    for other in (one for one in rules if one.kind == "network"):
        match = _matches(world, firewall, other, after)
        if match is True and same(other.action, "Allow"):
            break
        if match is not False and not same(other.action, "Allow"):
            return Doubt(f"whether {other.name} denies what {rule.name} translates is documented both ways")
    return Passed(replace(after, source=firewall.private), rule.name, hides=False)


def _hides(world: World, firewall: Firewall, packet: Packet) -> bool | Doubt:
    """Whether the firewall puts its own address in the source's place."""
    policy = _policy(world, firewall)
    if policy:
        snat = properties(policy).get("snat") or {}
        ranges = listed(snat, "privateRanges")
        if same(snat.get("autoLearnPrivateRanges"), "Enabled"):
            return Doubt(f"{firewall.name}: which private ranges it has learned is not in the estate")
    else:
        text = (properties(firewall.data).get("additionalProperties") or {}).get("Network.SNAT.PrivateRanges", "")
        ranges = [part.strip() for part in str(text).split(",") if part.strip()]
    if not ranges or any(same(one, "IANAPrivateRanges") for one in ranges):
        ranges = [*ranges, *_IANA_PRIVATE]
    return not within(prefixes(ranges), packet.family, packet.destination)


def source_for(world: World, firewall: Firewall, family: int) -> int | None:
    """The public address that the internet sees."""
    found = public_of(world, list(firewall.configurations), family)
    return found.address if found else None


def _policy(world: World, firewall: Firewall) -> Json | None:
    identifier = reference(properties(firewall.data), "firewallPolicy")
    return world.resource("network.firewallpolicies", identifier) if identifier else None


def _rules(world: World, firewall: Firewall) -> list[_Rule] | Doubt:
    """All rules in the order in which they are evaluated within their kind."""
    identifier = reference(properties(firewall.data), "firewallPolicy")
    if not identifier:
        return list(_classic(firewall))
    chain: list[Json] = []
    while identifier and identifier not in [one["id"] for one in chain]:
        policy = world.resource("network.firewallpolicies", identifier)
        if policy is None:
            return Doubt(f"firewall policy {identifier} is not in the estate")
        chain.insert(0, policy)
        identifier = reference(properties(policy), "basePolicy")
    rules: list[_Rule] = []
    for policy in chain:
        for each in [key(one.get("id")) for one in listed(properties(policy), "ruleCollectionGroups")]:
            if world.resource("network.firewallpolicies.rulecollectiongroups", each) is None:
                return Doubt(f"rule collection group {each} is not in the estate")
        rules += _of_policy(world, policy)
    return rules


def _classic(firewall: Firewall) -> Iterator[_Rule]:
    for kind, member in (
        ("nat", "natRuleCollections"),
        ("network", "networkRuleCollections"),
        ("application", "applicationRuleCollections"),
    ):
        collections = listed(properties(firewall.data), member)
        for collection in sorted(collections, key=lambda one: int(properties(one).get("priority", 0))):
            action = str((properties(collection).get("action") or {}).get("type"))
            for rule in listed(properties(collection), "rules"):
                yield _Rule(f"{firewall.name}/{collection.get('name')}/{rule.get('name')}", kind, action, rule)


def _of_policy(world: World, policy: Json) -> Iterator[_Rule]:
    groups = [one for one in world.of("network.firewallpolicies.rulecollectiongroups") if one["id"].startswith(policy["id"] + "/")]
    for group in sorted(groups, key=lambda one: int(properties(one).get("priority", 0))):
        for collection in sorted(listed(properties(group), "ruleCollections"), key=lambda one: int(one.get("priority", 0))):
            action = str((collection.get("action") or {}).get("type"))
            for rule in listed(collection, "rules"):
                kind = str(rule.get("ruleType", "")).lower().removesuffix("rule")
                yield _Rule(f"{name_of(policy['id'])}/{collection.get('name')}/{rule.get('name')}", kind, action, rule)


def _matches(world: World, firewall: Firewall, rule: _Rule, packet: Packet) -> Match:
    subnet = world.subnet(firewall.subnet)
    if subnet is None:
        return Doubt(f"subnet {firewall.subnet} is not in the estate")
    scene, given = Scene(world, subnet), rule.given
    return every(
        [
            _protocol([*listed(given, "ipProtocols"), *listed(given, "protocols")], packet),
            ports_match(listed(given, "destinationPorts"), packet.destination_port, packet),
            _side(scene, given, "source", packet.family, packet.source),
            _side(scene, given, "destination", packet.family, packet.destination),
        ]
    )


def _protocol(names: list[object], packet: Packet) -> Match:
    numbers = {"tcp": {TCP}, "udp": {UDP}, "icmp": {ICMP}, "any": {packet.protocol}}
    return any(packet.protocol in numbers.get(str(name).lower(), set()) for name in names)


def _side(scene: Scene, given: Json, side: str, family: int, address: int) -> Match:
    conditions: list[Match] = [place_matches(scene, str(place), family, address) for place in listed(given, f"{side}Addresses")]
    for identifier in listed(given, f"{side}IpGroups"):
        group = scene.world.resource("network.ipgroups", str(identifier))
        if group is None:
            conditions.append(Doubt(f"IP group {identifier} is not in the estate"))
        else:
            conditions.append(within(prefixes(listed(properties(group), "ipAddresses")), family, address))
    if names := listed(given, f"{side}Fqdns"):
        conditions.append(Doubt(f"which addresses {names[0]} has is not in the estate"))
    return either(conditions)
