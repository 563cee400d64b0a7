"""The gateways of a VPC: internet, egress-only, NAT, and virtual private gateways.

VPC user guide, Internet gateways: it translates between an interface's public IPv4 address and its own, and drops what
has none; IPv6 passes as it is. What comes in needs no route, only what goes out does. NAT gateways: connections begin
inside only, TCP, UDP and ICMP; the gateway has no security group, but its subnet's network ACL is met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws.classes import Class, Classes
from checks.network.aws.interfaces import NAT
from checks.network.aws.public_access import Passage, PublicAccess
from checks.network.aws.reading import objects, single, text
from checks.network.aws.routes import NAT64
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import View
from checks.network.flow import inverse
from checks.network.graph import NO_LABELS, Link, Rewrite, Translation
from checks.network.internet import PUBLIC
from checks.network.packet import ICMP, INTERNET, TCP, UDP, Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses, PacketSet, addresses, packets, union

IGW, EIGW = "aws.ec2.internet_gateway", "aws.ec2.egress_only_internet_gateway"
_GONE = frozenset({"detached", "detaching"})
NAT_PACKETS: PacketSet = union(packets(EVERYBODY[4], (protocol, protocol)) for protocol in (ICMP, TCP, UDP))


def attached(view: View, type_: str) -> tuple[dict[str, Resource], dict[Place, str]]:
    """(the gateway of a type that each VPC has, per place why others may have one). EC2 calls an internet gateway's
    attachment `available`, others' `attached`."""
    found: dict[str, Resource] = {}
    unclear: dict[Place, str] = {}
    for resource in view.all(type_):
        try:
            if resource.data.get("Attachments") is None:
                raise DataError(view.gap(resource, "Attachments") or "it was not seen")
            for attachment in objects(resource.data, "Attachments"):
                if not text(attachment, "VpcId"):
                    raise DataError("the VPC was not seen")
                if text(attachment, "State") not in _GONE:
                    found[text(attachment, "VpcId")] = resource
        except DataError as error:
            unclear[resource.place] = f"what {resource.id} is attached to cannot be read: {error}"
    return found, unclear


@dataclass
class Gateways:
    """Lowers the gateways of every VPC, and registers them as what routes may lead to."""

    view: View
    classes: Classes
    subnets: Mapping[str, Subnet]
    access: PublicAccess
    diverted: Mapping[str, tuple[Mapping[int, Addresses], str]]
    """Per gateway, the addresses that its own route table sends elsewhere than to their VPC, and where."""
    _nat_public: dict[str, list[tuple[int, int, Subnet]]] = field(default_factory=dict)

    def lower(self) -> None:
        for nat in self.view.all(NAT):
            self._nat(nat)
        internet, unclear = attached(self.view, IGW)
        egress_only, _ = attached(self.view, EIGW)
        for vpc, network in sorted(self.view.networks.items()):
            gateway, doubt = internet.get(vpc), ""
            if gateway is None and (why := self.view.unlisted(IGW, network.place) or unclear.get(network.place)):
                doubt = f"whether {vpc} has an internet gateway is not known: {why}"
            if gateway is not None or doubt:
                self._internet(vpc, gateway.id if gateway else f"internet gateway of {vpc}", doubt)
            if vpc in egress_only:
                self._egress_only(vpc, egress_only[vpc].id)

    # -- internet gateways ----------------------------------------------------------------------------------------

    def _internet(self, vpc: str, id_: str, doubt: str) -> None:
        inward, outward = f"igw-in:{vpc}", f"igw-out:{vpc}"
        self.view.graph.station(inward, "internet-gateway")
        self.view.graph.station(outward, "internet-gateway")
        hop = Hop(id_, "internet-gateway")
        reached = dict.fromkeys((4, 6), NOBODY)
        for class_ in self.classes.by_network.get(vpc, ()):
            if class_.closed:
                continue
            for family in (4, 6):
                reached[family] |= self._class(inward, outward, class_, family, id_)
        for outer, own, subnet in self._nat_public.get(vpc, []):
            passage = self.access.of(subnet, outbound_only=True)
            if passage.outward:
                pair: Translation = ((own, own, outer),)
                out = Link(INTERNET, source=_one(own), destination=PUBLIC[4], rewrite=Rewrite(source=pair), doubt=passage.doubt)
                self.view.link(outward, out, (4,))
        for family in (4, 6):
            if reached[family]:
                link = Link(inward, destination=reached[family], labels=NO_LABELS, doubt=doubt, via=(hop,))
                self.view.link(INTERNET, link, (family,))
        for outer, own, subnet in self._nat_public.get(vpc, []):
            back = Link(
                f"nat-in:{vpc}:{own}", destination=_one(outer), rewrite=Rewrite(destination=((outer, outer, own),)), carries="reply"
            )
            self.view.link(INTERNET, back, (4,))
            into = Link(self._nat_station(vpc, own), ((subnet.ingress,),), carries="reply")
            self.view.graph.station(f"nat-in:{vpc}:{own}", "internet-gateway")
            self.view.link(f"nat-in:{vpc}:{own}", into, (4,))
        self.view.exit(vpc, id_, Link(outward, labels=NO_LABELS, doubt=doubt, via=(hop,)))

    def _class(self, inward: str, outward: str, class_: Class, family: int, id_: str) -> Addresses:
        """The links between an internet gateway and a class; what of it the internet can name."""
        space, passage = class_.space.get(family, NOBODY), self.access.of(class_.subnet, outbound_only=False)
        if not space:
            return NOBODY
        public = space & PUBLIC[6] if family == 6 else addresses((outer, outer) for outer, _, _ in class_.translation)
        doubt = class_.doubt or passage.doubt
        if class_.public_doubt and (family == 4 or class_.doubt):
            stand_in = Rewrite(destination=class_.stand_in(family), leg="pass")
            if passage.inward:
                into = Link(class_.entry, ((class_.subnet.ingress,), *class_.admits), rewrite=stand_in, doubt=class_.public_doubt)
                self.view.link(inward, into, (family,))
            if passage.outward:
                out = Link(
                    INTERNET, source=space, destination=PUBLIC[family], rewrite=Rewrite(source=PUBLIC[family]), doubt=class_.public_doubt
                )
                self.view.link(outward, out, (family,))
            return PUBLIC[family]
        if not public:
            return NOBODY
        own = space if family == 6 else addresses((inner, inner) for _, _, inner in class_.translation)
        diverted, target = self.diverted.get(id_, ({}, ""))
        aside = own & diverted.get(family, NOBODY)
        self._directed(inward, class_, family, own - aside, passage, doubt)
        if aside and passage.inward:
            why = f"{id_} sends what is for {class_.subnet.id} by {target}, which is not modelled"
            rewrite = Rewrite(destination=class_.translation) if family == 4 else None
            elsewhere = Link(self.view.elsewhere(class_.subnet.vpc), destination=_outer(class_, aside, family), rewrite=rewrite, doubt=why)
            self.view.link(inward, elsewhere, (family,))
        if passage.outward:
            rewrite = Rewrite(source=inverse(class_.translation)) if family == 4 else None
            carries: Literal["both", "first"] = "both" if passage.inward else "first"
            out = Link(INTERNET, source=own & space, destination=PUBLIC[family], rewrite=rewrite, carries=carries, doubt=doubt)
            self.view.link(outward, out, (family,))
        return public

    def _directed(self, inward: str, class_: Class, family: int, own: Addresses, passage: Passage, doubt: str) -> None:
        if not own or not (passage.inward or passage.outward):
            return
        pairs = tuple(pair for pair in class_.translation if pair[2] in own)
        link = Link(
            class_.entry,
            ((class_.subnet.ingress,), *class_.admits),
            destination=_outer(class_, own, family),
            rewrite=Rewrite(destination=pairs) if family == 4 else None,
            carries="both" if passage.inward else "reply",
            doubt=doubt
            or ("" if passage.inward else f"whether VPC Block Public Access lets replies to {class_.subnet.id} in is not known"),
        )
        self.view.link(inward, link, (family,))

    # -- egress-only internet gateways ----------------------------------------------------------------------------

    def _egress_only(self, vpc: str, id_: str) -> None:
        """IPv6 only, connections from inside only (VPC user guide, Egress-only internet gateways)."""
        outward = self.view.graph.station(f"eigw-out:{vpc}", "egress-only-internet-gateway").id
        inward = self.view.graph.station(f"eigw-in:{vpc}", "egress-only-internet-gateway").id
        hop = Hop(id_, "egress-only-internet-gateway")
        reached = NOBODY
        for subnet in (one for one in self.subnets.values() if one.vpc == vpc):
            passage = self.access.of(subnet, outbound_only=True)
            if (space := subnet.space.get(6, NOBODY) & PUBLIC[6]) and passage.outward:
                self.view.link(outward, Link(INTERNET, source=space, destination=PUBLIC[6], carries="first", doubt=passage.doubt), (6,))
                reached |= space
        if reached:
            self.view.link(INTERNET, Link(inward, destination=reached, carries="reply", labels=NO_LABELS, via=(hop,)), (6,))
            self.view.link(inward, Link(self.view.deliver(vpc), carries="reply"), (6,))
        self.view.exit(vpc, id_, Link(outward, carries="first", labels=NO_LABELS, via=(hop,)), (6,))

    # -- NAT gateways ---------------------------------------------------------------------------------------------

    def _nat_station(self, vpc: str, own: int) -> str:
        return f"nat:{vpc}:{own}"

    def _nat(self, nat: Resource) -> None:
        vpc, state = text(nat.data, "VpcId"), text(nat.data, "State")
        if state in {"deleted", "failed", "deleting"}:
            self.view.dead.add(nat.id)
            return
        subnet = self.subnets.get(text(nat.data, "SubnetId"))
        doubt = "" if state == "available" else f"the NAT gateway {nat.id} is {state or 'in a state that was not seen'}"
        pairs: list[tuple[int, int | None]] = []
        try:
            for one in objects(nat.data, "NatGatewayAddresses"):
                outer = one.get("PublicIp")
                pairs.append((single(one.get("PrivateIp"), 4), None if outer is None else single(outer, 4)))
        except DataError as error:
            doubt = f"the addresses of {nat.id} cannot be read: {error}"
        if text(nat.data, "ConnectivityType") != "private" and any(outer is None for _, outer in pairs):
            doubt = f"the public address of {nat.id} was not seen"
            pairs = []
        hop = Hop(nat.id, "nat-gateway")
        if subnet is None or not pairs:
            doubt = doubt or f"where the NAT gateway {nat.id} stands was not seen"
            self.view.exit(vpc, nat.id, Link(self.view.elsewhere(vpc), carries="first", doubt=doubt, via=(hop,)))
            if text(nat.data, "ConnectivityType") != "private":
                out = Rewrite(source=PUBLIC[4], leg="pass")
                self.view.exit(
                    vpc, nat.id, Link(INTERNET, destination=PUBLIC[4], rewrite=out, carries="first", doubt=doubt, via=(hop,)), (4,)
                )
            return
        for own, outer in pairs:
            station = self.view.graph.station(self._nat_station(vpc, own), "nat-gateway", sends=subnet.leaving).id
            rewrite = Rewrite(source=_one(own), leg="nat")
            self.view.link(station, Link(subnet.leaving, rewrite=rewrite, labels=NO_LABELS), (4,))
            self.view.link(subnet.inside, Link(station, destination=_one(own), carries="reply"), (4,))
            if outer is not None:
                self._nat_public.setdefault(vpc, []).append((outer, own, subnet))
            into = Link(station, ((subnet.ingress,),), packets=NAT_PACKETS, carries="first", doubt=doubt, via=(hop,))
            self.view.exit(vpc, nat.id, into, (4,))
            translated = Rewrite(source=_one(own), destination=((*NAT64, 0),), leg="pass", family=4)
            why = f"from IPv6 to IPv4 by {nat.id} (NAT64) is not modelled"
            self.view.exit(
                vpc, nat.id, Link(station, destination=addresses([NAT64]), rewrite=translated, carries="first", doubt=why, via=(hop,)), (6,)
            )


def _one(address: int) -> Addresses:
    return addresses([(address, address)])


def _outer(class_: Class, own: Addresses, family: int) -> Addresses:
    """The addresses by which the internet names some of a class's own."""
    if family == 6:
        return own & PUBLIC[6]
    return addresses((outer, outer) for outer, _, inner in class_.translation if inner in own)
