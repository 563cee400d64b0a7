"""VPC peering, and virtual private gateways: what a VPC is directly connected to.

VPC Peering guide: a connection works when it is `active`; it is not transitive, and what comes by it is for the VPC's
own addresses and from the other's. Whether a packet takes it is for the route table of where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Literal

from checks.functions.declare import DataError
from checks.model import Resource
from checks.network.aws.outside import premises, unread_network
from checks.network.aws.reading import Wire, cidr_set, known_objects, member, objects, text
from checks.network.aws.routes import Routes, parts
from checks.network.aws.view import ANYONE, ROUTES, VPC, View
from checks.network.graph import NO_LABELS, Labels, Link
from checks.network.packet import INTERNET, Hop
from checks.network.packets import EVERYBODY, NOBODY, Addresses

PEERING, VPN_GATEWAY = "aws.ec2.vpc_peering_connection", "aws.ec2.vpn_gateway"
_SIDES = ("RequesterVpcInfo", "AccepterVpcInfo")
_DEAD = frozenset({"initiating-request", "pending-acceptance", "deleted", "rejected", "failed", "expired", "provisioning", "deleting"})


def peers(view: View) -> dict[str, dict[str, str]]:
    """By VPC, those that it has an active peering with in its region, and why that is not sure."""
    found: dict[str, dict[str, str]] = {}
    for connection in view.all(PEERING):
        ids, regions = ([text(connection.data, side, name) for side in _SIDES] for name in ("VpcId", "Region"))
        status = text(connection.data, "Status", "Code")
        if status in _DEAD or (all(regions) and regions[0] != regions[1]):
            continue
        sure = status == "active" and all(regions) and all(ids)
        doubt = "" if sure else f"whether {connection.id} is active, in one region, and between which VPCs, is not known"
        ends = [[id_] if id_ else sorted(view.networks) for id_ in ids]
        for one, other in (*product(*ends), *product(*ends[::-1])):
            if found.setdefault(one, {}).get(other) != "":
                found[one][other] = doubt
    for id_, network in view.networks.items():
        if why := view.unlisted(PEERING, network.place):
            for other in view.networks:
                found.setdefault(id_, {}).setdefault(other, f"whether {id_} and {other} are peers is not known: {why}")
    return found


def lower(view: View) -> None:
    for connection in view.all(PEERING):
        status = text(connection.data, "Status", "Code")
        if status in _DEAD:
            view.dead.add(connection.id)
            continue
        doubt = "" if status == "active" else f"whether {connection.id} is active is not known: its status is {status or 'not seen'}"
        doubt = view.gap(connection, "Status", *_SIDES) or doubt
        if not all(text(connection.data, side, "VpcId") for side in _SIDES):
            _without_ends(view, connection)
            continue
        for near, far in (_SIDES, _SIDES[::-1]):
            _side(view, connection, near, far, doubt)


def _without_ends(view: View, connection: Resource) -> None:
    """A connection of which it was not seen what it connects: that may be any VPC there, and another that nobody read."""
    doubt = f"which VPCs {connection.id} connects was not seen"
    for id_, network in view.networks.items():
        if network.place == connection.place:
            view.enter(INTERNET, id_, doubt)
            view.exit(id_, connection.id, Link(view.everywhere(), labels=ANYONE, doubt=doubt))


def _side(view: View, connection: Resource, near: str, far: str, doubt: str) -> None:
    """The way from one end of a peering connection to the other."""
    vpc, other = text(connection.data, near, "VpcId"), text(connection.data, far, "VpcId")
    if vpc not in view.networks:
        return
    try:
        there = _space(view, other, member(connection.data, far))
    except DataError as error:
        there, doubt = EVERYBODY, f"the other side of {connection.id} cannot be read: {error}"
    here = view.networks[vpc].space
    known = other in view.networks and view.networks[other].resource is not None
    regions = {text(connection.data, side, "Region") for side in _SIDES}
    labels: Labels | Literal["kept"] = ANYONE if "" in regions else "kept" if len(regions) == 1 else NO_LABELS
    if known:
        station = view.deliver(other)
    else:
        account = text(connection.data, far, "OwnerId")
        title = f"VPC {other or 'unknown'} of account {account or 'unknown'}, behind {connection.id}"
        station = connection.id
        hop = Hop(connection.id, "vpc-peering-connection")
        if account in view.accounts:  # one of our own: what it sends is for whoever sees it to say
            doubt = doubt or view.unseen(VPC, "VPC", other, view.networks[vpc].place)
        into = {family: Link(view.deliver(vpc), destination=here.get(family, NOBODY), doubt=doubt, via=(hop,)) for family in (4, 6)}
        unread_network(view, station, title, account, there, into)
    ways = [(station, doubt)]
    if not known and other in view.networks:  # it was not seen itself, but what stands in it was
        ways.append((view.deliver(other), doubt or view.networks[other].doubt))
    for family, (to, why) in product((4, 6), ways):
        if not here.get(family) or not there.get(family):
            continue
        via = (Hop(connection.id, "vpc-peering-connection"),)
        link = Link(to, source=here[family], destination=there[family], labels=labels, doubt=why, via=via)
        view.exit(vpc, connection.id, link, (family,))


def _space(view: View, vpc: str, side: Wire | None) -> Mapping[int, Addresses]:
    """A peer's addresses: as the VPC itself has them, else as the connection tells. Raises DataError."""
    if vpc in view.networks and view.networks[vpc].resource is not None:
        return view.networks[vpc].space
    blocks: list[object] = [one.get("CidrBlock") for one in objects(side, "CidrBlockSet")]
    blocks += [one.get("Ipv6CidrBlock") for one in objects(side, "Ipv6CidrBlockSet")]
    if not blocks and member(side, "CidrBlock") is not None:
        blocks.append(member(side, "CidrBlock"))
    if not blocks:
        raise DataError("it names no address block")
    return cidr_set(blocks)


def virtual_private_gateways(view: View, routes: Routes, diverted: Mapping[str, tuple[Mapping[int, Addresses], str]]) -> None:
    """What is behind a virtual private gateway: a VPN's or Direct Connect's other end."""
    for gateway in view.all(VPN_GATEWAY):
        held = known_objects(gateway.data, "VpcAttachments")
        if gateway.data.get("VpcAttachments") is None or not all(text(one, "VpcId") for one in held):
            station = view.outside(gateway.id, f"on-premises behind {gateway.id}")
            for id_, network in view.networks.items():
                if network.place == gateway.place:
                    view.enter(station, id_, view.gap(gateway, "VpcAttachments") or f"what {gateway.id} is attached to was not seen")
        for attachment in known_objects(gateway.data, "VpcAttachments"):
            vpc = text(attachment, "VpcId")
            if vpc not in view.networks or text(attachment, "State") in {"detached", "detaching"}:
                continue
            hop = Hop(gateway.id, "vpn-gateway")
            aside, target = diverted.get(gateway.id, ({}, ""))
            into = {
                family: Link(view.deliver(vpc), destination=EVERYBODY[family] - aside.get(family, NOBODY), via=(hop,)) for family in (4, 6)
            }
            station = premises(view, gateway.id, f"on-premises behind {gateway.id}", _behind(view, routes, vpc, gateway.id), into)
            for family in (4, 6):
                if moved := aside.get(family, NOBODY) & view.networks[vpc].space.get(family, NOBODY):
                    doubt = f"{gateway.id} sends what comes in by {target}, which is not modelled"
                    view.link(station, Link(view.elsewhere(vpc), destination=moved, labels=NO_LABELS, doubt=doubt, via=(hop,)), (family,))
            view.exit(vpc, gateway.id, Link(station, labels=NO_LABELS, via=(hop,)))


def _behind(view: View, routes: Routes, vpc: str, gateway: str) -> dict[int, Addresses]:
    """The addresses that a VPC's route tables surely send to a gateway."""
    found = dict.fromkeys((4, 6), NOBODY)
    for table in view.all(ROUTES):
        if text(table.data, "VpcId") == vpc:
            held, unclear, _ = routes.read(table)
            for part in parts(held, unclear):
                if part.target == gateway and not part.doubt:
                    found[part.family] |= part.space
    return found
