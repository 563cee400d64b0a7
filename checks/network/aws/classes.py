"""Classes: interfaces in one subnet that are treated alike share one station to receive at and one to send from.

Alike are those with the same security groups, type, and exposure: public IPv4 or not, IPv6 or not, source/destination
check on or off. What forwards (a load balancer, an endpoint) has classes of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from checks.model import can_hold
from checks.network.aws import groups as security_groups
from checks.network.aws.interfaces import BALANCER, CLASSIC, ENDPOINT, LISTENING, NAT, PASSING, Port
from checks.network.aws.subnets import Subnet
from checks.network.aws.view import ANYONE, INTERFACE, View, each_family
from checks.network.graph import Interface, Link, Rewrite, Translation, unread
from checks.network.packets import Addresses, addresses

Owner = tuple[str, str]
K = TypeVar("K")
_FORWARDERS = (BALANCER, CLASSIC, ENDPOINT, NAT)


@dataclass(frozen=True, slots=True)
class Class:
    """Interfaces that are treated alike. `translation` maps public IPv4 addresses to their own."""

    key: str
    subnet: Subnet
    kind: str
    groups: tuple[str, ...]
    ingress: tuple[str, ...]
    egress: tuple[str, ...]
    space: Mapping[int, Addresses]
    translation: Translation
    owners: frozenset[Owner]
    closed: bool
    forwards: bool
    public_doubt: str
    doubt: str
    members: tuple[str, ...]
    labels: frozenset[str] = frozenset()
    unlabelled: bool = False
    """Which groups it has, and so what it is known as, was not seen."""

    @property
    def station(self) -> str:
        return f"in:{self.key}"

    @property
    def entry(self) -> str:
        """Where what comes to it is: of a load balancer before it has arrived and is sent on, else where it arrives."""
        return f"lb:{self.key}" if self.listens else self.station

    @property
    def sends(self) -> str:
        return f"out:{self.key}"

    @property
    def admits(self) -> tuple[tuple[str, ...], ...]:
        """The filters before it: its groups, and of a load balancer, what it listens for."""
        return (self.ingress, *self.listens) if self.ingress else self.listens

    @property
    def listens(self) -> tuple[tuple[str, ...], ...]:
        return tuple((listener_filter(id_),) for type_, id_ in sorted(self.owners) if type_ in {BALANCER, CLASSIC})

    def stand_in(self, family: int) -> Addresses:
        """Of addresses that nobody knows, one that stands for all that they could be."""
        low = self.space[family].spans[0][0]
        return addresses([(low, low)])


@dataclass(frozen=True, slots=True)
class Classes:
    """All classes, and where to find them by subnet, owner, and interface."""

    all: tuple[Class, ...]
    by_owner: Mapping[Owner, tuple[Class, ...]]
    by_interface: Mapping[str, Class]
    by_network: Mapping[str, tuple[Class, ...]]


def listener_filter(balancer: str) -> str:
    """The filter that lets through what a load balancer listens for."""
    return f"listeners of {balancer}"


def lower(view: View, ports: Mapping[str, Port], subnets: Mapping[str, Subnet]) -> Classes:
    """Makes every class with its stations and the links from and to its subnet, and every interface."""
    alike: dict[tuple[object, ...], list[Port]] = {}
    for port in ports.values():
        alike.setdefault(_likeness(port), []).append(port)
    found = []
    for number, held in enumerate(alike[key] for key in sorted(alike, key=str)):
        class_ = _class(view, held, subnets[held[0].subnet], number)
        _stations(view, class_)
        station, sends = class_.station, class_.sends
        for port in held:
            _interface(view, port, class_, station, sends)
        found.append(class_)
    by_owner: dict[Owner, list[Class]] = {}
    by_network: dict[str, list[Class]] = {}
    for class_ in found:
        by_network.setdefault(class_.subnet.vpc, []).append(class_)
        for owner in class_.owners:
            by_owner.setdefault(owner, []).append(class_)
    by_interface = {id_: class_ for class_ in found for id_ in class_.members}
    return Classes(tuple(found), _frozen(by_owner), by_interface, _frozen(by_network))


def _frozen(lists: Mapping[K, list[Class]]) -> Mapping[K, tuple[Class, ...]]:
    return {key: tuple(held) for key, held in lists.items()}


def _likeness(port: Port) -> tuple[object, ...]:
    forwards = tuple(owner for owner in port.owners if owner[0] in _FORWARDERS)
    own = port.id if port.doubt or port.groups_doubt or port.public_doubt else ""
    own = own or (port.id if port.description.startswith("ELB ") and not forwards else "")
    exposure = (bool(port.public), bool(port.spans(6)), port.forwards, port.closed)
    return (port.vpc, port.subnet, port.groups, port.kind if port.kind not in LISTENING else "", forwards, exposure, own)


def _class(view: View, ports: list[Port], subnet: Subnet, number: int) -> Class:
    first = ports[0]
    ingress = security_groups.ids(view, first.groups, "ingress", first.place)
    egress = security_groups.ids(view, first.groups, "egress", first.place)
    if first.groups_doubt:
        names = []
        for direction, _, reads in security_groups.DIRECTIONS:
            name = f"security groups of {first.id} {direction}"
            view.graph.filters[name] = unread(
                name, security_groups.KIND, reads, first.groups_doubt, stateful=True, of=name.partition(" ")[0]
            )
            names.append((name,))
        ingress, egress = names
    if first.doubt:
        space = {family: held for family, held in subnet.space.items() if held}
    else:
        space = {family: addresses(chain.from_iterable(port.spans(family) for port in ports)) for family in (4, 6)}
    translation = tuple(sorted((outer, outer, own) for port in ports for outer, own in port.public.items()))
    return Class(
        key=f"{subnet.id}/{number}",
        subnet=subnet,
        kind=first.kind,
        groups=first.groups,
        ingress=ingress,
        egress=egress,
        space=space,
        translation=translation,
        owners=frozenset(chain.from_iterable(port.owners for port in ports)),
        closed=first.closed,
        forwards=first.forwards,
        public_doubt=first.public_doubt,
        doubt=first.doubt,
        members=tuple(port.id for port in ports),
        labels=frozenset(first.groups),
        unlabelled=bool(first.groups_doubt),
    )


def _stations(view: View, class_: Class) -> None:
    """`in:` and `out:`, and the links to them from the subnet's inside and from them to what leaves it."""
    graph, subnet = view.graph, class_.subnet
    graph.station(class_.sends, "interface")
    graph.station(class_.station, "interface", ends=class_.kind not in PASSING, sends=class_.sends)
    if class_.entry != class_.station:
        graph.station(class_.entry, "load-balancer", sends=class_.sends)
        view.link(class_.entry, Link(class_.station))
    doubt = class_.doubt
    if class_.kind not in LISTENING | PASSING:
        doubt = f"interfaces of the type {class_.kind} ({', '.join(class_.members[:3])}) are not known by name"
        view.link(class_.station, Link(view.elsewhere(subnet.vpc), doubt=doubt))
    for family, space in each_family(class_.space):
        rewrite = Rewrite(destination=class_.stand_in(family), leg="pass") if class_.doubt else None
        into = Link(class_.entry, class_.admits, destination=space, rewrite=rewrite, doubt=doubt)
        view.link(subnet.inside, into, (family,))
        leaving = Link(subnet.leaving, (class_.egress,) if class_.egress else (), labels=ANYONE if class_.unlabelled else "kept")
        view.link(class_.sends, leaving, (family,))


def _interface(view: View, port: Port, class_: Class, station: str, sends: str) -> None:
    own = port.addresses
    tags, more_tags = _tags(view, port)
    if class_.doubt:
        own = {family: (class_.stand_in(family).spans[0][0],) for family, _ in each_family(class_.space)}
    view.graph.interfaces[port.id] = Interface(
        id=port.id,
        type=port.type,
        kind=port.kind,
        account=port.owner,
        region=port.place.region,
        network=port.vpc,
        subnet=port.subnet,
        station=station,
        sends=sends,
        addresses=own,
        public=port.public,
        owners=port.owners,
        labels=class_.labels,
        tags=tags,
        more_tags=more_tags,
        prefixes={} if class_.doubt else port.prefixes,
    )


def _tags(view: View, port: Port) -> tuple[dict[str, str], bool]:
    """(the tags of an interface and of what it serves, whether there may be more)."""
    served = [found.tags for type_, id_ in port.owners if (found := view.find(type_, id_)) is not None]
    known = [tags for tags in (*served, port.tags) if tags is not None]
    return {key: value for tags in known for key, value in tags.items()}, len(known) <= len(served)


def members_by_group(ports: Iterable[Port]) -> dict[str, dict[str, dict[int, Addresses]]]:
    """By group and VPC, the private addresses of the interfaces that have the group."""
    spans: dict[str, dict[str, dict[int, list[tuple[int, int]]]]] = {}
    for port in ports:
        for group in port.groups:
            held = spans.setdefault(group, {}).setdefault(port.vpc, {4: [], 6: []})
            for family in (4, 6):
                held[family] += port.spans(family)
    return {
        group: {vpc: {family: addresses(held) for family, held in families.items()} for vpc, families in vpcs.items()}
        for group, vpcs in spans.items()
    }


def unclear_members(ports: Iterable[Port], subnets: Mapping[str, Subnet]) -> list[security_groups.Unclear]:
    """The interfaces whose groups or addresses were not seen: by the address that stands for them."""
    found = []
    for port in ports:
        if not port.groups_doubt and not port.doubt:
            continue
        space = {family: addresses(port.spans(family)) for family in (4, 6)}
        if port.doubt:
            low = {family: held.spans[0][0] for family, held in subnets[port.subnet].space.items() if held}
            space = {family: addresses([(one, one)]) for family, one in low.items()}
        groups = None if port.groups_doubt else port.groups
        found.append(security_groups.Unclear(port.id, port.vpc, groups, space, port.groups_doubt or port.doubt))
    return found


def unseen_interfaces(view: View) -> None:
    """Where nobody saw the interfaces, there may be targets that the graph does not hold."""
    manifest = view.estate.manifest
    meant = manifest.scope.places(everywhere=True) if manifest.source.startswith("aws") else ()
    for place in sorted({*view.places, *(place for place in meant if can_hold(place.account, INTERFACE))}):
        if why := view.unlisted(INTERFACE, place):
            view.graph.doubts.append(f"there may be network interfaces that were not seen: {why}")
