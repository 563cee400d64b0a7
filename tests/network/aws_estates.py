"""Random small AWS estates, and packets that are likely to find something out about them.

An estate is complete: whatever does not stand in it does not exist. Networks hold two or three subnets of a few
interfaces; filters, routes and gateways are drawn so that about half of what is asked comes through.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from checks.model import Resource
from checks.network.packet import ICMP, ICMPV6, INTERNET, PORTED, TCP, UDP, Packet
from tests.checks.network.simulate import aws_world as aws
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, listener, target_group
from tests.checks.network.simulate.aws_world_transit import transit_gateway, transit_route, transit_table, vpc_attachment

PORTS = (22, 80, 443, 5432, 8080)
OUTSIDE = ("198.51.100.7", "203.0.113.9", "8.8.8.8", "192.0.2.200")
OUTSIDE6 = ("2001:4860:4860::8888", "2600:9000::1")
BLOCKS = ("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.1.0/24", "198.51.100.0/24", "203.0.113.0/24", "8.0.0.0/7")
BLOCKS6 = ("::/0", "2001:4860::/32", "2600:1f00::/40")
SPACES = (("10.0.0.0/16", "2600:1f00:a::/56"), ("10.1.0.0/16", "2600:1f00:b::/56"), ("10.0.0.0/16", "2600:1f00:c::/56"))
GRE = 47
FRONT = "eni-front"
"""The load balancer's interface."""


class Estates:
    """One estate, made from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.things: list[Resource] = []
        self.interfaces: list[Resource] = []
        chance = self.chance
        self.lists = [aws.prefix_list(f"pl-{number}", *chance.sample(BLOCKS, 2)) for number in range(2)]
        self.things += self.lists
        self.networks = [self._network(number) for number in range(chance.choice([1, 2, 2, 3]))]
        self.ways: dict[str, list[dict[str, Any]]] = {one.id: [] for one in self.networks}
        self.subnets: dict[str, list[Resource]] = {}
        self.groups: dict[str, list[str]] = {
            one.id: [f"sg-{one.id[4:]}{part}" for part in range(chance.choice([2, 3]))] for one in self.networks
        }
        for home in self.networks:
            self._inside(home)
        self._between()
        for home in self.networks:
            self._filters(home)
            self._routes(home)
        if chance.random() < 0.3:
            self._balancer(chance.choice(self.networks))
        if chance.random() < 0.15:
            self.things.append(aws.block_public_access(chance.choice(["block-bidirectional", "block-ingress", "off"])))
            if chance.random() < 0.5:
                self.things.append(
                    aws.exclusion("exclusion-1", chance.choice(self.networks), chance.choice(["allow-bidirectional", "allow-egress"]))
                )

    def _network(self, number: int) -> Resource:
        four, six = SPACES[number]
        made = aws.vpc(f"vpc-{'abc'[number]}", four, *([six] if self.chance.random() < 0.6 else []))
        self.things.append(made)
        return made

    def _inside(self, home: Resource) -> None:
        chance, name = self.chance, home.id[4:]
        second = home.data["CidrBlock"].split(".")[1]
        six = [one["Ipv6CidrBlock"] for one in home.data["Ipv6CidrBlockAssociationSet"]]
        subnets = []
        for part in range(chance.choice([2, 2, 3])):
            own = str(list(ip_network(six[0]).subnets(new_prefix=64))[part + 1]) if six else None
            subnets.append(aws.subnet(f"subnet-{name}{part}", home, f"10.{second}.{part + 1}.0/24", own))
        self.subnets[home.id] = subnets
        self.things += subnets
        for part, place in enumerate(subnets):
            for number in range(chance.choice([1, 2, 2, 3])):
                self._interface(home, place, part, number, second)

    def _interface(self, home: Resource, place: Resource, part: int, number: int, second: str) -> None:
        chance, name = self.chance, home.id[4:]
        sixes = place.data["Ipv6CidrBlockAssociationSet"]
        ipv6 = [str(ip_network(sixes[0]["Ipv6CidrBlock"])[number + 5])] if sixes and chance.random() < 0.7 else []
        serial = len(self.interfaces)
        public = f"3.0.0.{serial + 10}" if chance.random() < 0.5 else None
        groups = chance.sample(self.groups[home.id], chance.choice([1, 1, 2]))
        made = aws.eni(
            f"eni-{name}{part}{number}", place, f"10.{second}.{part + 1}.{number + 5}", *groups,
            public=public, ipv6=ipv6, check=chance.random() < 0.9, instance=f"i-{name}{part}{number}",
            secondary=[(f"10.{second}.{part + 1}.{number + 50}", f"3.0.1.{serial + 10}" if chance.random() < 0.5 else None)] if chance.random() < 0.15 else [],
        )  # fmt: skip
        self.interfaces.append(made)
        self.things.append(made)

    # -- filters ----------------------------------------------------------------------------------------------------

    def _ports(self, protocol: str) -> Any:
        chance = self.chance
        if protocol in {"tcp", "udp", "6", "17"}:
            low = chance.choice(PORTS)
            return chance.choice([low, (low, low), (0, 65535), (0, 65535), (low, 9000), (1024, 65535)])
        if protocol in {"icmp", "icmpv6", "1", "58"}:
            return chance.choice([(-1, -1), (8, -1), (8, 0), (128, -1), (3, 4)])
        return None

    def _block(self) -> str:
        chance = self.chance
        if chance.random() < 0.4:
            return chance.choice([BLOCKS[0], BLOCKS6[0]])
        return chance.choice(BLOCKS if chance.random() < 0.75 else BLOCKS6)

    def _permission(self, home: Resource) -> dict[str, Any]:
        chance = self.chance
        protocol = chance.choice(["tcp", "tcp", "tcp", "udp", "icmp", "icmpv6", "-1", "-1", "47"])
        peers = [self._block()]
        if chance.random() < 0.35:
            peers = [
                chance.choice([one for held in self.groups.values() for one in held] if chance.random() < 0.3 else self.groups[home.id])
            ]
        elif chance.random() < 0.15:
            peers = [chance.choice(self.lists).id]
        return aws.allow(protocol, self._ports(protocol), *peers)

    def _filters(self, home: Resource) -> None:
        chance = self.chance
        for name in self.groups[home.id]:
            ingress = [self._permission(home) for _ in range(chance.choice([1, 2, 4, 6]))]
            egress = [aws.ALLOW_ALL] if chance.random() < 0.6 else [self._permission(home) for _ in range(chance.choice([0, 2, 4]))]
            self.things.append(aws.group(name, home, ingress, egress))
        subnets = self.subnets[home.id]
        own = [one for one in subnets if chance.random() < 0.4]
        self.things.append(aws.acl(f"acl-{home.id[4:]}", home, **self._entries(0.3)))
        for one in own:
            self.things.append(aws.acl(f"acl-{one.id[7:]}", home, one, **self._entries(0.8)))

    def _entries(self, likely: float) -> dict[str, Any]:
        return {direction: self._list() for direction in ("ingress", "egress") if self.chance.random() < likely}

    def _list(self) -> list[dict[str, Any]]:
        chance = self.chance
        found = []
        for number in range(chance.choice([1, 3, 5])):
            protocol = chance.choice([TCP, TCP, UDP, ICMP, ICMPV6, -1, GRE])
            ports = None
            if protocol in PORTED:
                low = chance.choice(PORTS)
                ports = chance.choice([(low, low), (0, 65535), (1024, 65535), (32768, 61000)])
            elif protocol in {ICMP, ICMPV6}:
                ports = chance.choice([(-1, -1), (8, -1), (0, -1), (128, 0)])
            block = self._block()
            found.append(aws.entry(100 - number * 7, chance.choice(["allow", "allow", "deny"]), block, protocol, ports))
        if chance.random() < 0.8:
            found += [aws.entry(500, "allow"), aws.entry(501, "allow", "::/0")]
        return found

    # -- routes and gateways ------------------------------------------------------------------------------------------

    def _between(self) -> None:
        chance = self.chance
        for left, right in zip(self.networks, self.networks[1:], strict=False):
            if left.data["CidrBlock"] == right.data["CidrBlock"] or chance.random() < 0.4:
                continue
            id_ = f"pcx-{left.id[4:]}{right.id[4:]}"
            self.things.append(aws.peering(id_, left, right, status=chance.choice(["active", "active", "active", "deleted"])))
            for one, other in ((left, right), (right, left)):
                if chance.random() < 0.85:
                    self.ways[one.id].append(
                        aws.to(chance.choice([other.data["CidrBlock"], other.data["CidrBlock"].replace("0.0/16", "1.0/24")]), id_)
                    )
        if len(self.networks) > 1 and chance.random() < 0.4:
            self._transit()

    def _transit(self) -> None:
        chance = self.chance
        gateway = transit_gateway("tgw-1", referencing=chance.random() < 0.5)
        self.things.append(gateway)
        names = {}
        for home in self.networks[:2]:
            names[home.id] = f"tgw-attach-{home.id[4:]}"
            place = chance.choice(self.subnets[home.id])
            self.things += vpc_attachment(names[home.id], gateway, home, place, referencing=chance.random() < 0.5)
            if chance.random() < 0.9:
                self.ways[home.id].append(aws.to(chance.choice(["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/15"]), gateway))
        routes = [
            transit_route(home.data["CidrBlock"], names[home.id], propagated=chance.random() < 0.5)
            for home in self.networks[:2]
            if chance.random() < 0.9
        ]
        if chance.random() < 0.2:
            routes.append(transit_route("10.1.1.0/24", None))
        associated = [one for one in names.values() if chance.random() < 0.9]
        self.things.append(transit_table("tgw-rtb-1", gateway, *routes, associated=associated))

    def _routes(self, home: Resource) -> None:
        chance, name = self.chance, home.id[4:]
        subnets = self.subnets[home.id]
        out: list[dict[str, Any]] = []
        if chance.random() < 0.85:
            self.things.append(aws.igw(f"igw-{name}", home))
            out.append(aws.to(chance.choice(["0.0.0.0/0", "0.0.0.0/0", "198.51.100.0/24", self.lists[0].id]), f"igw-{name}"))
            if chance.random() < 0.6:
                out.append(aws.to("::/0", f"igw-{name}"))
        private: list[dict[str, Any]] = []
        if out and chance.random() < 0.5:
            second = home.data["CidrBlock"].split(".")[1]
            self.things.append(
                aws.nat(f"nat-{name}", subnets[0], f"10.{second}.1.200", f"3.0.9.{ord(name)}" if chance.random() < 0.8 else None)
            )
            private.append(aws.to("0.0.0.0/0", f"nat-{name}"))
        if chance.random() < 0.3:
            self.things.append(aws.egress_only(f"eigw-{name}", home))
            private.append(aws.to("::/0", f"eigw-{name}"))
        if chance.random() < 0.1:
            out.append(aws.to("203.0.113.0/24", f"igw-{name}", state="blackhole"))
        shared = self._distinct(self.ways[home.id])
        with_own = [one for one in subnets[1:] if chance.random() < 0.6]
        self.things.append(aws.table(f"rtb-{name}", home, *self._distinct([*out, *shared]), main=True))
        if with_own:
            self.things.append(
                aws.table(f"rtb-{name}p", home, *self._distinct([*private, *(shared if chance.random() < 0.7 else [])]), subnets=with_own)
            )

    @staticmethod
    def _distinct(routes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A route table has one route for a destination."""
        found: dict[str, dict[str, Any]] = {}
        for route in routes:
            key = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock") or route["DestinationPrefixListId"]
            found.setdefault(key, route)
        return list(found.values())

    # -- load balancers -----------------------------------------------------------------------------------------------

    def _balancer(self, home: Resource) -> None:
        chance = self.chance
        kind = chance.choice(["application", "network"])
        inner = [one for one in self.interfaces if one.data["VpcId"] == home.id and "Attachment" in one.data]
        chosen = chance.sample(inner, min(len(inner), 2))
        protocol = "HTTP" if kind == "application" else chance.choice(["TCP", "UDP"])
        by_address = chance.random() < 0.5
        ids = [one.data["PrivateIpAddress"] if by_address else one.data["Attachment"]["InstanceId"] for one in chosen]
        preserve = chance.random() < 0.5 if kind == "network" and (protocol == "TCP" or not by_address) else None
        targets = target_group(
            "targets", home, protocol, chance.choice(PORTS), *ids, kind="ip" if by_address else "instance", preserve=preserve
        )
        groups = chance.sample(self.groups[home.id], 1) if kind == "application" or chance.random() < 0.6 else []
        made = balancer(
            "front",
            home,
            *groups,
            kind=kind,
            listeners=[listener(protocol, chance.choice(PORTS), targets)],
            Scheme=chance.choice(["internet-facing", "internal"]),
        )
        outward = made.data["Scheme"] == "internet-facing"
        second = home.data["CidrBlock"].split(".")[1]
        place = self.subnets[home.id][0]
        interface = balancer_eni(FRONT, made, place, f"10.{second}.1.100", public="3.0.8.8" if outward else None)
        self.things += [targets, made, interface]
        self.interfaces.append(interface)

    # -- packets --------------------------------------------------------------------------------------------------------

    def packets(self, count: int) -> Iterator[tuple[str, Packet]]:
        """(where it is sent from, packet)."""
        for _ in range(count):
            family = 6 if self.chance.random() < 0.25 else 4
            found = self._packet(family)
            if found is not None:
                yield found

    def _packet(self, family: int) -> tuple[str, Packet] | None:
        chance = self.chance
        inside = [(one.id, address) for one in self.interfaces for address in own(one, family)]
        outside = OUTSIDE if family == 4 else OUTSIDE6
        if not inside:
            return None
        # A load balancer's interface sends nothing of its own accord, and what an interface sends to itself stays there.
        senders = [one for one in inside if one[0] != FRONT]
        at, source = chance.choice(senders) if senders and chance.random() < 0.5 else (INTERNET, chance.choice(outside))
        destinations = [address for id_, address in inside if id_ != at and (at, address) not in inside]
        if family == 4:
            destinations += [one for held in self.interfaces for one in public(held)] * (3 if at == INTERNET else 1)
        if at != INTERNET or not destinations:
            destinations = [*destinations, *outside]
        protocol = chance.choice([TCP, TCP, TCP, UDP, ICMP if family == 4 else ICMPV6, GRE])
        port = chance.choice(PORTS) if protocol in PORTED else 0
        if protocol == ICMP:
            port = chance.choice([8 * 256, 8 * 256, 3 * 256 + 4])
        if protocol == ICMPV6:
            port = chance.choice([128 * 256, 128 * 256, 1 * 256])
        destination = chance.choice(destinations)
        if destination == source:
            return None
        source_port = chance.choice([1024, 30000, 40000, 65535]) if protocol in PORTED else 0
        return at, Packet(family, int(ip_address(source)), int(ip_address(destination)), protocol, source_port, port)


def own(interface: Resource, family: int) -> list[str]:
    data = interface.data
    if family == 6:
        return [one["Ipv6Address"] for one in data["Ipv6Addresses"]]
    return [one["PrivateIpAddress"] for one in data["PrivateIpAddresses"]]


def public(interface: Resource) -> list[str]:
    return [one["Association"]["PublicIp"] for one in interface.data["PrivateIpAddresses"] if "Association" in one]
