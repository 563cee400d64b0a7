"""Random AWS networks, small enough that something gets through and mixed enough that much does not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from checks.model import Resource
from tests.checks.network.simulate.aws_world import (
    ALLOW_ALL,
    EVERYWHERE,
    EVERYWHERE6,
    World,
    acl,
    allow,
    block_public_access,
    egress_only,
    endpoint,
    endpoint_service,
    eni,
    entry,
    exclusion,
    group,
    igw,
    nat,
    peering,
    prefix_list,
    subnet,
    table,
    to,
    vpc,
    vpn_gateway,
)
from tests.checks.network.simulate.aws_world_balancers import balancer, balancer_eni, classic, listener, target_group
from tests.checks.network.simulate.aws_world_transit import attachment, transit_gateway, transit_route, transit_table, vpc_attachment

PORTS = (22, 80, 443, 8080)
PROTOCOLS = {6: (0, 65535), 17: (0, 65535), 1: (-1, -1), -1: None}


class Maker:
    """Makes one world. VPC n has the addresses 10.n.0.0/16 and 2600:1f1n::/56, and three subnets."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.numbers = [1, 2, 3][: self.random.randint(1, 3)]
        self.things: list[Resource] = [prefix_list("pl-1", "203.0.113.0/25", "10.2.0.0/16")]
        self.homes = {n: vpc(f"vpc-{n}", f"10.{n}.0.0/16", f"2600:1f1{n}::/56") for n in self.numbers}
        self.subnets = {n: [self._subnet(n, s) for s in range(3)] for n in self.numbers}
        self.peered: list[tuple[int, int]] = []
        self.attached: list[int] = []

    def world(self) -> World:
        for n in self.numbers:
            self.things += [self.homes[n], *self.subnets[n]]
            self._filters(n)
            self._gateways(n)
            self._interfaces(n)
            self._balancers(n)
        self._connections()
        for n in self.numbers:
            self.things.append(table(f"rtb-{n}", self.homes[n], *self._routes(n), main=True))
            if self._chance(0.6):
                self.things.append(table(f"rtb-{n}-0", self.homes[n], *self._routes(n), subnets=[self.subnets[n][0]]))
        if self._chance(0.3):
            self.things.append(block_public_access(self._one("off", "block-bidirectional", "block-ingress")))
            if self._chance(0.5):
                thing = self._one(self.homes[1], self.subnets[1][0])
                self.things.append(exclusion("x-1", thing, self._one("allow-bidirectional", "allow-egress")))
        return World(*self.things)

    def _chance(self, of: float) -> bool:
        return self.random.random() < of

    def _one(self, *of: Any) -> Any:
        return self.random.choice(of)

    def _there(self, *ids: str) -> list[str]:
        return [id_ for id_ in ids if any(thing.id == id_ for thing in self.things)]

    def _subnet(self, n: int, s: int) -> Resource:
        return subnet(f"subnet-{n}-{s}", self.homes[n], f"10.{n}.{s}.0/24", f"2600:1f1{n}:0:{s}::/64")

    def _peer(self, n: int) -> str:
        group_ = f"sg-{self._one(n, *self.numbers)}-{self.random.randint(0, 2)}"
        return self._one(EVERYWHERE, EVERYWHERE6, "10.0.0.0/8", f"10.{n}.0.0/16", f"10.{n}.1.0/24", "203.0.113.0/24", group_, "pl-1")

    def _filters(self, n: int) -> None:
        kinds = [("tcp", self._one(*PORTS)), ("tcp", (1, 65535)), ("-1", None), ("udp", 53), ("icmp", (8, -1)), ("icmp", (-1, -1))]
        for g in range(3):
            ingress = [allow(*self._one(*kinds), self._peer(n)) for _ in range(self.random.randint(0, 3))]
            egress = [allow("tcp", self._one((1, 65535), 80, 443), self._peer(n)) for _ in range(2)]
            self.things.append(group(f"sg-{n}-{g}", self.homes[n], ingress, [ALLOW_ALL] if self._chance(0.7) else egress))
        self.things.append(acl(f"acl-{n}", self.homes[n], ingress=self._entries(n), egress=self._entries(n)))
        if self._chance(0.5):
            self.things.append(acl(f"acl-{n}-1", self.homes[n], self.subnets[n][1], ingress=self._entries(n), egress=self._entries(n)))

    def _entries(self, n: int) -> list[dict[str, Any]] | None:
        if self._chance(0.6):
            return None
        entries = []
        for number in range(self.random.randint(0, 3)):
            protocol = self._one(*PROTOCOLS)
            ports = self._one((80, 80), (1024, 65535), (1, 1000)) if protocol == 6 else PROTOCOLS[protocol]
            block = self._one(EVERYWHERE, EVERYWHERE6, "10.0.0.0/8", "203.0.113.0/24", f"10.{n}.1.0/24")
            entries.append(entry(number * 10 + 10, self._one("allow", "allow", "deny"), block, protocol, ports))
        return [*entries, entry(900, "allow")] if self._chance(0.7) else entries

    def _gateways(self, n: int) -> None:
        home = self.homes[n]
        for chance, thing in (
            (0.8, igw(f"igw-{n}", home)),
            (0.4, egress_only(f"eigw-{n}", home)),
            (0.5, vpn_gateway(f"vgw-{n}", home)),
            (0.5, nat(f"nat-{n}", self.subnets[n][0], f"10.{n}.0.99", self._one(f"198.51.100.{90 + n}", None))),
        ):
            if self._chance(chance):
                self.things.append(thing)

    def _interfaces(self, n: int) -> None:
        for i in range(4):
            s = self.random.randrange(3)
            groups = [f"sg-{n}-{g}" for g in self.random.sample(range(3), self.random.randint(1, 2))]
            public = f"198.51.100.{n * 10 + i}" if self._chance(0.5) else None
            six = [f"2600:1f1{n}:0:{s}::{10 + i}"] if self._chance(0.4) else []
            self.things.append(
                eni(f"eni-{n}-{i}", self.subnets[n][s], f"10.{n}.{s}.{10 + i}", *groups, public=public, ipv6=six, instance=f"i-{n}-{i}")
            )

    def _balancers(self, n: int) -> None:
        home = self.homes[n]
        if self._chance(0.4):
            targets = target_group(f"web-{n}", home, "HTTP", self._one(*PORTS), f"i-{n}-0", f"i-{n}-1")
            web = balancer(f"web-{n}", home, f"sg-{n}-0", listeners=[listener("HTTP", self._one(80, 443), targets)])
            self.things += [targets, web, self._front(n, 0, web)]
        if self._chance(0.4):
            protocol, kept = self._one("TCP", "UDP", "TLS", "TCP_UDP"), self._one(None, True, False)
            ids, kind = self._one(((f"i-{n}-0", f"i-{n}-1"), "instance"), ((f"10.{n}.1.10", f"10.{n}.2.11"), "ip"))
            targets = target_group(f"net-{n}", home, protocol, self._one(80, 53), *ids, kind=kind, preserve=kept)
            groups = [f"sg-{n}-1"] if self._chance(0.5) else []
            net = balancer(f"net-{n}", home, *groups, kind="network", listeners=[listener(protocol, self._one(443, 53), targets)])
            self.things += [targets, net, self._front(n, 1, net)]
            if self._chance(0.6):
                self._private_link(n, net)
        if self._chance(0.3):
            old = classic(f"old-{n}", home, f"sg-{n}-2", port=80, instance_port=8080, instances=[f"i-{n}-2"])
            self.things += [old, self._front(n, 2, old)]

    def _front(self, n: int, s: int, of: Resource) -> Resource:
        public = f"198.51.100.{200 + n * 10 + s}" if self._chance(0.7) else None
        return balancer_eni(f"eni-lb-{n}-{s}", of, self.subnets[n][s], f"10.{n}.{s}.200", public=public)

    def _private_link(self, n: int, net: Resource) -> None:
        other = self._one(*self.numbers)
        net.data["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = self._one("on", "off")
        door = eni(f"eni-vpce-{n}", self.subnets[other][2], f"10.{other}.2.{220 + n}", f"sg-{other}-2", kind="vpc_endpoint")
        self.things += [endpoint_service(f"vpce-svc-{n}", f"svc.{n}", net), door]
        self.things.append(endpoint(f"vpce-{n}", self.homes[other], f"svc.{n}", interfaces=[door]))

    def _connections(self) -> None:
        for a in self.numbers:
            for b in self.numbers:
                if a < b and self._chance(0.4):
                    self.things.append(
                        peering(f"pcx-{a}{b}", self.homes[a], self.homes[b], status=self._one("active", "active", "deleted"))
                    )
                    self.peered.append((a, b))
        if self._chance(0.5):
            self._transit()

    def _transit(self) -> None:
        referring = self._chance(0.5)
        self.things += [transit_gateway("tgw-1", referencing=referring), attachment("tgw-attach-vpn", "tgw-1", "vpn", "vpn-1")]
        for n in self.numbers:
            if self._chance(0.8):
                self.attached.append(n)
                foot = self._one(*self.subnets[n])
                self.things += vpc_attachment(f"tgw-attach-{n}", "tgw-1", self.homes[n], foot, referencing=referring and self._chance(0.8))
        for number in range(2):
            routes = [
                transit_route(self._one(f"10.{n}.0.0/16", f"10.{n}.1.0/24"), f"tgw-attach-{n}", propagated=self._chance(0.5))
                for n in self.attached
                if self._chance(0.8)
            ]
            routes += [transit_route("172.20.0.0/16", "tgw-attach-vpn", "vpn")] if self._chance(0.5) else []
            routes += [transit_route("10.1.0.0/17", None)] if self._chance(0.2) else []
            associated = [f"tgw-attach-{n}" for n in self.attached if n % 2 == number] + (["tgw-attach-vpn"] if number else [])
            self.things.append(transit_table(f"tgw-rtb-{number}", "tgw-1", *routes, associated=associated))

    def _routes(self, n: int) -> list[dict[str, Any]]:
        routes = []
        hub: Sequence[str] = ["tgw-1"] if n in self.attached else []
        defaults = [*self._there(f"igw-{n}", f"nat-{n}", f"vgw-{n}"), *hub]
        sixes = self._there(f"igw-{n}", f"eigw-{n}")
        if defaults and self._chance(0.9):
            routes.append(to(EVERYWHERE, self._one(*defaults)))
        if sixes and self._chance(0.7):
            routes.append(to(EVERYWHERE6, self._one(*sixes)))
        if defaults and self._chance(0.15):
            routes.append(to("pl-1", self._one(*defaults)))
        for other in self.numbers:
            ways = [f"pcx-{a}{b}" for a, b in self.peered if {a, b} == {n, other}] + list(hub)
            if other != n and ways and self._chance(0.85):
                routes.append(to(f"10.{other}.0.0/16", self._one(*ways), state=self._one(*["active"] * 9, "blackhole")))
        if self._there(f"vgw-{n}") and self._chance(0.5):
            routes.append(to("172.20.0.0/16", f"vgw-{n}", propagated=self._chance(0.5)))
        return routes
