"""The ends of a question: what a person names, and where that is in the path graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from checks.network.graph import NO_LABELS, Graph, Interface, Labels
from checks.network.internet import PUBLIC, SENDERS
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, NOBODY, Addresses, addresses, network_span

_PARTS = re.compile(r"[/:]")
_LIST_THEIR_OWN = frozenset({"aws.ec2.instance", "azure.compute.virtualmachines"})
"""Types whose resources say themselves which interfaces are theirs; of others there may be some that nobody saw."""


class NoSuchPlace(Exception):
    """Nothing in the estate is named so; the message says what could be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A class of interfaces, or of them those with some addresses; or what lies outside the estate."""

    station: str
    sends: str
    addresses: Mapping[int, Addresses]
    labels: Labels
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """All that a name stands for. `doubts` say why there may be more of it than was seen."""

    name: str
    held: tuple[Place, ...]
    doubts: tuple[str, ...] = ()


def named(graph: Graph, name: str) -> Places:
    """What `internet`, `internet:ADDRESS`, an address or CIDR block, `tag:KEY=VALUE` or an id stands for.

    An id is an interface's, its owner's (an instance, a load balancer), a network's or subnet's, or that of a gateway to
    a network outside; of an ARN or Azure id a part is enough, such as a load balancer's name, in any case.
    Raises NoSuchPlace.
    """
    kind, _, rest = name.partition(":")
    if name == INTERNET:
        return Places(name, (_internet(graph, SENDERS),))
    if kind == INTERNET and rest:
        return Places(name, (_part_of_internet(graph, _block(rest)),))
    if kind == "tag" and rest:
        return tagged(graph, name, rest)
    if _is_block(name):
        return _addressed(graph, name)
    return _identified(graph, name)


def tagged(graph: Graph, name: str, pair: str) -> Places:
    """The interfaces whose tags hold KEY=VALUE, and why there may be others."""
    key, equals, value = pair.partition("=")
    if not equals:
        raise NoSuchPlace(f"{name}: a tag is given as tag:KEY=VALUE")
    found = [one for one in graph.interfaces.values() if one.tags is not None and one.tags.get(key) == value]
    unknown = sorted(one.id for one in graph.interfaces.values() if one.tags is None or (one.more_tags and one.tags.get(key) != value))
    doubts = list(graph.doubts)
    if unknown:
        doubts.append(f"the tags of {_some(unknown)} were not seen")
    return Places(name, of(found), tuple(doubts))


def typed(graph: Graph, types: Iterable[str]) -> Places:
    """The interfaces of resources of these types."""
    wanted = frozenset(types)
    found = [one for one in graph.interfaces.values() if one.type in wanted or any(type_ in wanted for type_, _ in one.owners)]
    return Places(" or ".join(sorted(wanted)), of(found), tuple(graph.doubts))


def everything(graph: Graph) -> Places:
    """Every interface of the estate."""
    return Places("every interface", of(graph.interfaces.values()), tuple(graph.doubts))


def of(interfaces: Iterable[Interface]) -> tuple[Place, ...]:
    """Interfaces as places: those of a class together."""
    classes: dict[str, list[Interface]] = {}
    for one in interfaces:
        classes.setdefault(one.station, []).append(one)
    return tuple(_class(sorted(held, key=lambda one: one.id)) for _, held in sorted(classes.items()))


def _class(held: list[Interface]) -> Place:
    own = {family: addresses(span for one in held for span in one.spans(family)) for family in (4, 6)}
    return Place(held[0].station, held[0].sends, own, held[0].labels, tuple(held))


def _internet(graph: Graph, who: Mapping[int, Addresses]) -> Place:
    """The internet, as far as an address is not one of the estate's own."""
    return Place(INTERNET, INTERNET, {family: held - _public(graph, family) for family, held in who.items()}, NO_LABELS)


def _part_of_internet(graph: Graph, block: Mapping[int, Addresses]) -> Place:
    """Raises NoSuchPlace for what is no part of it: private addresses, and the estate's own."""
    held = {family: block[family] & PUBLIC[family] for family in (4, 6)}
    if not any(held.values()):
        raise NoSuchPlace("that is no address of the internet: give a public one, or leave internet: out")
    place = _internet(graph, held)
    if not any(place.addresses.values()):
        raise NoSuchPlace("that is an address of the estate's own: leave internet: out")
    return place


def _is_block(name: str) -> bool:
    try:
        ip_network(name, strict=False)
    except ValueError:
        return False
    return True


def _block(text: str) -> Mapping[int, Addresses]:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise NoSuchPlace(f"{text} is neither an address nor a CIDR block") from error
    other = 6 if network.version == 4 else 4
    return {network.version: addresses([network_span(network)]), other: NOBODY}


def _addressed(graph: Graph, name: str) -> Places:
    """The interfaces with these addresses, public or private; else what lies outside with them."""
    block = _block(name)
    family = 4 if block[4] else 6
    wanted = block[family]
    within = {one.id: own for one in graph.interfaces.values() if (own := _own_among(one, family, wanted))}
    inside = [graph.interfaces[id_] for id_ in within]
    held = []
    for place in of(inside):
        spans = [span for one in place.interfaces for span in within[one.id].spans]
        held.append(Place(place.station, place.sends, {family: addresses(spans)}, place.labels, place.interfaces))
    for station in sorted(graph.outside):
        if station == INTERNET:
            continue
        if there := graph.networks.get(station, EVERYBODY).get(family, NOBODY) & wanted:
            held.append(Place(station, graph.stations[station].sends or station, {family: there}, NO_LABELS))
    if there := (PUBLIC[family] & wanted) - _public(graph, family):
        held.append(_internet(graph, {family: there}))
    if not held:
        raise NoSuchPlace(f"no interface of the estate has the address {name}, and it is not a public one")
    single = ip_network(name, strict=False).num_addresses == 1
    return Places(name, tuple(held), () if single and inside else tuple(graph.doubts))


def _own_among(one: Interface, family: int, wanted: Addresses) -> Addresses:
    """The addresses of an interface that are meant, by themselves or by their public ones."""
    public = [(own, own) for address, own in one.public.items() if _family(address, family) and address in wanted]
    return (addresses(one.spans(family)) & wanted) | addresses(public)


def _public(graph: Graph, family: int) -> Addresses:
    """The public addresses of the estate's interfaces."""
    if family == 6:
        return addresses(span for one in graph.interfaces.values() for span in one.spans(6)) & PUBLIC[6]
    return addresses((value, value) for one in graph.interfaces.values() for value in one.public if _family(value, 4))


def _family(value: int, family: int) -> bool:
    return (value >= 2**32) == (family == 6)


def _identified(graph: Graph, name: str) -> Places:
    wanted = name.lower()
    interfaces = list(graph.interfaces.values())

    def whole(id_: str) -> bool:
        return id_.lower() == wanted

    def part(id_: str) -> bool:
        return wanted in _PARTS.split(id_.lower())

    for same in (whole, part):
        for station in graph.outside:
            if same(station):
                own = graph.networks.get(station, EVERYBODY)
                return Places(name, (Place(station, graph.stations[station].sends or station, own, NO_LABELS),))
        owned = [one for one in interfaces if same(one.id) or any(same(id_) for _, id_ in one.owners)]
        if owned:
            types = {type_ for one in owned for type_, id_ in one.owners if same(id_)}
            listed = types <= _LIST_THEIR_OWN or any(same(one.id) for one in owned)
            return Places(name, of(owned), () if listed else tuple(graph.doubts))
        there = [one for one in interfaces if same(one.network) or same(one.subnet)]
        if there or any(same(id_) for id_ in graph.networks):
            return Places(name, of(there), tuple(graph.doubts))
    raise NoSuchPlace(f"nothing in the estate is named {name}: give {_possible(graph)}")


def _possible(graph: Graph) -> str:
    example = next(iter(sorted(graph.interfaces)), None)
    return "internet, an address, tag:KEY=VALUE, or the id of an interface, instance, load balancer, subnet or network" + (
        f", such as {example}" if example else ""
    )


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
