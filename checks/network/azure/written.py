"""Rules as network security groups and network managers write them, read into one form.

Sources: "Network security groups overview" and "How network security groups filter network traffic" (Azure Virtual
Network documentation); ARM reference of networkSecurityGroups and of networkManagers securityAdminConfigurations rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from checks.model import Resource
from checks.network.azure.arm import Malformed, entries, key, member, name, ports, references, text, texts, whole
from checks.network.packet import ICMP, ICMPV6, TCP, UDP
from checks.network.packets import PORTS, Span

Direction = Literal["Inbound", "Outbound"]
Access = Literal["allow", "deny", "always"]
ANY_PORT: Span = (0, PORTS)
_PROTOCOLS: Mapping[str, tuple[int, ...]] = {"tcp": (TCP,), "udp": (UDP,), "icmp": (ICMP, ICMPV6), "esp": (50,), "ah": (51,)}


@dataclass(frozen=True, slots=True)
class Written:
    """One rule. `near` is the side of the interface it stands at, `far` the other; no `protocols` means any. With a
    `doubt`, what it matches is not known, and may be anything."""

    id: str
    access: Access
    protocols: tuple[int, ...]
    ports: tuple[Span, ...]
    source_ports: tuple[Span, ...]
    near: tuple[str, ...]
    near_groups: frozenset[str]
    far: tuple[str, ...]
    far_groups: tuple[str, ...]
    doubt: str = ""
    unsure: str = ""
    """Why it is not sure that the rule applies at all."""


def default_rules(direction: Direction) -> list[Mapping[str, Any]]:
    """The rules that every group ends with, where it does not show them ("Network security groups overview", default rules)."""

    def one(name_: str, priority: int, access: str, source: str, destination: str) -> Mapping[str, Any]:
        return {
            "name": name_,
            "properties": {
                "priority": priority, "access": access, "direction": direction, "protocol": "*", "sourcePortRange": "*",
                "destinationPortRange": "*", "sourceAddressPrefix": source, "destinationAddressPrefix": destination,
            },
        }  # fmt: skip

    if direction == "Inbound":
        return [
            one("AllowVnetInBound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
            one("AllowAzureLoadBalancerInBound", 65001, "Allow", "AzureLoadBalancer", "*"),
            one("DenyAllInBound", 65500, "Deny", "*", "*"),
        ]
    return [
        one("AllowVnetOutBound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
        one("AllowInternetOutBound", 65001, "Allow", "*", "Internet"),
        one("DenyAllOutBound", 65500, "Deny", "*", "*"),
    ]


def security_rules(group: Resource, direction: Direction) -> tuple[list[Written], str]:
    """A group's rules of one direction in the order they are read, and why that is not known (then the rules are not)."""
    own = member(group.data, "properties", "securityRules")
    if not isinstance(own, list | tuple):
        return [], f"network security group {group.id} does not tell its rules"
    defaults = list(entries(group.data, "properties", "defaultSecurityRules")) or default_rules(direction)
    title = name(group.id)
    found = []
    for data, prefix in [*((one, f"{title}/") for one in entries(group.data, "properties", "securityRules")),
                         *((one, f"{title}/DefaultRule ") for one in defaults)]:  # fmt: skip
        properties = member(data, "properties")
        id_ = prefix + text(data, "name")
        wanted, priority, access = text(properties, "direction"), whole(properties, "priority"), text(properties, "access")
        if wanted not in {"Inbound", "Outbound"} or priority is None or access not in {"Allow", "Deny"}:
            return [], f"rule {id_} does not tell its direction, priority and access"
        if wanted == direction:
            found.append((priority, _security_rule(id_, "allow" if access == "Allow" else "deny", direction, properties)))
    return [rule for _, rule in sorted(found, key=lambda one: one[0])], ""


def _security_rule(id_: str, access: Access, direction: Direction, properties: Any) -> Written:
    def prefixes(end: str) -> tuple[str, ...]:
        return _both(text(properties, f"{end}AddressPrefix"), texts(properties, f"{end}AddressPrefixes"))

    def groups(end: str) -> tuple[str, ...]:
        return tuple(key(one) for one in references(properties, f"{end}ApplicationSecurityGroups"))

    near, far = ("destination", "source") if direction == "Inbound" else ("source", "destination")
    return read_rule(
        id_,
        access,
        text(properties, "protocol"),
        _both(text(properties, "destinationPortRange"), texts(properties, "destinationPortRanges")),
        _both(text(properties, "sourcePortRange"), texts(properties, "sourcePortRanges")),
        (prefixes(near), groups(near)),
        (prefixes(far), groups(far)),
    )


def _both(single: str, many: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*([single] if single else []), *many]))


def read_rule(
    id_: str,
    access: Access,
    protocol: str,
    destination_ports: tuple[str, ...],
    source_ports: tuple[str, ...],
    near: tuple[tuple[str, ...], tuple[str, ...]],
    far: tuple[tuple[str, ...], tuple[str, ...]],
) -> Written:
    """A rule of its written members; `near` and `far` are (prefixes and tags, application security groups)."""
    problems = []
    protocols: tuple[int, ...] = ()
    if protocol.lower() not in {"*", "any"}:
        protocols = _PROTOCOLS.get(protocol.lower(), ())
        if not protocols:
            problems.append(f"protocol {protocol!r} is not known")
    spans, wrong = _spans(destination_ports)
    problems += wrong
    from_ports, wrong = _spans(source_ports)
    problems += wrong
    for end, (prefixes, groups) in (("near", near), ("far", far)):
        if not prefixes and not groups:
            problems.append(f"its {end} end is not told")
    doubt = f"rule {id_}: {'; '.join(problems)}" if problems else ""
    return Written(id_, access, protocols, spans, from_ports, near[0], frozenset(near[1]), far[0], far[1], doubt)


def _spans(written: Iterable[str]) -> tuple[tuple[Span, ...], list[str]]:
    spans, wrong = [], []
    for one in written:
        for part in one.split(","):
            try:
                spans.append(ports(part))
            except Malformed as error:
                wrong.append(str(error))
    if not spans and not wrong:
        wrong.append("a range of ports is not told")
    if ANY_PORT in spans:
        spans = [ANY_PORT]
    return tuple(dict.fromkeys(spans)), wrong
