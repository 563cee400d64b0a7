"""Random hubs and spokes: a firewall, gateways and a shared subnet in the middle, machines, services and balancers around."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from checks.model import Resource
from checks.network.packet import ICMP, INTERNET, PORTED, TCP, UDP, Packet
from tests.checks.network.simulate_azure import azure_services as services
from tests.checks.network.simulate_azure import azure_world as azure

PORTS = (22, 80, 443, 1433, 5432, 8080)
CLIENTS = ("203.0.113.9", "198.51.100.77")
SERVICE = "192.0.0.8"
"""Stands for the public address of every platform service."""
ON_PREMISES = "172.20.0.9"
FIREWALL, FIREWALL_IP, GATEWAY_IP, BALANCER_IP = "10.0.0.4", "198.51.100.1", "198.51.100.2", "198.51.100.3"
PLACES = ("*", "Internet", "VirtualNetwork", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.2.1.0/24", "203.0.113.0/24", "172.20.0.0/16")


class Hub:
    """One estate, made from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.things: list[Resource] = []
        self.cards: list[tuple[str, str]] = []
        """(id, private address)"""
        self.public: list[str] = [SERVICE]
        self.inside: list[str] = []
        self.firewall = self.often(0.6)
        self.on_premises = self.often(0.4)
        self.groups = [f"nsg{number}" for number in range(3)]
        self.things += [azure.nsg(name, *self._rules()) for name in self.groups]
        self.things.append(azure.route_table("inspect", azure.udr("all", "0.0.0.0/0", "VirtualAppliance", FIREWALL)))
        self.things.append(azure.route_table("closed", azure.udr("all", "0.0.0.0/0", "None")))
        self.things.append(azure.service_tag("Storage", "20.60.0.0/16"))
        self._networks()
        if self.firewall:
            self._firewall()
        if self.often(0.6):
            self._application_gateway()
        if self.often(0.6):
            self._balancer()
        self._services()

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    # -- networks -------------------------------------------------------------------------------------------------

    def _networks(self) -> None:
        spokes = ("one", "two")
        to_hub = {"forwarded": self.often(0.8), "remote_gateways": self.on_premises and self.often(0.6)}
        hub = [
            azure.subnet("AzureFirewallSubnet", "10.0.0.0/26"),
            azure.subnet("edge", "10.0.1.0/28", nsg=self._group(0.3), table="closed" if self.often(0.15) else ""),
            azure.subnet("shared", "10.0.2.0/24", nsg=self._group(0.6)),
            azure.subnet("GatewaySubnet", "10.0.3.0/26"),
        ]
        peers = [azure.peering(one, forwarded=self.often(0.8), transit=self.on_premises) for one in spokes]
        self.things.append(azure.vnet("hub", "10.0.0.0/16", subnets=hub, peerings=peers))
        if self.on_premises:
            self.things += [azure.vnet_gateway("vpn", "hub"), azure.site_connection("site", "vpn", "172.20.0.0/16", enableBgp=False)]
        self._card("shared", "hub/shared", "10.0.2.4")
        for number, name in enumerate(spokes, 1):
            parts = []
            for part, label in enumerate(("front", "back")):
                table = self.chance.choice(["inspect", "inspect", ""]) if self.firewall else self.chance.choice(["", "", "closed"])
                endpoints = [{"service": "Microsoft.Storage"}] if self.often(0.3) else []
                more: dict[str, Any] = {"serviceEndpoints": endpoints, "defaultOutboundAccess": self.often(0.5)}
                parts.append(azure.subnet(label, f"10.{number}.{part}.0/24", nsg=self._group(0.6), table=table, **more))
                self._card(f"{name}{label}", f"{name}/{label}", f"10.{number}.{part}.4")
            if name == "one":
                self._card("oneother", "one/back", "10.1.1.5")
            delegation = {"name": "db", "properties": {"serviceName": "Microsoft.DBforPostgreSQL/flexibleServers"}}
            parts.append(azure.subnet("data", f"10.{number}.2.0/28", nsg=self._group(0.5), delegations=[delegation]))
            peering = azure.peering("hub", **to_hub, access=self.often(0.9))
            self.things.append(azure.vnet(name, f"10.{number}.0.0/16", subnets=parts, peerings=[peering]))

    def _group(self, share: float) -> str:
        return self.chance.choice(self.groups) if self.often(share) else ""

    def _card(self, name: str, place: str, address: str) -> None:
        given: dict[str, Any] = {"nsg": self._group(0.4)}
        if self.often(0.3):
            number = len(self.cards) + 10
            self.things.append(azure.public_ip(f"ip-{name}", f"198.51.100.{number}", self.chance.choice(["Standard", "Standard", "Basic"])))
            self.public.append(f"198.51.100.{number}")
            given["public"] = f"ip-{name}"
        if place == "one/back" and self.often(0.7):
            given["pools"] = ["front/pool"]
        self.things.append(azure.nic(name, place, address, **given))
        self.cards.append((azure.nic_id(name), address))
        self.inside.append(address)

    def _rules(self) -> Iterator[dict[str, Any]]:
        for number in range(self.chance.choice([0, 1, 2, 3])):
            protocol = self.chance.choice(["*", "Tcp", "Tcp", "Udp", "Icmp"])
            ports = self.chance.choice(["*", *map(str, PORTS)]) if protocol in {"Tcp", "Udp"} else "*"
            access = self.chance.choice(["Allow", "Allow", "Allow", "Deny"])
            source, destination = self.chance.choice(PLACES), self.chance.choice(["*", "*", *PLACES])
            yield azure.rule(
                f"rule{number}", 100 + number, access, out=self.often(0.3), protocol=protocol, ports=ports, source=source, destination=destination
            )  # fmt: skip

    # -- what stands in and before them ---------------------------------------------------------------------------

    def _firewall(self) -> None:
        network = [
            services.fw_rule(
                f"net{number}", source=self.chance.choice(["*", "10.1.0.0/16", "10.0.0.0/8"]), ports=self.chance.choice(["*", "22", "8080"]),
                destination=self.chance.choice(["*", "10.2.0.0/16", "10.0.0.0/8", "203.0.113.0/24"]), protocol=self.chance.choice(["TCP", "Any"]),
            )
            for number in range(self.chance.choice([0, 1, 2]))
        ]  # fmt: skip
        nat = [
            services.fw_rule(
                "nat0", source=self.chance.choice(["*", "203.0.113.0/24"]), destination=FIREWALL_IP, ports="8080",
                to=self.chance.choice([address for _, address in self.cards]), to_port=self.chance.choice(["22", "8080"]),
            )
        ]  # fmt: skip
        collections = {
            "networkRuleCollections": [services.collection("net", 200, "Allow", *network)] if network else [],
            "natRuleCollections": [services.collection("nat", 100, "Dnat", *nat)] if self.often(0.7) else [],
            "applicationRuleCollections": [],
        }
        self.things += [azure.public_ip("fwip", FIREWALL_IP), services.firewall("fw", "hub", FIREWALL, "fwip", **collections)]
        self.public.append(FIREWALL_IP)

    def _application_gateway(self) -> None:
        backends = self.chance.sample([address for _, address in self.cards], 2)
        made = services.application_gateway(
            "agw", "hub/edge", *backends, public="agwip", port=80, backend_port=self.chance.choice([80, 8080])
        )
        self.things += [azure.public_ip("agwip", GATEWAY_IP), made]
        self.public.append(GATEWAY_IP)

    def _balancer(self) -> None:
        rules = [services.lb_rule("web", 443, 8080), services.lb_rule("ssh", 22, 22)][: self.chance.choice([1, 2])]
        if self.often(0.4):
            self.things.append(services.load_balancer("front", *rules, private="10.1.0.200", place="one/front"))
            self.inside.append("10.1.0.200")
        else:
            self.things += [azure.public_ip("lbip", BALANCER_IP), services.load_balancer("front", *rules, public="lbip")]
            self.public.append(BALANCER_IP)

    def _services(self) -> None:
        access = self.chance.choice(["Enabled", "Enabled", "Disabled"])
        acls = {
            "defaultAction": self.chance.choice(["Allow", "Deny"]),
            "ipRules": [{"value": "203.0.113.0/24", "action": "Allow"}],
            "virtualNetworkRules": [{"id": azure.arm("virtualNetworks/one/subnets/front")}],
        }
        self.things.append(service("storageAccounts/files", {"publicNetworkAccess": access, "networkAcls": acls}, "Microsoft.Storage"))
        self.things.append(service("servers/sql", {"publicNetworkAccess": self.chance.choice(["Enabled", "Disabled"])}, "Microsoft.Sql"))
        ranges = [("0.0.0.0", "0.0.0.0"), ("203.0.113.9", "203.0.113.9"), ("198.51.100.0", "198.51.100.99"), ("0.0.0.0", "255.255.255.255")]
        for number, (first, last) in enumerate(self.chance.sample(ranges, self.chance.choice([0, 1, 2]))):
            inner = {"startIpAddress": first, "endIpAddress": last}
            self.things.append(service(f"servers/sql/firewallRules/rule{number}", inner, "Microsoft.Sql"))
        if self.often(0.5):
            place = {"delegatedSubnetResourceId": azure.arm(f"virtualNetworks/{self.chance.choice(['one', 'two'])}/subnets/data")}
            self.things.append(
                service("flexibleServers/pg", {"network": {**place, "publicNetworkAccess": "Disabled"}}, "Microsoft.DBforPostgreSQL")
            )
            self.inside.append(place["delegatedSubnetResourceId"].split("/")[8].replace("one", "10.1.2.5").replace("two", "10.2.2.5"))

    # -- packets --------------------------------------------------------------------------------------------------

    def packets(self, count: int) -> Iterator[tuple[str, Packet]]:
        """(where it is sent from, packet)."""
        chance = self.chance
        for _ in range(count):
            at, source = chance.choice(self.cards)
            destinations = [*self.inside, *self.public, *CLIENTS, ON_PREMISES]
            if self.often(0.4):
                at, source, destinations = INTERNET, chance.choice(CLIENTS), self.public
            elif self.on_premises and self.often(0.3):
                at, source, destinations = azure.gateway_id("vpn"), ON_PREMISES, self.inside
            destination = chance.choice(destinations)
            if destination == source:
                continue
            protocol = chance.choice([TCP, TCP, TCP, TCP, UDP, ICMP])
            likely = {GATEWAY_IP: (80,), BALANCER_IP: (22, 443), "10.1.0.200": (22, 443)}.get(destination, PORTS)
            port = chance.choice(likely) if protocol in PORTED else 8 << 8
            yield at, Packet(4, int(ip_address(source)), int(ip_address(destination)), protocol, 50000 if protocol in PORTED else 0, port)


def service(path: str, properties: dict[str, Any], provider: str) -> Resource:
    """A resource of another provider than Microsoft.Network."""
    identifier, kinds = azure.arm(path, provider), path.split("/")[::2]
    type_ = ".".join(["azure", provider.removeprefix("Microsoft.").lower(), *(one.lower() for one in kinds)])
    data = {"id": identifier, "name": path.rsplit("/", maxsplit=1)[-1], "location": azure.REGION, "properties": properties}
    return Resource(identifier, type_, azure.SUBSCRIPTION, azure.REGION, data)
