"""What the lowering shares: resources by id over all accounts, why something was not seen, and the ways out of each VPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from checks.functions.declare import DataError
from checks.model import Asserted, Estate, Gap, Look, Place, Reason, Resource
from checks.network.aws.reading import cidr_set, known_objects, text
from checks.network.graph import NO_LABELS, Graph, Labels, Link, Rewrite
from checks.network.packet import Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses

VPC, SUBNET, INTERFACE, INSTANCE = "aws.ec2.vpc", "aws.ec2.subnet", "aws.ec2.network_interface", "aws.ec2.instance"
GROUP, ACL, ROUTES, LISTS = "aws.ec2.security_group", "aws.ec2.network_acl", "aws.ec2.route_table", "aws.ec2.managed_prefix_list"
_STANDING = (VPC, SUBNET, INTERFACE, INSTANCE, "aws.rds.db_instance", "aws.elbv2.load_balancer", "aws.elb.load_balancer")
ANYONE: Labels = None

NOWHERE: Mapping[int, Addresses] = {4: NOBODY, 6: NOBODY}


def said(gap: Gap) -> str:
    """A gap in words."""
    if gap.reason is Reason.NOT_COLLECTED and not gap.call:
        return f"nobody looked at {gap.type} in {gap.account}/{gap.region}"
    needs = f", needs {gap.action}" if gap.action else ""
    what = f"{gap.reason} {gap.code}".strip()
    return f"{gap.type} in {gap.account}/{gap.region}: {what}{needs}"


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC as far as it is known. `resource` is None where the estate only refers to it."""

    id: str
    account: str
    region: str
    space: Mapping[int, Addresses]
    resource: Resource | None
    doubt: str = ""

    @property
    def place(self) -> Place:
        return Place(self.account, self.region)


@dataclass
class View:
    """One estate on its way into one graph."""

    estate: Estate
    graph: Graph
    exits: dict[str, dict[str, list[tuple[tuple[int, ...], Link]]]] = field(default_factory=dict)
    """Per VPC, what its routes may lead to: by the target's id, (families, link)."""
    dead: set[str] = field(default_factory=set)
    """What is there and leads nowhere: a deleted gateway, a peering that was never accepted."""
    _found: dict[str, dict[str, Resource]] = field(default_factory=dict)

    def all(self, type_: str) -> list[Resource]:
        """Each resource of a type once; what several accounts see (EC2's ids are unique), as its owner sees it."""
        return list(self._index(type_).values()) if type_.startswith("aws.ec2.") else list(self.estate.of(type_))

    def find(self, type_: str, id_: str) -> Resource | None:
        return self._index(type_).get(id_)

    def _index(self, type_: str) -> dict[str, Resource]:
        if type_ not in self._found:
            found: dict[str, Resource] = {}
            for resource in self.estate.of(type_):
                if resource.id not in found or text(resource.data, "OwnerId") == resource.account:
                    found[resource.id] = resource
            self._found[type_] = found
        return self._found[type_]

    def unlisted(self, type_: str, place: Place) -> str:
        """Why it is not known what exists of a type in a place; empty where it is."""
        listing = self.estate.listing(type_, place)
        return "" if isinstance(listing, Look | Asserted) else said(listing[0])

    def unseen(self, type_: str, title: str, id_: str, place: Place) -> str:
        """Why something that is referred to is not there."""
        if gaps := self.estate.resource_gaps.get((type_, place.account, id_, place.region)):
            return f"{title} {id_} was not seen: {said(gaps[0])}"
        why = self.unlisted(type_, place)
        return f"{title} {id_} was not seen: {why}" if why else f"{title} {id_} is referred to, but not in the estate"

    def gap(self, resource: Resource, *fields: str) -> str:
        """Why one of these members of a resource, or the whole, was not seen; empty where all were."""
        for gap in self.estate.resource_gaps.get((resource.type, resource.account, resource.id, resource.region), ()):
            if gap.field is None or gap.field in fields or any(gap.field.startswith((f"{name}.", f"{name}[")) for name in fields):
                return f"{gap.field or 'what it is'} of {resource.id} was not seen: {said(gap)}"
        return ""

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Every account that was read, or set out to be."""
        held = {resource.account for type_ in (VPC, SUBNET, INTERFACE) for resource in self.estate.of(type_)}
        return frozenset(held | set(self.estate.manifest.scope.accounts))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where there are networks: accounts and regions that hold a VPC or what stands in one, and those in the scope."""
        held = {one.place for type_ in _STANDING for one in self.estate.of(type_)}
        return tuple(sorted(held))

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Every VPC that the estate holds; `stands_in` adds those that something in it stands in."""
        found = {}
        for resource in self.all(VPC):
            owner = text(resource.data, "OwnerId") or resource.account
            try:
                space, doubt = self._space(resource), ""
            except DataError as error:
                space, doubt = EVERYBODY, f"the address space of {resource.id} cannot be read: {error}"
            found[resource.id] = Network(resource.id, owner, resource.region, space, resource, doubt)
        return found

    def stands_in(self, vpc: str, place: Place) -> None:
        """Something stands in a VPC, whether that was seen or not."""
        if vpc not in self.networks:
            doubt = self.unseen(VPC, "VPC", vpc, place)
            self.networks[vpc] = Network(vpc, place.account, place.region, EVERYBODY, None, doubt)

    def _space(self, vpc: Resource) -> Mapping[int, Addresses]:
        """Blocks that are or may still be associated: leaving one out would forget addresses."""
        gone = {"disassociated", "failed"}
        blocks: list[object] = [vpc.data["CidrBlock"]] if vpc.data.get("CidrBlock") is not None else []
        for set_, block, state in (
            ("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"),
            ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
        ):
            blocks += [one.get(block) for one in known_objects(vpc.data, set_) if text(one, state, "State") not in gone]
        return cidr_set(blocks)

    # -- stations that several modules lead to --------------------------------------------------------------------

    def deliver(self, vpc: str) -> str:
        """Where what is for a VPC's own addresses is handed to its subnets."""
        return self.graph.station(f"deliver:{vpc}", "vpc").id

    def within(self, vpc: str) -> str:
        """Anywhere in a VPC: what sets out in a subnet nobody knows passes no network ACL to what else is in it."""
        return self.graph.station(f"within:{vpc}", "unknown").id

    def elsewhere(self, vpc: str) -> str:
        """Where nobody knows what happens to a packet: everything that the VPC is connected to, from here, is in doubt."""
        return self.graph.station(f"elsewhere:{vpc}", "unknown").id

    def everywhere(self) -> str:
        """Where a packet is when it may be in any network of the estate, or out of it."""
        return self.graph.station("everywhere", "unknown").id

    def outside(self, id_: str, title: str, space: Mapping[int, Addresses] = EVERYBODY) -> str:
        """A network that no estate holds."""
        if id_ not in self.graph.outside:
            self.graph.station(id_, "outside", ends=True)
            self.graph.outside[id_] = title
            self.graph.networks[id_] = dict(space)
        return id_

    def exit(self, vpc: str, target: str, link: Link, families: tuple[int, ...] = (4, 6)) -> None:
        self.exits.setdefault(vpc, {}).setdefault(target, []).append((families, link))

    def link(self, at: str, link: Link, families: tuple[int, ...] = (4, 6)) -> None:
        self.graph.link(at, link, families)

    def enter(self, at: str, vpc: str, doubt: str, hop: Hop | None = None) -> None:
        """In doubt, anything from anyone into a VPC."""
        for family in (4, 6):
            rewrite = Rewrite(source=EVERYBODY[family], leg="pass")
            via = (hop,) if hop else ()
            self.link(at, Link(self.within(vpc), rewrite=rewrite, labels=ANYONE, doubt=doubt, via=via), (family,))


def each_family(space: Mapping[int, Addresses]) -> list[tuple[int, Addresses]]:
    """(family, addresses) where there are any."""
    return [(family, held) for family, held in sorted(space.items()) if held]


__all__ = ["ANYONE", "NO_LABELS", "Network", "View", "each_family", "said"]
