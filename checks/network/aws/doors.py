"""Every construct by which something may come into a VPC: modelled, or named where it is there or nobody looked.

A look that shows none adds nothing. What is there and not modelled lets, in doubt, anything from the internet (or from
on-premises) into what it could lead to; so does what nobody looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from checks.model import GLOBAL, Place, Resource
from checks.network.aws.classes import Class, Classes
from checks.network.aws.interfaces import ADDRESS, BALANCER, CLASSIC, Port
from checks.network.aws.reading import known_objects, known_texts, member, text
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import ANYONE, INSTANCE, INTERFACE, View, each_family
from checks.network.graph import Link, Rewrite
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY

Leads = Callable[["Doors", Resource], Iterator[str]]
"""The ids of what a resource lets packets into: VPCs, subnets, load balancers, instances, interfaces; '' for any VPC."""


@dataclass(frozen=True, slots=True)
class Door:
    """A construct. `leads` is None where it is modelled. `idle` are states in which it lets nothing in."""

    type: str
    title: str
    scope: Literal["region", "global"] = "region"
    source: Literal["internet", "on-premises", "none"] = "internet"
    leads: Leads | None = None
    idle: tuple[tuple[str, tuple[object, ...]], ...] = ()


def _member(*path: str) -> Leads:
    def leads(_: Doors, resource: Resource) -> Iterator[str]:
        yield text(resource.data, *path)

    return leads


def _accelerator(_: Doors, resource: Resource) -> Iterator[str]:
    """Global Accelerator developer guide, Endpoints: load balancers, instances, Elastic IP addresses; Custom routing
    accelerators: subnets, to the instances in them."""
    groups = known_objects(resource.data, "EndpointGroups")
    if not groups:
        yield ""
    for group in groups:
        if group.get("EndpointDescriptions") is None:
            yield ""
        yield from (text(one, "EndpointId") for one in known_objects(group, "EndpointDescriptions"))


def _origin(_: Doors, resource: Resource) -> Iterator[str]:
    yield text(resource.data, "OriginEndpointArn") or text(resource.data, "VpcOriginEndpointConfig", "Arn")


def _verified_access(_: Doors, resource: Resource) -> Iterator[str]:
    found = [
        text(resource.data, "NetworkInterfaceOptions", "NetworkInterfaceId"),
        text(resource.data, "LoadBalancerOptions", "LoadBalancerArn"),
    ]
    found += known_texts(resource.data, "LoadBalancerOptions", "SubnetIds")[:1]
    found += known_texts(resource.data, "CidrOptions", "SubnetIds") + known_texts(resource.data, "RdsOptions", "SubnetIds")
    yield from [one for one in found if one] or [""]


def _texts(name: str) -> Leads:
    def leads(_: Doors, resource: Resource) -> Iterator[str]:
        yield from known_texts(resource.data, name) or [""]

    return leads


def _cloud_wan(_: Doors, resource: Resource) -> Iterator[str]:
    arn = text(resource.data, "ResourceArn") or text(resource.data, "Attachment", "ResourceArn")
    yield arn.rpartition("/")[2]


_DELETED = ("DELETED", "DELETE_IN_PROGRESS", "deleted", "deleting", "DELETING", "REJECTED", "FAILED", "CREATE_FAILED")

DOORS: tuple[Door, ...] = (
    Door("aws.ec2.internet_gateway", "internet gateways", source="none"),  # where nobody looked, the gateway itself is in doubt
    Door("aws.ec2.egress_only_internet_gateway", "egress-only internet gateways", source="none"),
    Door("aws.ec2.nat_gateway", "NAT gateways", source="none"),
    Door("aws.ec2.vpn_gateway", "virtual private gateways", source="on-premises"),
    Door("aws.ec2.vpn_connection", "VPN connections", source="on-premises"),
    Door("aws.directconnect.gateway_association", "Direct Connect gateway associations", source="on-premises"),
    Door("aws.directconnect.virtual_interface", "Direct Connect virtual interfaces", source="on-premises"),
    Door("aws.ec2.client_vpn_endpoint", "Client VPN endpoints", source="on-premises"),
    Door("aws.ec2.instance_connect_endpoint", "EC2 Instance Connect endpoints", source="on-premises"),
    Door("aws.ec2.vpc_peering_connection", "peering connections"),
    Door("aws.ec2.transit_gateway_attachment", "transit gateway attachments"),
    Door("aws.ec2.transit_gateway_vpc_attachment", "transit gateway VPC attachments"),
    Door("aws.ec2.vpc_endpoint_service", "endpoint services"),
    Door("aws.networkmanager.vpc_attachment", "Cloud WAN attachments", "global", leads=_cloud_wan, idle=(("State", _DELETED),)),
    Door("aws.cloudfront.vpc_origin", "CloudFront VPC origins", "global", leads=_origin),
    Door("aws.globalaccelerator.accelerator", "Global Accelerator", "global", leads=_accelerator, idle=(("Enabled", (False,)),)),
    Door("aws.globalaccelerator.custom_routing_accelerator", "Global Accelerator, custom routing", "global", leads=_accelerator, idle=(("Enabled", (False,)),)),
    Door("aws.vpclattice.service_network_vpc_association", "VPC Lattice service networks", leads=_member("vpcId"), idle=(("status", _DELETED),)),
    Door("aws.vpclattice.target_group", "VPC Lattice target groups", leads=_member("vpcIdentifier"), idle=(("type", ("LAMBDA",)),)),
    Door("aws.vpclattice.resource_gateway", "VPC Lattice resource gateways", leads=_member("vpcIdentifier"), idle=(("status", _DELETED),)),
    Door("aws.ec2.verified_access_endpoint", "Verified Access", leads=_verified_access),
    Door("aws.apigateway.vpc_link", "API Gateway VPC links", leads=_texts("targetArns"), idle=(("status", _DELETED),)),
    Door("aws.apigatewayv2.vpc_link", "API Gateway VPC links", leads=_texts("SubnetIds"), idle=(("VpcLinkStatus", _DELETED),)),
    Door("aws.ec2.carrier_gateway", "carrier gateways", leads=_member("VpcId"), idle=(("State", _DELETED),)),
    Door(
        "aws.ec2.local_gateway_route_table_vpc_association", "local gateways", source="on-premises", leads=_member("VpcId"), idle=(("State", ("disassociated",)),),
    ),
)  # fmt: skip
"""Network Firewall and Gateway Load Balancers stand in the way, and let nothing in by themselves: `routes` names them."""


@dataclass
class Doors:
    """Puts what the table says into the graph."""

    view: View
    classes: Classes
    ports: Mapping[str, Port]
    subnets: Mapping[str, Subnet]

    def lower(self) -> None:
        places: dict[Place, list[str]] = {}
        for id_, network in sorted(self.view.networks.items()):
            places.setdefault(network.place, []).append(id_)
        for place, networks in places.items():
            self._unseen(place, networks)
        for door in DOORS:
            if door.leads is not None:
                for resource in self.view.all(door.type):
                    self._present(door, resource, door.leads)
        self._shared()

    def _unseen(self, place: Place, networks: list[str]) -> None:
        """What nobody looked at in a place could lead into any VPC there."""
        doubts: dict[str, list[str]] = {"internet": [], "on-premises": []}
        for door in DOORS:
            where = place if door.scope == "region" else Place(place.account, GLOBAL)
            if door.source != "none" and (why := self.view.unlisted(door.type, where)):
                doubts[door.source].append(why)
        if self.view.unlisted(INTERFACE, place):  # whose description else tells of a load balancer
            doubts["internet"] += filter(None, (self.view.unlisted(type_, place) for type_ in (BALANCER, CLASSIC)))
        if place.account not in self.view.accounts:
            owned = f"account {place.account}, which owns {', '.join(networks[:3])}, was not read"
            doubts = {"internet": [owned], "on-premises": [owned]}
        inside = f"doors:{place.account}/{place.region}"
        if not any(doubts.values()):
            return
        self.view.graph.station(inside, "unknown")
        for network in networks:
            self.view.link(inside, Link(self.view.within(network)))
        for source, held in doubts.items():
            if not held:
                continue
            at = INTERNET
            if source == "on-premises":
                title = f"whatever nobody looked for in {place.account}/{place.region}"
                at = self.view.outside(f"unseen:{place.account}/{place.region}", title)
            self._in_doubt(at, inside, "\n".join(dict.fromkeys(held)))

    def _in_doubt(self, at: str, to: str, doubt: str) -> None:
        for family in (4, 6):
            self.view.link(at, Link(to, rewrite=Rewrite(source=EVERYBODY[family], leg="pass"), labels=ANYONE, doubt=doubt), (family,))

    def _present(self, door: Door, resource: Resource, leads: Leads) -> None:
        if any(member(resource.data, name) in states for name, states in door.idle):
            return
        at = INTERNET
        if door.source == "on-premises":
            at = self.view.outside(resource.id, f"{door.title}: what is behind {resource.id}")
        why = self.view.gap(resource)
        for id_ in dict.fromkeys(leads(self, resource)) if not why else [""]:
            doubt = f"{door.title}: {resource.id} may send to {id_ or 'any VPC'}, which is not modelled"
            classes, networks = self._behind(id_, resource)
            for class_ in classes:
                self._to_class(at, class_, doubt)
            for network in networks:
                self.view.enter(at, network, doubt)

    def _to_class(self, at: str, class_: Class, doubt: str) -> None:
        """In doubt, to one class from any address: by its network ACL and groups, and none of the routes."""
        for family, space in each_family(class_.space):
            where = class_.stand_in(family) if class_.doubt else space
            entry = f"door:{class_.key}"
            if entry not in self.view.graph.stations:
                self.view.graph.station(entry, "unknown")
            rewrite = Rewrite(source=EVERYBODY[family], destination=where, leg="pass")
            self.view.link(at, Link(entry, rewrite=rewrite, labels=ANYONE, doubt=doubt), (family,))
            if not self.view.graph.stations[entry].links[family]:
                self.view.link(entry, Link(class_.entry, ((class_.subnet.ingress,), *class_.admits)), (family,))

    def _behind(self, id_: str, resource: Resource) -> tuple[list[Class], list[str]]:
        """(classes, VPCs) that an id stands for; what is not found may be any VPC that the resource's account could reach."""
        name = id_.rpartition("/")[2]
        if found := self.classes.by_owner.get((BALANCER, id_)) or self.classes.by_owner.get((INSTANCE, name)):
            return list(found), []
        address = self.view.find(ADDRESS, id_)
        interface = text(address.data, "NetworkInterfaceId") if address is not None else id_
        if class_ := self.classes.by_interface.get(interface):
            return [class_], []
        if name in self.view.networks:
            return [], [name]
        if name in self.subnets:
            return [], [self.subnets[name].vpc]
        own = [one for one, network in self.view.networks.items() if network.account == resource.account]
        here = [one for one in own if resource.region in {GLOBAL, self.view.networks[one].region}]
        return [], here or own or list(self.view.networks)

    def _shared(self) -> None:
        """Where accounts that nobody read stand in a VPC, their load balancers may let the internet in (VPC guide, VPC sharing)."""
        strangers: dict[tuple[str, str], str] = {}
        for subnet in self.subnets.values():
            if subnet.owner not in self.view.accounts:
                strangers[subnet.vpc, subnet.owner] = f"{subnet.id} belongs to account {subnet.owner}"
        for port in self.ports.values():
            if port.owner not in self.view.accounts and not port.owner.startswith("amazon-"):
                strangers[port.vpc, port.owner] = f"{port.id} belongs to account {port.owner}"
        for (vpc, _), what in sorted(strangers.items()):
            self.view.enter(INTERNET, vpc, f"{what}, which was not read: it may let the internet into {vpc}")
