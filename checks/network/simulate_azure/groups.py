"""Network security groups and security admin rules: what they say of one packet.

Sources: Azure docs, network-security-groups-overview (rules by ascending priority, the first match decides; five-tuple;
private addresses on both directions; protocols; default rules; plural members hold beside the singular ones) and
application-security-groups (membership belongs to the IP configuration; a rule with a group names its private addresses).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from checks.network.packet import ICMP, ICMPV6, PORTED, TCP, UDP, Packet
from checks.network.simulate_azure.answers import Allowed, Answer, Denied, Doubt, Match, either, every
from checks.network.simulate_azure.platform import STAND_IN
from checks.network.simulate_azure.tags import in_tag
from checks.network.simulate_azure.wire import (
    Json,
    Prefix,
    covers,
    is_public,
    listed,
    name_of,
    one_or_more,
    properties,
    read_prefix,
    references,
    same,
)
from checks.network.simulate_azure.world import Subnet, World

INBOUND, OUTBOUND = "Inbound", "Outbound"
ESP, AH = 50, 51

ANYWHERE = frozenset({"*", "any"})
_PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "esp": ESP, "ah": AH}

# network-security-groups-overview, "Default security rules"; ARM lists them in defaultSecurityRules of each group.
_DEFAULTS = [
    ("AllowVnetInBound", INBOUND, 65000, "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowAzureLoadBalancerInBound", INBOUND, 65001, "AzureLoadBalancer", "*", "Allow"),
    ("DenyAllInBound", INBOUND, 65500, "*", "*", "Deny"),
    ("AllowVnetOutBound", OUTBOUND, 65000, "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowInternetOutBound", OUTBOUND, 65001, "*", "Internet", "Allow"),
    ("DenyAllOutBound", OUTBOUND, 65500, "*", "*", "Deny"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a filter stands: service tags mean what they mean to interfaces of `subnet`."""

    world: World
    subnet: Subnet


def judge_group(scene: Scene, group: str, direction: str, packet: Packet) -> Answer:
    """What the network security group with this id says."""
    data = scene.world.resource("network.networksecuritygroups", group)
    if data is None:
        return Doubt(f"network security group {group} is not in the estate")
    given = properties(data)
    defaults = listed(given, "defaultSecurityRules") or [_default(*line) for line in _DEFAULTS]
    rules = [rule for rule in [*listed(given, "securityRules"), *defaults] if same(properties(rule).get("direction"), direction)]
    name = str(data.get("name") or name_of(group))
    answer = first_match(name, rules, lambda rule: rule_matches(scene, rule, packet))
    return answer or Denied(f"{name}: no rule matches")


def first_match(owner: str, rules: Iterable[Json], matches: Any) -> Answer | None:
    """The action of the first rule that matches, by priority; None where none does.

    A doubtful match is passed over as long as what follows decides likewise.
    """
    doubtful: list[tuple[str, str, Doubt]] = []
    for rule in sorted(rules, key=lambda rule: int(properties(rule).get("priority", 0))):
        name, access = f"{owner}/{rule.get('name') or name_of(str(rule.get('id', '')))}", str(properties(rule).get("access"))
        match: Match = matches(rule)
        if match is False:
            continue
        if isinstance(match, Doubt):
            doubtful.append((name, access, match))
            continue
        for other, other_access, doubt in doubtful:
            if not same(other_access, access):
                return Doubt(f"{other}: {doubt.why}")
        return Allowed((name,)) if same(access, "Allow") else Denied(f"denied by {name}")
    return Doubt(f"{doubtful[0][0]}: {doubtful[0][2].why}") if doubtful else None


def rule_matches(scene: Scene, rule: Json, packet: Packet) -> Match:
    """Whether a security rule of a network security group is about the packet."""
    given = properties(rule)
    return every(
        [
            protocol_matches(given.get("protocol"), packet),
            ports_match(one_or_more(given, "sourcePortRange", "sourcePortRanges"), packet.source_port, packet),
            ports_match(one_or_more(given, "destinationPortRange", "destinationPortRanges"), packet.destination_port, packet),
            _side_matches(scene, given, "source", packet.family, packet.source),
            _side_matches(scene, given, "destination", packet.family, packet.destination),
        ]
    )


def protocol_matches(protocol: object, packet: Packet) -> Match:
    if protocol is None:
        return Doubt("the rule gives no protocol")
    name = str(protocol).lower()
    if name in ANYWHERE:
        return True
    if name not in _PROTOCOLS:
        return Doubt(f"protocol {protocol} is not known")
    if packet.protocol == ICMPV6 and name == "icmp":
        return Doubt("whether a rule for Icmp is about ICMPv6 is not documented")
    return _PROTOCOLS[name] == packet.protocol


def ports_match(ranges: list[Any], port: int, packet: Packet) -> Match:
    """Whether a port lies in one of the ranges (`*`, `22`, `8000-8100`, and these joined by commas)."""
    if not ranges:
        return Doubt("the rule gives no ports")
    each = [part.strip() for text in ranges for part in str(text).split(",")]
    if any(part.lower() in ANYWHERE or part == "0-65535" for part in each):
        return True
    if packet.protocol not in PORTED:
        return Doubt(f"whether a rule for some ports is about protocol {packet.protocol} is not documented")
    return either(_in_range(part, port) for part in each)


def _in_range(text: str, port: int) -> Match:
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        return Doubt(f"{text} is no port range")
    return int(first) <= port <= int(last or first)


def _side_matches(scene: Scene, given: Json, side: str, family: int, address: int) -> Match:
    places = one_or_more(given, f"{side}AddressPrefix", f"{side}AddressPrefixes")
    groups = references(given, f"{side}ApplicationSecurityGroups")
    if not places and not groups:
        return Doubt(f"the rule gives no {side}")
    return either(
        [
            *(place_matches(scene, str(place), family, address) for place in places),
            *(_in_application_group(scene, group, family, address) for group in groups),
        ]
    )


def place_matches(scene: Scene, place: str, family: int, address: int) -> Match:
    """Whether an address lies in what a rule names: `*`, a CIDR or address, or a service tag."""
    if place.lower() in ANYWHERE:
        return True
    prefix = read_prefix(place)
    if (family, address) == (4, STAND_IN) and place.lower() != "internet" and (prefix is None or _some_public(prefix)):
        in_spaces = prefix is None and in_tag(scene.world, place, scene.subnet, family, address)
        tag = place.lower() in {"virtualnetwork", "virtual_network", "azureloadbalancer", "azureplatformdns", "azureplatformimds"}
        return in_spaces if tag else Doubt(f"whether {place} holds the address of a service is not in the estate")
    if prefix is not None:
        return covers(prefix, family, address)
    return in_tag(scene.world, place, scene.subnet, family, address)


def _some_public(prefix: Prefix) -> bool:
    return prefix.version == 4 and prefix.prefixlen > 0 and is_public(4, int(prefix.network_address))


def _in_application_group(scene: Scene, group: str, family: int, address: int) -> Match:
    for card in scene.world.cards:
        if group in references(properties(card.data), "applicationSecurityGroups") and (card.family, card.address) == (family, address):
            return True
    scale_set = scene.world.scale_set_naming(group)
    return Doubt(f"the interfaces of {scale_set}, in {name_of(group)}, are not in the estate") if scale_set else False


def _default(name: str, direction: str, priority: int, source: str, destination: str, access: str) -> Json:
    places = {"sourceAddressPrefix": source, "destinationAddressPrefix": destination}
    ports = {"protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*"}
    return {"name": name, "properties": {"direction": direction, "priority": priority, "access": access, **ports, **places}}
