"""Transit gateways: attachments, the route table each is associated with, and what leaves by which attachment.

Transit Gateway guide, How transit gateways work: a packet is routed by the table that the attachment it came by is
associated with; tables hold static and propagated routes, the longest prefix wins, static before propagated, and
`blackhole` drops. Into a VPC it goes by the attachment's subnet in some availability zone, and that subnet's route
table. Network ACLs for transit gateways: what comes from an instance meets the ingress of the attachment's subnet, what
goes to one its egress, unless both are in that subnet. A zone without an attachment's subnet cannot reach the gateway.
Security group referencing: on for the gateway and for both attachments, and not through a peering.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from checks.functions.declare import DataError
from checks.model import Resource
from checks.network.aws.lists import PrefixLists
from checks.network.aws.outside import premises, unread_network
from checks.network.aws.reading import cidr, known_objects, known_texts, objects, text
from checks.network.aws.routes import Part, Route, parts
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import ANYONE, View
from checks.network.graph import NO_LABELS, Labels, Link
from checks.network.packet import Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses

GATEWAY, ATTACHMENT = "aws.ec2.transit_gateway", "aws.ec2.transit_gateway_attachment"
VPC_ATTACHMENT, PEERING_ATTACHMENT = "aws.ec2.transit_gateway_vpc_attachment", "aws.ec2.transit_gateway_peering_attachment"
TABLE = "aws.ec2.transit_gateway_route_table"
_WORKING, _GONE = frozenset({"available", "modifying"}), frozenset({"deleted", "failed", "rejected", "deleting", "rejecting", "failing"})
_DISASSOCIATED = frozenset({"disassociating", "disassociated"})
_PREMISES = {
    "vpn": "a VPN",
    "vpn-concentrator": "a VPN concentrator",
    "direct-connect-gateway": "Direct Connect",
    "connect": "a Connect peer",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is attached to a transit gateway, of one gateway's side. `table` is None where the association was not seen."""

    id: str
    gateway: str
    kind: str
    resource: str
    owner: str
    subnets: tuple[str, ...] = ()
    table: str | None = None
    referencing: str = ""
    doubt: str = ""

    @property
    def inward(self) -> str:
        """Where what comes to the gateway by it is."""
        return f"tgw-in:{self.gateway}:{self.id}"

    @property
    def outward(self) -> str:
        """Where what leaves the gateway by it is."""
        return f"tgw-out:{self.gateway}:{self.id}"

    @property
    def hop(self) -> Hop:
        return Hop(self.gateway, "transit-gateway")


@dataclass
class Transit:
    """Lowers every transit gateway that anything of the estate is attached to."""

    view: View
    lists: PrefixLists
    subnets: Mapping[str, Subnet]
    _known: dict[str, dict[int, Addresses]] = field(default_factory=dict)

    def lower(self) -> None:
        for one in self.attachments.values():
            self.view.graph.station(one.inward, "transit-gateway")
            self.view.graph.station(one.outward, "transit-gateway")
        for table in self.view.all(TABLE):
            self._table(table)
        for one in self.attachments.values():
            self._in(one)
            self._out(one)

    @cached_property
    def attachments(self) -> dict[tuple[str, str], Attachment]:
        """By gateway and id, as any account that sees it tells."""
        associated = self._associations
        found: dict[tuple[str, str], Attachment] = {}
        for resource in (*self.view.all(ATTACHMENT), *self.view.all(VPC_ATTACHMENT), *self.view.all(PEERING_ATTACHMENT)):
            for one in self._read(resource):
                key = (one.gateway, one.id)
                held = found.get(key)
                table = one.table if one.table is not None else associated.get(key) if held is None or held.table is None else held.table
                found[key] = Attachment(
                    one.id,
                    one.gateway,
                    one.kind,
                    one.resource or (held.resource if held else ""),
                    one.owner or (held.owner if held else ""),
                    one.subnets or (held.subnets if held else ()),
                    table,
                    one.referencing or (held.referencing if held else ""),
                    one.doubt or (held.doubt if held else ""),
                )
        return found

    def _read(self, resource: Resource) -> Iterator[Attachment]:
        data, state = resource.data, text(resource.data, "State")
        if state in _GONE or state in {"pendingAcceptance", "initiatingRequest", "initiating", "rollingBack", "pending"}:
            return
        doubt = "" if state in _WORKING else f"whether the attachment {resource.id} works is not known: it is {state or 'in no state'}"
        if resource.type == PEERING_ATTACHMENT:
            sides = [
                (text(data, side, "TransitGatewayId"), text(data, side, "OwnerId")) for side in ("RequesterTgwInfo", "AccepterTgwInfo")
            ]
            ids = (resource.id, text(data, "AccepterTransitGatewayAttachmentId") or resource.id)
            for (own, _), (other, owner), id_ in zip(sides, sides[::-1], ids, strict=True):
                yield Attachment(id_, own, "peering", other, owner, doubt=doubt)
            return
        if resource.type == VPC_ATTACHMENT:
            subnets, referencing = tuple(known_texts(data, "SubnetIds")), text(data, "Options", "SecurityGroupReferencingSupport")
            gateway, vpc, owner = text(data, "TransitGatewayId"), text(data, "VpcId"), text(data, "VpcOwnerId")
            yield Attachment(resource.id, gateway, "vpc", vpc, owner, subnets, referencing=referencing, doubt=doubt)
            return
        table = text(data, "Association", "TransitGatewayRouteTableId") or None
        if text(data, "Association", "State") in _DISASSOCIATED:
            table = None
        kind = text(data, "ResourceType")
        owner = text(data, "ResourceOwnerId")
        yield Attachment(resource.id, text(data, "TransitGatewayId"), kind, text(data, "ResourceId"), owner, table=table, doubt=doubt)

    @cached_property
    def _associations(self) -> dict[tuple[str, str], str]:
        """What route tables say is associated with them."""
        found = {}
        for table in self.view.all(TABLE):
            for one in known_objects(table.data, "Associations"):
                if text(one, "State") not in _DISASSOCIATED:
                    found[text(table.data, "TransitGatewayId"), text(one, "TransitGatewayAttachmentId")] = table.id
        return found

    # -- route tables ---------------------------------------------------------------------------------------------

    def _table(self, table: Resource) -> None:
        gateway = text(table.data, "TransitGatewayId")
        station = self.view.graph.station(f"tgw-rt:{table.id}", "transit-gateway-route-table").id
        why = self.view.gap(table, "Routes")
        routes: list[Route] = []
        unclear = ""
        if not why and table.data.get("Routes") is None:
            why = f"the routes of {table.id} were not seen"
        try:
            held = objects(table.data, "Routes")
        except DataError as error:
            held, why = [], f"the routes of {table.id} cannot be read: {error}"
        if why:
            self._anywhere(station, gateway, why)
            return
        for route in held:
            found, doubt = self._routes(table, route)
            routes += found
            unclear = unclear or doubt
        for part in parts(routes, unclear):
            for id_ in filter(None, part.target.split(" ")):
                self._route(station, gateway, table.id, part, id_)
        if unclear:
            self._anywhere(station, gateway, unclear)

    def _routes(self, table: Resource, route: Mapping[str, object]) -> tuple[list[Route], str]:
        """(the routes that one entry makes, why it makes none that can be told)."""
        state = text(route, "State")
        if state in {"deleting", "deleted"}:
            return [], ""
        ids = [text(one, "TransitGatewayAttachmentId") for one in known_objects(route, "TransitGatewayAttachments")]
        listed = text(route, "PrefixListId")
        name = f"{table.id} {listed or route.get('DestinationCidrBlock')} -> {' or '.join(ids) or 'nothing'}"
        doubt = "" if state in {"active", "blackhole"} else f"whether a route is in effect is not known: {name} is {state or 'in no state'}"
        if len(ids) > 1:
            doubt = doubt or f"which of several attachments is taken is not known: {name}"
        target = "" if state == "blackhole" else " ".join(ids)
        rank = 0 if text(route, "Type") == "static" else 1
        if state != "blackhole" and not all(ids or [""]):
            return [], f"{name}: a route of {table.id} names no attachment"
        try:
            if listed and route.get("DestinationCidrBlock") is None:
                resolved = self.lists.get(listed, table.place)
                return [Route(family, span, rank, target, name, doubt) for family, span in resolved.blocks], resolved.doubt
            family, span = cidr(route.get("DestinationCidrBlock"))
        except DataError as error:
            return [], f"a route of {table.id} cannot be read: {error}"
        return [Route(family, span, rank, target, name, doubt)], ""

    def _route(self, station: str, gateway: str, table: str, part: Part, id_: str) -> None:
        via = (Hop(table, "transit-gateway-route-table", (part.name,)),)
        known = self._known.setdefault(id_, dict.fromkeys((4, 6), NOBODY))
        if not part.doubt:
            known[part.family] |= part.space
        if (gateway, id_) in self.attachments:
            to, doubt = self.attachments[gateway, id_].outward, part.doubt
        else:
            to, doubt = self.view.everywhere(), part.doubt or f"the attachment {id_} of {gateway} was not seen: where it leads is not known"
        self.view.link(station, Link(to, destination=part.space, doubt=doubt, via=via), (part.family,))

    def _anywhere(self, station: str, gateway: str, why: str) -> None:
        for one in self.attachments.values():
            if one.gateway == gateway:
                self.view.link(station, Link(one.outward, doubt=why))
        self.view.link(station, Link(self.view.everywhere(), doubt=why))

    # -- attachments ----------------------------------------------------------------------------------------------

    def _in(self, one: Attachment) -> None:
        """From an attachment to the table it is associated with, and from what is attached to it."""
        labels = self._labels(one)
        if one.table is not None and f"tgw-rt:{one.table}" in self.view.graph.stations:
            self.view.link(one.inward, Link(f"tgw-rt:{one.table}", labels=labels, via=(one.hop,)))
        elif one.table is not None or (why := self._tables_unseen(one)):
            why = f"the route table of {one.id} was not seen: {self._tables_unseen(one) or f'{one.table} is not in the estate'}"
            self._anywhere(one.inward, one.gateway, why)
        if one.kind == "vpc" and one.resource in self.view.networks:
            self._from_vpc(one)
        elif one.kind == "vpc" and one.resource:
            title = f"VPC {one.resource} of account {one.owner or 'unknown'}, behind {one.gateway}"
            space = self._known.get(one.id) or EVERYBODY
            into = dict.fromkeys((4, 6), Link(one.inward, doubt=one.doubt))
            unread_network(self.view, one.id, title, one.owner, space, into)
        elif one.kind in _PREMISES:
            title = f"on-premises behind {one.gateway}, by {_PREMISES[one.kind]} ({one.id})"
            premises(self.view, one.id, title, self._known.get(one.id, {}), dict.fromkeys((4, 6), Link(one.inward, doubt=one.doubt)))

    def _tables_unseen(self, one: Attachment) -> str:
        """Why an attachment without a known table may have one: the tables, or who has which, were not all seen."""
        gateway = self.view.find(GATEWAY, one.gateway)
        for place in [gateway.place] if gateway is not None else []:
            if why := self.view.unlisted(TABLE, place):
                return why
            owner = text(gateway.data, "OwnerId") if gateway is not None else ""
            if owner and owner not in self.view.accounts:
                return f"{one.gateway} belongs to account {owner}, which was not read"
            for table in self.view.all(TABLE):
                if text(table.data, "TransitGatewayId") in {one.gateway, ""} and not _tells_associations(table):
                    return self.view.gap(table, "Associations") or f"what is associated with {table.id} was not seen"
            return ""
        return f"{one.gateway} is not in the estate"

    def _labels(self, one: Attachment) -> Labels | Literal["kept"]:
        """What security groups a sender is still known by on one side of a gateway; None where that is not known."""
        gateway = self.view.find(GATEWAY, one.gateway)
        option = text(gateway.data, "Options", "SecurityGroupReferencingSupport") if gateway is not None else ""
        if one.kind != "vpc" or option == "disable" or one.referencing == "disable":
            return NO_LABELS
        return "kept" if option == one.referencing == "enable" else ANYONE

    def _from_vpc(self, one: Attachment) -> None:
        vpc = one.resource
        sure = [held for held in self.subnets.values() if held.vpc == vpc and held.zone and not held.doubt]
        near = [held for held in sure if held.id in one.subnets]
        for family in (4, 6):
            rest = EVERYBODY[family]
            for subnet in near:
                zone = [held.space.get(family, NOBODY) for held in sure if held.zone == subnet.zone]
                source = NOBODY
                for space in zone:
                    source |= space
                source &= rest
                rest -= source
                if source:
                    into = Link(one.inward, ((subnet.ingress,),), source=source, doubt=one.doubt, via=(one.hop,))
                    self.view.exit(vpc, one.gateway, into, (family,))
            doubt = f"whether {one.gateway} takes packets from availability zones without a subnet of {one.id} is not known"
            self.view.exit(vpc, one.gateway, Link(one.inward, source=rest, doubt=one.doubt or doubt, via=(one.hop,)), (family,))

    def _out(self, one: Attachment) -> None:
        """From an attachment to what is attached by it."""
        labels = self._labels(one)
        if one.kind == "vpc" and one.resource in self.view.networks:
            self._into_vpc(one, labels)
        elif one.kind == "vpc" and one.resource:
            self.view.link(one.outward, Link(one.id, labels=labels, doubt=one.doubt))
        elif one.kind in _PREMISES:
            self.view.link(one.outward, Link(one.id, labels=NO_LABELS, doubt=one.doubt))
        elif one.kind in {"peering", "tgw-peering"}:
            self._into_peer(one)
        else:
            doubt = f"what is attached by {one.id} ({one.kind or 'of no kind that was seen'}) is not modelled"
            self.view.link(one.outward, Link(self.view.everywhere(), labels=NO_LABELS, doubt=doubt))
            self.view.link(self.view.everywhere(), Link(one.inward, labels=ANYONE, doubt=doubt))

    def _into_vpc(self, one: Attachment, labels: Labels | Literal["kept"]) -> None:
        near = [self.subnets[id_] for id_ in one.subnets if id_ in self.subnets]
        if not near:
            doubt = one.doubt or f"by which subnets {one.gateway} delivers into {one.resource} was not seen"
            self.view.link(one.outward, Link(self.view.elsewhere(one.resource), labels=labels, doubt=doubt))
            return
        alike = len({(subnet.table, subnet.egress) for subnet in near}) == 1
        if len(near) < len(one.subnets):
            doubt = f"not all subnets of {one.id} were seen"
            self.view.link(one.outward, Link(self.view.elsewhere(one.resource), labels=labels, doubt=doubt))
        several = f"by which of its subnets {one.id} delivers into {one.resource} depends on the availability zone"
        for family in (4, 6):
            own = NOBODY
            for subnet in near:
                space = subnet.space.get(family, NOBODY)
                own |= _own(subnet, family)
                doubt = one.doubt or subnet.doubt or ("" if len(near) == 1 else several)
                self.view.link(one.outward, Link(subnet.inside, destination=space, labels=labels, doubt=doubt), (family,))
            for number, subnet in enumerate(near):
                beside = own if alike else _own(subnet, family)
                if alike and number:
                    break
                doubt = one.doubt or ("" if alike else several)
                onward = Link(subnet.table, ((subnet.egress,),), destination=EVERYBODY[family] - beside, labels=labels, doubt=doubt)
                self.view.link(one.outward, onward, (family,))
            if len(near) > 1:
                for subnet in near:
                    other = Link(subnet.table, ((subnet.egress,),), destination=own, labels=labels, doubt=one.doubt or several)
                    self.view.link(one.outward, other, (family,))

    def _into_peer(self, one: Attachment) -> None:
        """Through a peering to the transit gateway at its other end, if that was read."""
        there = [held for held in self.attachments.values() if held.gateway == one.resource and held.resource == one.gateway]
        there = [held for held in there if held.id == one.id] or there
        read = self.view.find(GATEWAY, one.resource) is not None
        if there and read:
            self.view.link(one.outward, Link(there[0].inward, labels=NO_LABELS, doubt=one.doubt or there[0].doubt))
            return
        title = f"what is behind the transit gateway {one.resource} of account {one.owner or 'unknown'}"
        into = dict.fromkeys((4, 6), Link(one.inward, doubt=one.doubt))
        station = unread_network(self.view, one.id, title, one.owner, EVERYBODY, into)
        self.view.link(one.outward, Link(station, labels=NO_LABELS, doubt=one.doubt))


def _own(subnet: Subnet, family: int) -> Addresses:
    """What is surely for a subnet: of one that was not seen, nothing is."""
    return NOBODY if subnet.doubt else subnet.space.get(family, NOBODY)


def _tells_associations(table: Resource) -> bool:
    """Whether a table says which attachments of which gateway are associated with it."""
    held = table.data.get("Associations")
    if not isinstance(held, list | tuple) or not text(table.data, "TransitGatewayId"):
        return False
    return all(text(one, "TransitGatewayAttachmentId") for one in held)
