"""Load balancers: what arrives at a listener goes on to its targets, as another connection.

Application and Classic Load Balancers connect from their own addresses, once a client's connection is made. Network Load
Balancers guide, Target group attributes and Security groups: with client IP preservation the target sees the client's
address, and answers come back by the balancer; a target's group may refer to the balancer's group in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from checks.model import Resource
from checks.network.aws.classes import Class, Classes, listener_filter
from checks.network.aws.interfaces import BALANCER, CLASSIC, UNSEEN, Port, made_up
from checks.network.aws.listeners import Listener, Listeners, Onward
from checks.network.aws.reading import known_objects, known_texts, text
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import View, each_family
from checks.network.graph import Filter, Link, Rewrite, Rule
from checks.network.packet import Hop
from checks.network.packets import NOBODY, PORTS, Addresses, addresses


def with_balancers(view: View, ports: dict[str, Port]) -> dict[str, Port]:
    """The interfaces, and one made up in each subnet of a load balancer where none of it was seen."""
    found = dict(ports)
    seen: dict[tuple[str, str], set[str]] = {}
    for port in ports.values():
        for owner in port.owners:
            seen.setdefault(owner, set()).add(port.subnet)
    for balancer in (*view.all(BALANCER), *view.all(CLASSIC)):
        owner = (balancer.type, balancer.id)
        own = seen.get(owner, set())
        if text(balancer.data, "Type") == "gateway" or any(one.startswith(UNSEEN) for one in own):
            continue
        vpc = text(balancer.data, "VpcId") or text(balancer.data, "VPCId")
        subnets = [text(one, "SubnetId") for one in known_objects(balancer.data, "AvailabilityZones")]
        subnets = [one for one in (subnets or known_texts(balancer.data, "Subnets")) if one]
        if own and not subnets:
            continue
        if not vpc or not subnets:
            view.graph.doubts.append(f"in which subnets {balancer.id} stands was not seen")
            continue
        kind = "network_load_balancer" if text(balancer.data, "Type") == "network" else "interface"
        groups = tuple(sorted(known_texts(balancer.data, "SecurityGroups")))
        for subnet in sorted(set(subnets) - own):
            port = made_up(balancer, vpc, subnet, groups, (owner,), kind=kind)
            if text(balancer.data, "Scheme") != "internal":
                port = replace(port, public_doubt=f"the public addresses of {balancer.id} are not known")
            found[port.id] = port
    return found


@dataclass
class Balancers:
    """Lowers every load balancer."""

    view: View
    classes: Classes
    subnets: Mapping[str, Subnet]
    listeners: Listeners

    def lower(self) -> None:
        for balancer in (*self.view.all(BALANCER), *self.view.all(CLASSIC)):
            listeners = self.listeners.of(balancer)
            self.view.graph.filters[listener_filter(balancer.id)] = self._filter(balancer, listeners)
            for class_ in self.classes.by_owner.get((balancer.type, balancer.id), ()):
                self.forward(class_.entry, class_, balancer, listeners)
                self._across_families(class_.entry, class_, balancer, listeners)

        for port in self.listeners.ports.values():
            if port.description.startswith("ELB ") and not any(type_ in {BALANCER, CLASSIC} for type_, _ in port.owners):
                self._unseen(self.classes.by_interface[port.id], port.description.removeprefix("ELB "))

    def _unseen(self, class_: Class, name: str) -> None:
        """A load balancer of which nobody saw but an interface may send on to anything in its VPC."""
        doubt = f"the load balancer {name} was not seen: where it sends what comes to it is not known"
        for family, own in each_family(class_.space):
            space = self.view.networks[class_.subnet.vpc].space.get(family, NOBODY)
            rewrite = Rewrite(source=own, destination=space, port=(0, PORTS), leg="pass")
            link = Link(class_.sends, rewrite=rewrite, carries="first", labels=frozenset(class_.groups), doubt=doubt)
            self.view.link(class_.station, link, (family,))

    def _filter(self, balancer: Resource, listeners: list[Listener]) -> Filter:
        """What is taken at all. Where the listeners were not seen, that may be anything."""
        rules = tuple(
            Rule(f"{balancer.id} {one.name}", {family: one.packets(family) for family in (4, 6)}, doubt=one.doubt) for one in listeners
        )
        return Filter(listener_filter(balancer.id), "listener", "source", stateful=True, ordered=False, rules=rules, of=balancer.id)

    def forward(self, at: str, class_: Class, balancer: Resource, listeners: list[Listener], *, preserve: bool = True) -> None:
        """From a station where a balancer's packets have arrived, to its targets by one class of its interfaces."""
        hop = Hop(balancer.id, "load-balancer")
        for listener in listeners:
            for onward in listener.onward:
                for family, where in each_family(onward.where):
                    keeps = onward.preserves and preserve
                    if not (own := class_.space.get(family)) and not keeps:
                        continue
                    comes_back = keeps and self._answers_by(at, class_, family, where)
                    source = None if keeps else class_.stand_in(family) if class_.doubt else own
                    rewrite = Rewrite(
                        source=source,
                        destination=where,
                        port=onward.port,
                        leg=_leg(listener, keeps=keeps, comes_back=comes_back),
                    )
                    doubt = onward.doubt
                    if keeps and not comes_back:
                        doubt = (
                            doubt
                            or f"how a target outside the subnets of {class_.subnet.vpc} sees the clients of {balancer.id} is not known"
                        )
                    told = (Hop(balancer.id, hop.kind, (_told(listener, onward),)),)
                    link = Link(
                        class_.sends,
                        packets=listener.packets(family),
                        rewrite=rewrite,
                        carries="first",
                        labels=frozenset(class_.groups),
                        doubt=doubt,
                        via=told,
                    )
                    self.view.link(at, link, (family,))

    def _answers_by(self, at: str, class_: Class, family: int, where: Addresses) -> bool:
        """Lets the answers of targets that see the client's address come back by the balancer, as its network makes them do;
        false where it is not known in which subnets the targets are."""
        here = [one for one in self.subnets.values() if one.vpc == class_.subnet.vpc and not one.doubt]
        parts = [(one, held) for one in here if (held := one.space.get(family, NOBODY) & where)]
        if not where <= addresses(span for _, held in parts for span in held.spans):
            return False
        for subnet, held in parts:
            crossed = ((subnet.egress,), (class_.subnet.ingress,)) if subnet.id != class_.subnet.id else ()
            back = Link(at, crossed, source=held, carries="reply")
            if back not in self.view.graph.stations[subnet.leaving].links[family]:
                self.view.link(subnet.leaving, back, (family,))
        return True

    def _across_families(self, at: str, class_: Class, balancer: Resource, listeners: list[Listener]) -> None:
        """A dual-stack balancer takes one family in and goes on in the other, to targets that have that one."""
        for came, _ in each_family(class_.space):
            family = 10 - came
            own = class_.space.get(family)
            for listener, onward in ((one, onward) for one in listeners for onward in one.onward if own and onward.where.get(family)):
                doubt = f"what comes to {balancer.id} over IPv{came} goes on over IPv{family}, which is not modelled"
                rewrite = Rewrite(source=own, destination=onward.where[family], port=onward.port, leg="pass", family=family)
                link = Link(
                    class_.sends,
                    packets=listener.packets(came),
                    rewrite=rewrite,
                    carries="first",
                    labels=frozenset(class_.groups),
                    doubt=doubt,
                    via=(Hop(balancer.id, "load-balancer", (_told(listener, onward),)),),
                )
                self.view.link(at, link, (came,))


def _leg(listener: Listener, *, keeps: bool, comes_back: bool) -> Literal["proxy", "nat", "pass"]:
    if keeps and not comes_back:
        return "pass"
    return "proxy" if listener.terminates else "nat"


def _told(listener: Listener, onward: Onward) -> str:
    return f"{listener.name} -> port {onward.port if isinstance(onward.port, int) else 'any'}"
