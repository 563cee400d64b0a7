"""Prover against Linux: security groups, network ACLs and NSGs as nftables rules, and real TCP connections through them.

    python -m tests.network.netfilter [--connects 10000] [--seed 1]

Clients in one subnet connect to servers in another. Their filters are made up as wire JSON; from there they go two ways,
through the prover, and as nftables rules into network namespaces. The kernel keeps state for groups and NSGs and none
for network ACLs. A connection comes about, is refused (a TCP reset), or gets no answer: reachable, unreachable, one-way.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from checks.model import Resource
from checks.network.graph import Graph
from checks.network.packet import TCP, Packet
from checks.network.walk import Start, Walker
from tests.checks.network.aws.asking import estate
from tests.checks.network.aws.asking import lowered as aws_lowered
from tests.checks.network.azure.arm_world import lowered as azure_lowered
from tests.checks.network.simulate import aws_world as aws
from tests.checks.network.simulate_azure import azure_world as azure
from tests.network.exactness import alone, sender
from tests.network.namespaces import CONNECTED, REFUSED, SILENT, NotAllowed, row

CLIENTS, SERVERS = ("10.0.1.5", "10.0.1.6", "10.0.1.7"), ("10.0.2.5", "10.0.2.6")
PORTS = (22, 80, 81, 443, 3306, 5432, 8080, 8443)
RESET = "reject with tcp reset"
BATCH = 100
Rules = Mapping[str, str]
"""nftables rules by namespace."""


@dataclass(frozen=True)
class Setup:
    """One set of filters both ways: the graph, its interfaces by address, and the rules."""

    graph: Graph
    interfaces: Mapping[str, str]
    rules: Rules


# -- AWS -------------------------------------------------------------------------------------------------------------

_BLOCKS = ("0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.5/32", "10.0.1.6/31", "10.0.2.6/32", "192.0.2.0/24")
_GROUPS = {"sg-c1": CLIENTS[:2], "sg-c2": CLIENTS[1:], "sg-s1": SERVERS, "sg-s2": SERVERS[1:]}
_LISTED = ("10.0.1.5/32", "10.0.2.0/29")


def aws_setup(chance: random.Random) -> Setup:
    """Security groups at every interface, a network ACL at each subnet."""
    home = aws.vpc("vpc-a", "10.0.0.0/16")
    places = {"c": aws.subnet("subnet-c", home, "10.0.1.0/24"), "s": aws.subnet("subnet-s", home, "10.0.2.0/24")}
    groups = [
        aws.group(name, home, _permissions(chance), [aws.ALLOW_ALL] if chance.random() < 0.5 else _permissions(chance)) for name in _GROUPS
    ]
    acls = [
        aws.acl(f"acl-{part}", home, place, **{way: _entries(chance) for way in ("ingress", "egress") if chance.random() < 0.7})
        for part, place in places.items()
    ]
    cards = []
    for address in (*CLIENTS, *SERVERS):
        place = places["c" if address in CLIENTS else "s"]
        held = [name for name, members in _GROUPS.items() if address in members]
        cards.append(aws.eni(f"eni-{address}", place, address, *held))
    things = [home, *places.values(), *groups, *acls, *cards, aws.prefix_list("pl-1", *_LISTED), aws.table("rtb-a", home, main=True)]
    graph = aws_lowered(estate(things))
    return Setup(graph, {one.data["PrivateIpAddress"]: one.id for one in cards}, _aws_rules(groups, acls))


def _permissions(chance: random.Random) -> list[dict[str, Any]]:
    found = []
    for _ in range(chance.choice([1, 2, 4])):
        low = chance.choice(PORTS)
        ports = chance.choice([low, (low, low + 1000), (0, 65535), None])
        peer = chance.choice([*_BLOCKS, *_GROUPS, "pl-1"])
        found.append(aws.allow("-1" if ports is None else chance.choice(["tcp", "tcp", "tcp", "udp"]), ports, peer))
    return found


def _entries(chance: random.Random) -> list[dict[str, Any]]:
    found = []
    for number in chance.sample(range(1, 400), chance.choice([1, 3, 5])):
        low = chance.choice([*PORTS, 1024, 32768, 50000])
        ports = chance.choice([(low, low), (low, 65535), (0, 65535)])
        protocol = chance.choice([TCP, TCP, TCP, 17, -1])
        block = chance.choice(_BLOCKS)
        found.append(aws.entry(number, chance.choice(["allow", "allow", "deny"]), block, protocol, None if protocol == -1 else ports))
    return [*found, *([aws.entry(500, "allow")] if chance.random() < 0.8 else [])]


def _aws_rules(groups: Sequence[Resource], acls: Sequence[Resource]) -> Rules:
    by_name = {one.id: one.data for one in groups}

    def members(ways: str, side: str, addresses: Iterable[str]) -> Iterator[str]:
        for address in addresses:
            own = [line for name, held in _GROUPS.items() if address in held for line in _allowed(by_name[name][ways], side)]
            yield f"chain at-{address.replace('.', '-')} {{ {'; '.join([*own, RESET])}; }}"

    def stateful(hook: str, ways: str, side: str, addresses: Sequence[str]) -> str:
        own = "daddr" if hook == "input" else "saddr"
        jumps = [f"ip {own} {address} jump at-{address.replace('.', '-')}" for address in addresses]
        return _table([*members(ways, side, addresses), _base(hook, ["ct state established,related accept", *jumps])])

    near, far = (one.data for one in acls)
    chains = [
        _list("c-out", _ordered(near, egress=True), RESET), _list("s-in", _ordered(far, egress=False), RESET),
        _list("s-out", _ordered(far, egress=True), "drop"), _list("c-in", _ordered(near, egress=False), "drop"),
    ]  # fmt: skip
    # A refusal at the server is shown to the client whatever the way back: else it could not be told from silence.
    seen = 'iifname "servers" tcp flags & rst == rst accept'
    ways = [
        seen,
        'iifname "clients" jump c-out',
        'iifname "clients" jump s-in',
        'iifname "servers" jump s-out',
        'iifname "servers" jump c-in',
    ]
    return {
        "clients": stateful("output", "IpPermissionsEgress", "daddr", CLIENTS),
        "border": _table([*chains, _base("forward", ways)]),
        "servers": stateful("input", "IpPermissions", "saddr", SERVERS),
    }


def _allowed(permissions: Iterable[Mapping[str, Any]], side: str) -> Iterator[str]:
    """What any rule of a group accepts."""
    for one in permissions:
        if one["IpProtocol"] not in {"tcp", "-1"}:
            continue
        ports = f" tcp dport {one['FromPort']}-{one['ToPort']}" if one["IpProtocol"] == "tcp" else ""
        blocks = [held["CidrIp"] for held in one["IpRanges"]]
        blocks += [block for _ in one["PrefixListIds"] for block in _LISTED]
        blocks += [address for held in one["UserIdGroupPairs"] for address in _GROUPS[held["GroupId"]]]
        for block in blocks:
            yield f"ip {side} {block}{ports} accept"


def _ordered(acl: Mapping[str, Any], *, egress: bool) -> Iterator[tuple[str, bool]]:
    """What each entry matches, by number, and whether it allows."""
    for one in sorted(acl["Entries"], key=lambda one: one["RuleNumber"]):
        if one["Egress"] is egress and "CidrBlock" in one and one["Protocol"] in {"6", "-1"}:
            span = one.get("PortRange")
            ports = f" tcp dport {span['From']}-{span['To']}" if span else ""
            yield f"ip {'daddr' if egress else 'saddr'} {one['CidrBlock']}{ports}", one["RuleAction"] == "allow"


# -- Azure -----------------------------------------------------------------------------------------------------------

_PLACES = ("*", "VirtualNetwork", "Internet", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.5", "10.0.1.6/31", "10.0.2.6", "192.0.2.0/24")
_TAGGED = {"*": "0.0.0.0/0", "VirtualNetwork": "10.0.0.0/16"}
_ASGS = {"web": CLIENTS[:2], "data": SERVERS[1:]}


def azure_setup(chance: random.Random) -> Setup:
    """A network security group at each subnet and at each interface, or none."""
    groups = {f"nsg{number}": azure.nsg(f"nsg{number}", *_azure_rules(chance)) for number in range(3)}
    at = {place: chance.choice([*groups, "", ""]) for place in ("front", "back", *CLIENTS, *SERVERS)}
    subnets = [azure.subnet("front", "10.0.1.0/24", nsg=at["front"]), azure.subnet("back", "10.0.2.0/24", nsg=at["back"])]
    things = [azure.vnet("shop", "10.0.0.0/16", subnets=subnets), *groups.values()]
    things += [azure.resource("applicationSecurityGroups", one, {}) for one in _ASGS]
    for address in (*CLIENTS, *SERVERS):
        place = "shop/front" if address in CLIENTS else "shop/back"
        things.append(azure.nic(address, place, address, nsg=at[address], asgs=[name for name, held in _ASGS.items() if address in held]))
    graph = azure_lowered(*things)
    known = {one.addresses[4][0]: one.id for one in graph.interfaces.values()}
    interfaces = {address: known[int(ip_address(address))] for address in (*CLIENTS, *SERVERS)}
    return Setup(graph, interfaces, _azure_tables({name: one.data["properties"] for name, one in groups.items()}, at))


def _azure_rules(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(chance.choice([0, 1, 3, 6])):
        low = chance.choice(PORTS)
        given: dict[str, Any] = {"source": chance.choice(_PLACES), "destination": chance.choice(_PLACES)}
        if (draw := chance.random()) < 0.3:
            given["source_asgs" if draw < 0.15 else "destination_asgs"] = [chance.choice(list(_ASGS))]
        if chance.random() < 0.25:
            given["source_ports"] = chance.choice(["1024-29999", ["30000-40000", "60000"]])
        access, protocol = chance.choice(["Allow", "Allow", "Deny"]), chance.choice(["Tcp", "Tcp", "Udp", "*"])
        ports = "*" if protocol == "*" else chance.choice(["*", str(low), f"{low}-{low + 1000}", [str(low), "8000-9000"]])
        if protocol == "*":
            given.pop("source_ports", None)
        yield azure.rule(f"rule{number}", 100 + number, access, out=chance.random() < 0.4, protocol=protocol, ports=ports, **given)


def _azure_tables(groups: Mapping[str, Mapping[str, Any]], at: Mapping[str, str]) -> Rules:
    def stateful(hook: str, out: bool, addresses: Sequence[str], subnet: str) -> str:
        chains = [_list(name, list(_by_priority(held, out=out)), RESET) for name, held in groups.items()]
        own = "saddr" if out else "daddr"
        jumps = {address: f"ip {own} {address} jump {at[address]}" for address in addresses if at[address]}
        around = [f"jump {at[subnet]}"] if at[subnet] else []
        ways = [*jumps.values(), *around] if out else [*around, *jumps.values()]
        return _table([*chains, _base(hook, ["ct state established,related accept", *ways])])

    return {"clients": stateful("output", True, CLIENTS, "front"), "border": "", "servers": stateful("input", False, SERVERS, "back")}


def _by_priority(group: Mapping[str, Any], *, out: bool) -> Iterator[tuple[str, bool]]:
    rules = [one["properties"] for one in (*group["securityRules"], *group["defaultSecurityRules"])]
    for one in sorted(rules, key=lambda one: one["priority"]):
        if (one["direction"] == "Outbound") is not out or one["protocol"] not in {"Tcp", "*"}:
            continue
        ends = [_places(one, "source"), _places(one, "destination")]
        spans = [_spans(one, "source"), _spans(one, "destination")]
        if all(ends):
            sides = [
                f"ip {side} {{ {', '.join(held)} }}" for side, held in zip(("saddr", "daddr"), ends, strict=True) if "0.0.0.0/0" not in held
            ]
            ports = [f"tcp {side} {{ {', '.join(held)} }}" for side, held in zip(("sport", "dport"), spans, strict=True) if held]
            yield " ".join([*sides, *ports]), one["access"] == "Allow"


def _places(rule: Mapping[str, Any], side: str) -> list[str]:
    """Addresses; the internet and the platform's load balancer have none here."""
    if asgs := rule.get(f"{side}ApplicationSecurityGroups"):
        return [address for one in asgs for address in _ASGS[one["id"].rpartition("/")[2]]]
    held = [rule[f"{side}AddressPrefix"]] if f"{side}AddressPrefix" in rule else rule[f"{side}AddressPrefixes"]
    return [_TAGGED.get(one, one) for one in held if one not in {"Internet", "AzureLoadBalancer"}]


def _spans(rule: Mapping[str, Any], side: str) -> list[str]:
    held = [rule[f"{side}PortRange"]] if f"{side}PortRange" in rule else rule[f"{side}PortRanges"]
    return [] if "*" in held else list(held)


# -- nftables --------------------------------------------------------------------------------------------------------


def _list(name: str, rules: Iterable[tuple[str, bool]], refusal: str) -> str:
    """A chain in which the first rule that matches decides; what it allows goes on behind it."""
    lines = [f"{match} {'return' if allows else refusal}" for match, allows in rules]
    return f"chain {name} {{ {'; '.join([*lines, refusal])}; }}"


def _base(hook: str, rules: Iterable[str]) -> str:
    return f"chain {hook} {{ type filter hook {hook} priority 0; policy accept; {'; '.join(rules)}; }}"


def _table(chains: Iterable[str]) -> str:
    lines = "\n".join(chains)
    return f"table ip made_up {{\n{lines}\n}}"


# -- both ways -------------------------------------------------------------------------------------------------------


def proved(setup: Setup, packet: Packet, source: str, destination: str) -> str:
    """What the prover says becomes of a connection."""
    own = sender(setup.graph, setup.interfaces[source], packet)
    walker = Walker(setup.graph, (packet.source_port, packet.source_port))
    there = setup.graph.interfaces[setup.interfaces[destination]].station
    found = [one for one in walker.arrivals(Start(own.sends, own.home, alone(packet), own.labels)) if one.station == there]
    if not found:
        return REFUSED
    if not all(one.flow.known for one in found):
        return "not known"
    return CONNECTED if any(walker.answered(there, one.flow, one.leg)[0] for one in found) else SILENT


def run(connects: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How often each outcome came about, and where the kernel and the prover did not agree. Raises NotAllowed."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    used: set[tuple[str, int, str, int]] = set()
    with row(CLIENTS, SERVERS, PORTS) as namespaces:
        while counts.total() < connects:
            chance = random.Random(seed)
            setup = chance.choice([aws_setup, azure_setup])(chance)
            for which, rules in setup.rules.items():
                namespaces.filter(which, rules)
            asked = []
            while len(asked) < BATCH:
                one = (chance.choice(CLIENTS), chance.choice([1024, 29999, 30000, 40000, 49999, 60000, chance.randrange(1024, 65536)]), chance.choice(SERVERS), chance.choice(PORTS))  # fmt: skip
                if one not in used or len(used) > 30 * BATCH * len(PORTS):
                    used.add(one)
                    asked.append(one)
            expected = [
                proved(setup, Packet(4, int(ip_address(source)), int(ip_address(destination)), TCP, source_port, port), source, destination)
                for source, source_port, destination, port in asked
            ]
            seen = namespaces.connect(asked, expected.count(SILENT))
            counts.update(seen)
            wrong += [
                f"seed {seed}: {one}: Linux says {was}, the prover {said}"
                for one, was, said in zip(asked, seen, expected, strict=True)
                if was != said
            ]
            seed += 1
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connects", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    try:
        counts, wrong = run(options.connects, options.seed)
    except NotAllowed as error:
        print(f"network namespaces cannot be used here, so nothing was compared: {error}", file=sys.stderr)
        return 2
    for line in wrong[:20]:
        print(line)
    print(f"{counts.total()} connects, {dict(sorted(counts.items()))}, {len(wrong)} disagreements, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
