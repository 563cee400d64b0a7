"""Platform services with a public endpoint: storage accounts, databases, key vaults, and flexible servers in a subnet.

Sources: "Configure Azure Storage firewalls and virtual networks"; "Azure SQL Database and Azure Synapse IP firewall
rules" (0.0.0.0 to 0.0.0.0 admits every Azure service, of any customer); "Public access networking overview" and
"Private access" of Azure Database for PostgreSQL and for MySQL flexible server; "Configure Azure Key Vault networking".
A service's own address is told by its name alone: SOMEWHERE stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from checks.model import Resource
from checks.network.azure.arm import (
    EMPTY,
    FAMILIES,
    SERVICES,
    SOMEWHERE,
    UNTOLD_SERVICES,
    Blocks,
    blocks,
    entries,
    joined,
    key,
    member,
    reference,
    text,
)  # fmt: skip
from checks.network.azure.interfaces import Configurations
from checks.network.azure.sides import Tags
from checks.network.azure.stations import Classes, Standing, out_of, routes, usable
from checks.network.azure.world import Subnet, World
from checks.network.graph import Graph, Interface, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP, Hop
from checks.network.packets import EVERYBODY, addresses, packets, union

AZURE = "azure"
_EVERY_SERVICE = "0.0.0.0"  # noqa: S104  # a firewall rule's way to say every Azure service
_HERE = addresses([(SOMEWHERE, SOMEWHERE)])


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of service: its TCP ports, the path of its members about access, and where its rules stand."""

    title: str
    ports: tuple[int, ...]
    access: tuple[str, ...] = ()
    rules: str = ""
    network_rules: str = ""
    endpoint: str = ""


KINDS: Mapping[str, Service] = {
    "azure.storage.storageaccounts": Service("storage-account", (80, 443, 445), endpoint="microsoft.storage"),
    "azure.keyvault.vaults": Service("key-vault", (443,), endpoint="microsoft.keyvault"),
    "azure.sql.servers": Service(
        "database-server", (1433,), (), "azure.sql.servers.firewallrules", "azure.sql.servers.virtualnetworkrules", "microsoft.sql",
    ),
    "azure.dbforpostgresql.flexibleservers": Service(
        "database-server", (5432, 6432), ("network",), "azure.dbforpostgresql.flexibleservers.firewallrules",
    ),
    "azure.dbformysql.flexibleservers": Service(
        "database-server", (3306,), ("network",), "azure.dbformysql.flexibleservers.firewallrules",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Who is let in: addresses, every Azure service, subnets by service endpoint; and what is not known about it."""

    held: Blocks
    azure: bool
    subnets: tuple[str, ...]
    doubt: str


@dataclass
class Services:
    """Makes the interfaces of services."""

    world: World
    graph: Graph
    tags: Tags
    configurations: Configurations
    classes: Classes

    def lower(self) -> None:
        for one in (SERVICES, UNTOLD_SERVICES):
            self.graph.station(one, "services")
        for type_, kind in KINDS.items():
            for resource in self.world.of(type_).values():
                delegated = text(resource.data, "properties", *kind.access, "delegatedSubnetResourceId")
                if delegated:
                    self._within(resource, kind, delegated)
                else:
                    self._public(resource, kind)

    def _within(self, resource: Resource, kind: Service, subnet_id: str) -> None:
        """A flexible server in a subnet of its own kind, at one of its addresses."""
        subnet = self.world.subnets.get(key(subnet_id))
        if subnet is None:
            self.graph.doubts.append(f"{resource.id} stands in a subnet that is not in the estate: {subnet_id}")
            return
        own = usable(subnet, self.configurations.taken.get(subnet.key, {}))
        standing = Standing(resource.id, resource.type, kind.title, resource.account, resource.region, subnet, "", own, tags=resource.tags)
        self.classes.add(standing)

    def _public(self, resource: Resource, kind: Service) -> None:
        station = f"in:{key(resource.id)}"
        self.graph.station(station, kind.title, ends=True, sends=out_of(station))
        self.graph.station(out_of(station), kind.title)
        self.graph.interfaces[resource.id] = Interface(
            resource.id, resource.type, kind.title, resource.account, resource.region, "", "", station, out_of(station),
            {4: (SOMEWHERE,), 6: ()}, tags=resource.tags,
        )  # fmt: skip
        access = text(resource.data, "properties", *kind.access, "publicNetworkAccess")
        if access == "Disabled" and key(resource.id) not in self.world.gapped:
            return
        doubt = "" if access == "Enabled" else f"{resource.id} does not tell whether public network access is enabled"
        admitted = self._admitted(resource, kind)
        half = self.world.gapped.get(key(resource.id), "")
        admitted = replace(admitted, doubt=half) if half and not admitted.doubt else admitted
        doubt = "\n".join(one for one in (doubt, admitted.doubt) if one)
        which = union(packets(EVERYBODY[4], (TCP, TCP), (port, port)) for port in kind.ports)
        hop = (Hop(resource.id, kind.title, ("public network access",)),)
        answers = Rewrite(leg="pass")
        for at in (INTERNET, SERVICES, UNTOLD_SERVICES):
            if admitted.held[4]:
                unclear = at == UNTOLD_SERVICES and not PUBLIC[4] <= admitted.held[4]
                whose = "which address default outbound access gives to the sender is not known" if unclear else ""
                told = "\n".join(filter(None, (doubt, whose)))
                self.graph.link(at, Link(station, (), admitted.held[4], _HERE, which, answers, "first", doubt=told, via=hop), (4,))
            if admitted.doubt:
                self.graph.link(at, Link(station, (), None, _HERE, which, answers, "first", doubt=doubt, via=hop), (4,))
            if admitted.azure:
                # Whatever leaves a virtual network has an address of Azure's.
                why = f"{resource.id} admits every Azure service, of any customer" if at == INTERNET else ""
                link = Link(station, (), PUBLIC[4], _HERE, which, answers, "first", doubt="\n".join(filter(None, (doubt, why))), via=hop)
                self.graph.link(at, link, (4,))
        if admitted.azure:
            self._from_azure(Link(station, (), None, _HERE, which, answers, "first", doubt=doubt, via=hop))
        for subnet in self._with_endpoint(kind, admitted):
            told_by = (Hop(resource.id, kind.title, (f"virtual network rule {subnet.name}",)),)
            link = Link(station, (), subnet.space[4], _HERE, which, answers, "first", doubt=doubt, via=told_by)
            self.graph.link(routes(subnet.key), link, (4,))

    def _with_endpoint(self, kind: Service, admitted: _Admitted) -> Iterator[Subnet]:
        """The subnets that are admitted as such: by a rule, or where everybody is, each with a service endpoint of the kind."""
        everybody = not admitted.doubt and PUBLIC[4] <= admitted.held[4] and not kind.rules
        named = dict.fromkeys(self.world.subnets) if everybody else dict.fromkeys(map(key, admitted.subnets))
        for id_ in named if kind.endpoint else ():
            subnet = self.world.subnets.get(id_)
            if subnet is not None and any(
                text(one, "service").lower().startswith(kind.endpoint) for one in entries(subnet.data, "serviceEndpoints")
            ):
                yield subnet

    def _from_azure(self, link: Link) -> None:
        if AZURE not in self.graph.stations:
            self.graph.station(AZURE, "outside", ends=True)
            self.graph.outside[AZURE] = "every Azure service, of any customer"
            self.graph.networks[AZURE] = {family: self.tags.expanded.get("azurecloud", PUBLIC)[family] for family in FAMILIES}
        self.graph.link(AZURE, link, (4,))

    # -- who is let in --------------------------------------------------------------------------------------------

    def _admitted(self, resource: Resource, kind: Service) -> _Admitted:
        if kind.rules:
            return self._by_rules(resource, kind)
        acls = member(resource.data, "properties", "networkAcls")
        default = text(acls, "defaultAction")
        subnets = tuple(reference(one) for one in entries(acls, "virtualNetworkRules"))
        if default == "Allow":
            return _Admitted(PUBLIC, azure=False, subnets=subnets, doubt="")
        if default != "Deny":
            return _Admitted(EMPTY, azure=False, subnets=subnets, doubt=f"{resource.id} does not tell its default network action")
        held, wrong = blocks(text(one, "value") for one in entries(acls, "ipRules"))
        return _Admitted(held, azure=False, subnets=subnets, doubt="\n".join(f"{resource.id}: {one}" for one in wrong))

    def _by_rules(self, resource: Resource, kind: Service) -> _Admitted:
        told, doubts, azure = [], [], False
        if unseen := self.world.looked(kind.rules, resource.account, resource.region):
            doubts.append(unseen)
        for rule in self.world.children(kind.rules, resource.id):
            first, last = text(rule.data, "properties", "startIpAddress"), text(rule.data, "properties", "endIpAddress")
            if first == last == _EVERY_SERVICE:
                azure = True
                continue
            held, wrong = blocks((f"{first}-{last}",))
            told.append(held)
            doubts += [f"firewall rule {rule.id}: {one}" for one in wrong]
        return _Admitted(joined(told), azure, tuple(self._network_rules(resource, kind)), "\n".join(doubts))

    def _network_rules(self, resource: Resource, kind: Service) -> Iterator[str]:
        for rule in self.world.children(kind.network_rules, resource.id) if kind.network_rules else ():
            if subnet := text(rule.data, "properties", "virtualNetworkSubnetId"):
                yield subnet
