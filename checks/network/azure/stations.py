"""The stations of an Azure estate, and the classes of interfaces that share them.

A subnet delivers to classes of interfaces, each behind its filters; a class sends past its filters to its subnet's
routing. Interfaces that the same filters stand before, and that are known to filters as the same, are one class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from checks.network.azure.admin import Admin
from checks.network.azure.arm import FAMILIES, parent
from checks.network.azure.groups import Filters, Near
from checks.network.azure.world import Subnet
from checks.network.azure.written import Direction
from checks.network.graph import Graph, Interface, Labels, Link, Rewrite
from checks.network.packets import Addresses, addresses

Gates = tuple[tuple[str, ...], ...]
MOST_ADDRESSES = 1024
"""Of something whose own addresses are not known, so many of its subnet's are looked at."""


ANYWHERE = "azure-anywhere"
"""The station of what may go anywhere. Only links in doubt lead to it."""


def delivers(network: str) -> str:
    return f"network:{network}"


def subnet_station(subnet: str) -> str:
    return f"subnet:{subnet}"


def routes(subnet: str) -> str:
    return f"routes:{subnet}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Something with addresses in a subnet, and all that filters tell it by.

    `addresses` are (family, address, groups). Where the subnet only holds it at one of them and nobody knows which,
    `where` says so.
    """

    id: str
    type: str
    kind: str
    account: str
    region: str
    subnet: Subnet
    nsg: str
    addresses: tuple[tuple[int, int, frozenset[str]], ...]
    owners: tuple[tuple[str, str], ...] = ()
    public: Mapping[int, int] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    filtered: bool = True
    receives: bool = True
    sends: bool = True
    answers: bool = False
    """Whether the network itself carries its answers back, whatever the routes say."""
    where: str = ""
    grouped: bool = True
    """Whether the security groups that it is in are known."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is reached: the station before its filters, and its addresses of one family."""

    station: str
    family: int
    held: Addresses
    subnet: Subnet
    guarded: bool
    """Whether a network security group stands before it."""
    gates: Gates = ()
    """The filters that stand before it."""


@dataclass
class Classes:
    """Makes the classes of a world, and their links once all of them are known."""

    graph: Graph
    filters: Filters
    admin: Admin
    _classes: dict[object, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _answering: set[str] = field(default_factory=set)
    _inbound: dict[tuple[str, str, int, Gates], set[int]] = field(default_factory=dict)
    _outbound: dict[tuple[str, str, int, Gates, frozenset[str]], set[int]] = field(default_factory=dict)

    def add(self, one: Standing) -> list[Spot]:
        """Puts an interface into its class. Returns where it is reached, by address."""
        if one.where:
            return self._anywhere(one)
        seen = []
        for family, address, groups in one.addresses:
            near = Near(family, addresses([(address, address)]), groups)
            inbound, outbound = (self.gates(one, direction, near) for direction in ("Inbound", "Outbound"))
            seen.append((family, address, inbound, outbound))
        labels = frozenset[str]().union(*(groups for _, _, groups in one.addresses))
        groups_of = {(family, address): groups for family, address, groups in one.addresses}
        told = tuple(sorted({(family, inbound, outbound) for family, _, inbound, outbound in seen}))
        station = self._class((one.subnet.key, labels, told, one.receives, one.sends, one.answers), one)
        if one.answers:
            self._answering.add(station)
        for family, address, inbound, outbound in seen:
            if one.receives:
                self._inbound.setdefault((one.subnet.key, station, family, inbound), set()).add(address)
            if one.sends:
                self._outbound.setdefault((one.subnet.key, station, family, outbound, groups_of[family, address]), set()).add(address)
        self._interface(one, station, labels)
        at = subnet_station(one.subnet.key)
        guarded = bool(one.filtered and (one.nsg or one.subnet.nsg))
        return [Spot(at, family, addresses([(address, address)]), one.subnet, guarded, inbound) for family, address, inbound, _ in seen]

    def _anywhere(self, one: Standing) -> list[Spot]:
        """Something that may have any of its addresses: one class of its own, behind a station where it surely is reached."""
        labels = frozenset[str]().union(*(groups for _, _, groups in one.addresses))
        station = self._class((one.id,), one)
        at = f"at:{station}"
        self.graph.station(at, "subnet")
        spots = []
        for family in FAMILIES:
            own = addresses((address, address) for of, address, _ in one.addresses if of == family)
            if not own:
                continue
            near = Near(family, own, labels if one.grouped else None)
            inbound, outbound = (self.gates(one, direction, near) for direction in ("Inbound", "Outbound"))
            self.graph.link(subnet_station(one.subnet.key), Link(at, destination=own, doubt=one.where, carries="first"), (family,))
            self.graph.link(subnet_station(one.subnet.key), Link(at, destination=own, carries="reply"), (family,))
            passes = Rewrite(leg="pass") if one.answers else None
            carries: Literal["both", "reply"] = "both" if one.receives else "reply"
            self.graph.link(at, Link(station, inbound, destination=own, rewrite=passes, carries=carries), (family,))
            if one.sends:
                known_as: Labels = labels if one.grouped else None
                self.graph.link(out_of(station), Link(routes(one.subnet.key), outbound, own, labels=known_as), (family,))
            spots.append(Spot(at, family, own, one.subnet, bool(one.nsg or one.subnet.nsg), inbound))
        self._interface(one, station, labels)
        return spots

    def gates(self, one: Standing, direction: Direction, near: Near) -> Gates:
        """The filters of one direction: every group must let a packet through, one of a group is enough."""
        if not one.filtered:
            return ()
        context = one.subnet.context
        ids = [one.subnet.nsg, one.nsg] if direction == "Inbound" else [one.nsg, one.subnet.nsg]
        held = [self.filters.of_group(id_, direction, context, near) for id_ in ids if id_]
        admin = self.admin.filters(one.subnet, direction, context, near)
        if admin is None:
            return tuple((filter_,) for filter_ in dict.fromkeys(held))
        passes, always = admin
        return ((passes,), *((always, filter_) for filter_ in dict.fromkeys(held)))

    def _class(self, told: object, one: Standing) -> str:
        if told not in self._classes:
            number = self._numbers[one.subnet.key] = self._numbers.get(one.subnet.key, -1) + 1
            station = f"in:{one.subnet.key}#{number}"
            self._classes[told] = station
            self.graph.station(station, one.kind, ends=True, sends=out_of(station))
            self.graph.station(out_of(station), one.kind)
        return self._classes[told]

    def _interface(self, one: Standing, station: str, labels: frozenset[str]) -> None:
        own = {family: tuple(address for of, address, _ in one.addresses if of == family) for family in FAMILIES}
        self.graph.interfaces[one.id] = Interface(
            one.id,
            one.type,
            one.kind,
            one.account,
            one.region,
            network_id(one.subnet),
            one.subnet.id,
            station,
            out_of(station),
            own,
            one.public,
            one.owners,
            labels,
            one.tags,
        )

    def finish(self) -> None:
        """Links every class to its subnet."""
        for (subnet, station, family, inbound), held in self._inbound.items():
            own = addresses((one, one) for one in held)
            passes = Rewrite(leg="pass") if station in self._answering else None
            self.graph.link(subnet_station(subnet), Link(station, filters=inbound, destination=own, rewrite=passes), (family,))
        for (subnet, station, family, outbound, groups), held in self._outbound.items():
            own = addresses((one, one) for one in held)
            self.graph.link(out_of(station), Link(routes(subnet), filters=outbound, source=own, labels=groups), (family,))


def out_of(station: str) -> str:
    return f"out:{station.removeprefix('in:')}"


def network_id(subnet: Subnet) -> str:
    return parent(subnet.id)


def usable(subnet: Subnet, taken: Mapping[int, Addresses]) -> tuple[tuple[int, int, frozenset[str]], ...]:
    """Addresses of a subnet that something may have: neither reserved ("Virtual network FAQ": the first four and the last) nor taken."""
    found = []
    for family in FAMILIES:
        for low, high in subnet.space[family].spans:
            free = addresses([(low + 4, high - 1)] if high - low > 5 else [(low, high)]) - taken.get(family, addresses([]))
            for first, last in free.spans:
                found += [(family, value, frozenset[str]()) for value in range(first, min(last, first + MOST_ADDRESSES) + 1)]
    return tuple(found[:MOST_ADDRESSES])
