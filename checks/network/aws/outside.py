"""Networks that no estate holds: on-premises behind a gateway, VPCs of accounts that nobody read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from checks.network.aws.view import ANYONE, View, each_family
from checks.network.graph import NO_LABELS, Link, Rewrite
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, NOBODY, Addresses


def premises(view: View, id_: str, title: str, known: Mapping[int, Addresses], into: Mapping[int, Link]) -> str:
    """A network behind a gateway. It surely sends from the addresses that routes lead there for; whether from others too,
    nobody here can see."""
    ours = own_space(view)
    space = {family: (EVERYBODY[family] - ours[family]) | known.get(family, NOBODY) for family in (4, 6)}
    station = view.outside(id_, title, space)
    for family in (4, 6):
        sure = known.get(family, NOBODY)
        if sure:
            view.link(station, replace(into[family], source=sure, labels=NO_LABELS), (family,))
        doubt = into[family].doubt or f"which addresses are {title} is not known"
        view.link(station, replace(into[family], source=EVERYBODY[family] - sure, labels=NO_LABELS, doubt=doubt), (family,))
    return station


def unread_network(view: View, id_: str, title: str, account: str, space: Mapping[int, Addresses], into: Mapping[int, Link]) -> str:
    """A VPC that nobody read. It may let the internet in, and what it sends may be anyone's."""
    station = view.outside(id_, title, space)
    for family, held in each_family(space):
        view.link(station, replace(into[family], source=held, labels=ANYONE), (family,))
        doubt = f"{'account ' + account if account else title} is unread: what it lets in from the internet may come on"
        view.link(INTERNET, Link(station, rewrite=Rewrite(source=held, leg="pass"), labels=ANYONE, doubt=doubt), (family,))
    return station


def own_space(view: View) -> dict[int, Addresses]:
    """All addresses of the estate's VPCs."""
    found = dict.fromkeys((4, 6), NOBODY)
    for network in view.networks.values():
        if network.resource is not None and not network.doubt:
            for family, held in each_family(network.space):
                found[family] |= held
    return found
