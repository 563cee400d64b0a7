"""Subnets: their addresses, network ACL and route table, and the stations at their border.

Inside a subnet neither the ACL nor the route table is asked (VPC user guide, Network ACLs and Route tables). What
leaves meets the ACL's egress and then the route table; what is handed in from outside meets the ACL's ingress.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.functions.declare import DataError
from checks.model import Place, Resource
from checks.network.aws import acls
from checks.network.aws.interfaces import UNSEEN, Port
from checks.network.aws.reading import all_objects, cidr_set, known_objects, text
from checks.network.aws.view import ROUTES, SUBNET, View, each_family
from checks.network.graph import Link
from checks.network.packets import EVERYBODY, NOBODY, Addresses, addresses


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet as far as it is known. `ingress` and `egress` are its ACL's filters, `table` is its route table's station."""

    id: str
    vpc: str
    place: Place
    owner: str
    space: Mapping[int, Addresses]
    ingress: str
    egress: str
    table: str
    zone: str
    doubt: str = ""

    @property
    def inside(self) -> str:
        """Where what is for the subnet's interfaces is handed to them."""
        return f"subnet:{self.id}"

    @property
    def leaving(self) -> str:
        """Where what its interfaces send sets out."""
        return f"leave:{self.id}"


def lower(view: View, ports: Mapping[str, Port]) -> dict[str, Subnet]:
    """Every subnet, with its stations and the links at its border."""
    known_acls = acls.associations(view)
    tables = _Tables(view)
    found: dict[str, Subnet] = {}
    homes = {port.subnet: port.vpc for port in ports.values()}
    for resource in view.all(SUBNET):
        vpc = text(resource.data, "VpcId") or homes.get(resource.id, "")
        found[resource.id] = _seen(view, resource, vpc, known_acls, tables)
    for port in ports.values():
        if port.subnet not in found:
            found[port.subnet] = _unseen(view, port, known_acls, tables)
    for subnet in found.values():
        _border(view, subnet)
    for port in ports.values():
        if port.subnet.startswith(UNSEEN):
            _in_any(view, port, found)
    return found


def _in_any(view: View, port: Port, subnets: Mapping[str, Subnet]) -> None:
    """An interface of which it was not seen in which subnet it is: it may be in each that its addresses are of."""
    own = subnets[port.subnet]
    for subnet in subnets.values():
        if subnet.vpc != port.vpc or subnet is own:
            continue
        for family, space in each_family(own.space if port.doubt else {family: addresses(port.spans(family)) for family in (4, 6)}):
            if there := space & subnet.space.get(family, NOBODY):
                doubt = f"in which subnet {port.id} is was not seen"
                view.link(subnet.inside, Link(own.inside, destination=there, doubt=doubt), (family,))


def _seen(view: View, resource: Resource, vpc: str, known_acls: acls.Associations, tables: _Tables) -> Subnet:
    gone = {"disassociated", "failed"}
    blocks = [resource.data["CidrBlock"]] if resource.data.get("CidrBlock") is not None else []
    sixes = known_objects(resource.data, "Ipv6CidrBlockAssociationSet")
    blocks += [one.get("Ipv6CidrBlock") for one in sixes if text(one, "Ipv6CidrBlockState", "State") not in gone]
    doubt = view.gap(resource, "CidrBlock", "Ipv6CidrBlockAssociationSet", "VpcId")
    try:
        space = cidr_set(blocks)
    except DataError as error:
        doubt = f"the addresses of {resource.id} cannot be read: {error}"
    if not doubt and not any(space.values()):
        doubt = f"the addresses of {resource.id} were not seen"
    if doubt:
        space = dict(view.networks[vpc].space) if vpc in view.networks else dict(EVERYBODY)
    owner = text(resource.data, "OwnerId") or resource.account
    ingress, egress = known_acls.of(resource.id, vpc, resource.place)
    table = tables.of(resource.id, vpc, resource.place)
    return Subnet(resource.id, vpc, resource.place, owner, space, ingress, egress, table, text(resource.data, "AvailabilityZone"), doubt)


def _unseen(view: View, port: Port, known_acls: acls.Associations, tables: _Tables) -> Subnet:
    doubt = view.unseen(SUBNET, "subnet", port.subnet, port.place)
    ingress, egress = known_acls.of(port.subnet, port.vpc, port.place)
    table = tables.of(port.subnet, port.vpc, port.place)
    space = view.networks[port.vpc].space if port.vpc in view.networks else EVERYBODY
    return Subnet(port.subnet, port.vpc, port.place, port.owner, space, ingress, egress, table, "", doubt)


class _Tables:
    """Which route table a subnet uses: the one associated with it, else its VPC's main one."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._explicit: dict[str, str] = {}
        self._main: dict[str, str] = {}
        self._unclear: dict[str, str] = {}
        for table in view.all(ROUTES):
            home = text(table.data, "VpcId")
            if not all_objects(table.data, "Associations") or not home:
                why = view.gap(table, "Associations", "VpcId") or f"what {table.id} is associated with was not seen"
                self._unclear.setdefault(home, why)
            for association in known_objects(table.data, "Associations"):
                if text(association, "AssociationState", "State") in {"disassociated", "failed"}:
                    continue
                if subnet := text(association, "SubnetId"):
                    self._explicit[subnet] = table.id
                elif association.get("Main") is True:
                    self._main[home] = table.id
                elif not text(association, "GatewayId"):
                    self._unclear.setdefault(home, f"what {table.id} is associated with was not seen")

    def of(self, subnet: str, vpc: str, place: Place) -> str:
        """The station of a subnet's route table. Without one, packets may go everywhere."""
        view = self._view
        id_ = self._explicit.get(subnet)
        why = "" if id_ else view.unlisted(ROUTES, place) or self._unclear.get(vpc) or self._unclear.get("", "")
        if not id_ and subnet.startswith(UNSEEN):
            why = "in which subnet it is was not seen"
        if not id_ and not why:
            id_, why = self._main.get(vpc), "no route table in the estate is its own, or its VPC's main one"
        if id_:
            return view.graph.station(f"rt:{id_}", "route-table").id
        station = view.graph.station(f"rt:unseen:{subnet}", "route-table")
        if not station.links[4]:
            view.link(station.id, Link(view.elsewhere(vpc), doubt=f"the route table of {subnet} was not seen: {why}"))
        return station.id


def _border(view: View, subnet: Subnet) -> None:
    graph = view.graph
    graph.networks[subnet.id] = dict(subnet.space)
    graph.station(subnet.inside, "subnet")
    graph.station(subnet.leaving, "subnet")
    view.deliver(subnet.vpc)
    for family, space in each_family(subnet.space):
        view.link(subnet.leaving, Link(subnet.inside, destination=space, doubt=subnet.doubt), (family,))
        into = Link(subnet.inside, filters=((subnet.ingress,),), destination=space, doubt=subnet.doubt)
        view.link(f"deliver:{subnet.vpc}", into, (family,))
        view.link(view.within(subnet.vpc), Link(subnet.inside, destination=space), (family,))
    for family in (4, 6):
        own = NOBODY if subnet.doubt else subnet.space.get(family, NOBODY)
        onward = Link(subnet.table, filters=((subnet.egress,),), destination=EVERYBODY[family] - own)
        view.link(subnet.leaving, onward, (family,))
