"""Random small Azure estates, and packets that are likely to find something out about them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from checks.model import Resource
from checks.network.packet import ICMP, INTERNET, PORTED, TCP, UDP, Packet
from tests.checks.network.simulate_azure import azure_services as services
from tests.checks.network.simulate_azure import azure_world as azure

PORTS = (22, 80, 443, 3389, 8080)
OUTSIDE = ("198.51.100.7", "203.0.113.9", "8.8.8.8")
PLACES = (
    "*",
    "*",
    "Internet",
    "VirtualNetwork",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.1.0.0/16",
    "10.0.1.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
)
NAMES = ("shop", "work", "spoke")


class Estates:
    """One estate, made from a seed."""

    def __init__(self, seed: int) -> None:
        chance = self.chance = random.Random(seed)
        self.things: list[Resource] = []
        self.cards: list[tuple[str, str, str | None]] = []
        """(name, private address, public address)"""
        self.fronts: list[str] = []
        self.networks = NAMES[: chance.choice([1, 2, 2, 3])]
        self.groups = [f"nsg{number}" for number in range(4)]
        self.tables = [f"table{number}" for number in range(2)]
        self.asgs = ["web", "data"]
        self.things += [azure.resource("applicationSecurityGroups", one, {}) for one in self.asgs]
        self.things += [azure.service_tag("Storage", "20.60.0.0/16")]
        balanced = chance.choice(self.networks) if chance.random() < 0.4 else ""
        peered = self._peerings()
        for number, name in enumerate(self.networks):
            self._network(number, name, peered[name], balanced == name)
        self.things += [azure.nsg(name, *self._rules()) for name in self.groups]
        self.things += [azure.route_table(name, *self._routes()) for name in self.tables]
        if balanced:
            self._balancer(balanced)

    def _peerings(self) -> dict[str, list[dict[str, Any]]]:
        chance = self.chance
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in self.networks}
        for one, other in zip(self.networks, self.networks[1:], strict=False):
            if chance.random() < 0.7:
                state = chance.choice(["Connected", "Connected", "Connected", "Disconnected"])
                for left, right in ((one, other), (other, one)):
                    flags = {"access": chance.random() < 0.9, "forwarded": chance.random() < 0.5}
                    found[left].append(azure.peering(right, state=state, **flags))
        return found

    def _network(self, number: int, name: str, peerings: list[dict[str, Any]], balanced: bool) -> None:
        chance = self.chance
        subnets = []
        for part, label in enumerate(("front", "back")):
            nat = f"nat-{name}" if chance.random() < 0.15 else ""
            group = chance.choice(self.groups) if chance.random() < 0.7 else ""
            table = chance.choice(self.tables) if chance.random() < 0.3 else ""
            subnets.append(
                azure.subnet(
                    label, f"10.{number}.{part}.0/24", nsg=group, table=table, nat=nat, defaultOutboundAccess=chance.random() < 0.5
                )
            )
            if nat and not any(one.id == azure.arm(f"natGateways/{nat}") for one in self.things):
                self.things += [azure.nat_gateway(nat, f"natip-{name}"), azure.public_ip(f"natip-{name}", f"20.9.0.{number + 1}")]
            for card in range(chance.choice([1, 2, 2])):
                self._card(number, name, label, part, card, balanced and label == "front")
        self.things.append(azure.vnet(name, f"10.{number}.0.0/16", subnets=subnets, peerings=peerings))

    def _card(self, number: int, network: str, label: str, part: int, card: int, balanced: bool) -> None:
        chance = self.chance
        name = f"{network}{label}{card}"
        address, public = f"10.{number}.{part}.{card + 4}", None
        given: dict[str, Any] = {}
        if chance.random() < 0.5:
            public = f"20.0.{number}.{part * 10 + card + 1}"
            given["public"] = f"ip-{name}"
            self.things.append(azure.public_ip(f"ip-{name}", public, chance.choice(["Standard", "Standard", "Basic"])))
        if chance.random() < 0.5:
            given["nsg"] = chance.choice(self.groups)
        if chance.random() < 0.4 and number == 0:  # an application security group's interfaces are in one network
            given["asgs"] = chance.sample(self.asgs, 1)
        if balanced and chance.random() < 0.7:
            given["pools"] = ["front/pool"]
        self.things.append(azure.nic(name, f"{network}/{label}", address, forwards=chance.random() < 0.2, **given))
        self.cards.append((azure.nic_id(name), address, public))

    def _rules(self) -> Iterator[dict[str, Any]]:
        chance = self.chance
        for number in range(chance.choice([0, 1, 2, 4, 6])):
            protocol = chance.choice(["*", "*", "Tcp", "Tcp", "Udp", "Icmp"])
            ports: Any = "*"
            if protocol in {"Tcp", "Udp"}:
                low = chance.choice(PORTS)
                ports = chance.choice(["*", str(low), f"{low}-9000", [str(low), "8000-8100"]])
            given: dict[str, Any] = {"source": self._place(), "destination": self._place()}
            draw = chance.random()
            if draw < 0.1:
                given["source_asgs"] = chance.sample(self.asgs, 1)
            elif draw < 0.2:
                given["destination_asgs"] = chance.sample(self.asgs, 1)
            if protocol in {"Tcp", "Udp"} and chance.random() < 0.1:
                given["source_ports"] = chance.choice(["1024-40000", "40000-65535"])
            yield azure.rule(
                f"rule{number}", 100 + number * 10, chance.choice(["Allow", "Allow", "Allow", "Deny"]), out=chance.random() < 0.35, protocol=protocol, ports=ports, **given
            )  # fmt: skip

    def _place(self) -> Any:
        chance = self.chance
        return list(set(chance.sample(PLACES[4:], 2))) if chance.random() < 0.2 else chance.choice(PLACES)

    def _routes(self) -> Iterator[dict[str, Any]]:
        chance = self.chance
        for number, prefix in enumerate(
            chance.sample(["0.0.0.0/0", "10.1.0.0/16", "10.0.1.0/24", "198.51.100.0/24"], chance.choice([1, 1, 2]))
        ):
            hop = chance.choice(["None", "Internet", "VnetLocal", "VirtualAppliance"])
            yield azure.udr(
                f"route{number}", prefix, hop, chance.choice([card[1] for card in self.cards]) if hop == "VirtualAppliance" else None
            )

    def _balancer(self, network: str) -> None:
        chance = self.chance
        inward = chance.random() < 0.3
        rules = [
            services.lb_rule(f"rule{number}", chance.choice(PORTS) + number, chance.choice(PORTS), chance.choice(["Tcp", "Udp"]))
            for number in range(2)
        ]
        number = self.networks.index(network)
        if inward:
            made = services.load_balancer(
                "front", *rules, private=f"10.{number}.0.100", place=f"{network}/front", sku=chance.choice(["Standard", "Basic"])
            )
            self.fronts.append(f"10.{number}.0.100")
        else:
            sku = chance.choice(["Standard", "Standard", "Basic"])
            made = services.load_balancer("front", *rules, public="ip-front", sku=sku)
            self.things.append(azure.public_ip("ip-front", "20.8.8.8", sku))
            self.fronts.append("20.8.8.8")
        self.things.append(made)

    def packets(self, count: int) -> Iterator[tuple[str, Packet]]:
        """(where it is sent from, packet)."""
        chance = self.chance
        for _ in range(count):
            at, source, _ = chance.choice(self.cards)
            private = [address for name, address, _ in self.cards if name != at]
            public = [one for name, _, one in self.cards if one and name != at] + self.fronts
            if chance.random() < 0.5:
                at, source = INTERNET, chance.choice(OUTSIDE)
                destinations = [one for one in public if not one.startswith("10.")]
            else:
                destinations = [*private, *public, *OUTSIDE]
            if not destinations:
                continue
            protocol = chance.choice([TCP, TCP, TCP, UDP, ICMP])
            port = chance.choice([*PORTS, 81, 444]) if protocol in PORTED else 8 * 256
            source_port = chance.choice([1024, 39999, 40000, 50000]) if protocol in PORTED else 0
            yield at, Packet(4, int(ip_address(source)), int(ip_address(chance.choice(destinations))), protocol, source_port, port)
