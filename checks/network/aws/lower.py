"""Lowering AWS: an estate's wire JSON becomes stations and links, each configured thing by the module of its subject.

A packet sets out from a class of interfaces (`out:`), passes its groups, leaves its subnet by the network ACL (`leave:`),
is routed (`rt:`), and is handed by a VPC (`deliver:`) to a subnet (`subnet:`) and there to a class (`in:`). Gateways
stand between. Nothing raises for what the estate holds: what cannot be read is a doubt that says why.
"""

from __future__ import annotations

from dataclasses import replace

from checks.model import Estate
from checks.network.aws import acls, balancers, classes, databases, groups, peering, subnets
from checks.network.aws.doors import Doors
from checks.network.aws.entrances import Entrances
from checks.network.aws.gateways import Gateways
from checks.network.aws.interfaces import Port, Ports
from checks.network.aws.listeners import Listeners
from checks.network.aws.lists import PrefixLists
from checks.network.aws.public_access import PublicAccess
from checks.network.aws.routes import Routes
from checks.network.aws.transit import Transit
from checks.network.aws.view import ANYONE, SUBNET, View
from checks.network.graph import Graph, Link, Rewrite
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY


def lower(estate: Estate, graph: Graph) -> None:
    """Adds what an estate holds of AWS networks to a graph that has the station `internet`."""
    view = View(estate, graph)
    classes.unseen_interfaces(view)
    if not view.places:
        return
    lists = PrefixLists(view)
    ports = _standing(view)
    acls.lower(view)
    held = subnets.lower(view, ports)
    members, unclear = classes.members_by_group(ports.values()), classes.unclear_members(ports.values(), held)
    groups.Groups(view, lists, members, peering.peers(view), unclear).lower()
    found = classes.lower(view, ports, held)
    routes = Routes(view, lists)
    diverted = routes.diverted()
    Gateways(view, found, held, PublicAccess(view), diverted).lower()
    peering.lower(view)
    peering.virtual_private_gateways(view, routes, diverted)
    Transit(view, lists, held).lower()
    routes.lower()
    forwarding = balancers.Balancers(view, found, held, Listeners(view, found, ports))
    forwarding.lower()
    Entrances(view, found, ports, held, forwarding).lower()
    Doors(view, found, ports, held).lower()
    _unknown_ways(view)
    for id_, network in view.networks.items():
        graph.networks[id_] = dict(network.space)


def _standing(view: View) -> dict[str, Port]:
    """Every interface, seen or made up, whose VPC is then known to be there."""
    ports = Ports(view).all
    ports = balancers.with_balancers(view, databases.with_databases(view, ports))
    for port in ports.values():
        view.stands_in(port.vpc, port.place)
    for subnet in view.all(SUBNET):
        if isinstance(vpc := subnet.data.get("VpcId"), str):
            view.stands_in(vpc, subnet.place)
    for network in list(view.networks):
        view.deliver(network)
    return ports


def _unknown_ways(view: View) -> None:
    """Where a packet may be anywhere: all that a VPC is connected to, and for what is not known at all, everything."""
    graph = view.graph
    for vpc in view.networks:
        station = f"elsewhere:{vpc}"
        if station not in graph.stations:
            continue
        onward = graph.station(f"elsewhere:{vpc}:on", "unknown").id
        doubt = f"where packets that nobody can follow in {vpc} go is not known"
        for family in (4, 6):
            view.link(station, Link(onward, rewrite=Rewrite(source=EVERYBODY[family], leg="pass"), labels=ANYONE, doubt=doubt), (family,))
        view.link(onward, Link(view.within(vpc)))
        for links in view.exits.get(vpc, {}).values():
            for families, link in links:
                view.link(onward, replace(link, labels=ANYONE, carries="both"), families)
    if "everywhere" in graph.stations:
        doubt = "where packets that nobody can follow go is not known"
        for station in (INTERNET, *graph.outside, *(view.within(vpc) for vpc in view.networks)):
            for family in (4, 6):
                rewrite = Rewrite(source=EVERYBODY[family], leg="pass")
                view.link("everywhere", Link(station, rewrite=rewrite, labels=ANYONE, doubt=doubt), (family,))
