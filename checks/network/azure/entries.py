"""Public addresses: how the internet comes to what stands in a subnet, and how that goes out to the internet.

Sources (Azure documentation): "Public IP addresses"; "Default outbound access in Azure"; "Azure NAT Gateway resource": it
comes before a public address and a load balancer for what goes out, for TCP and UDP alone, and lets nothing in; "Use
Source Network Address Translation for outbound connections": outbound rules and load balancing rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from checks.network.azure.admin import Admin
from checks.network.azure.arm import (
    FAMILIES,
    SERVICES,
    SOMEWHERE,
    UNTOLD_SERVICES,
    Blocks,
    address,
    blocks,
    entries,
    joined,
    key,
    references,
    text,
)
from checks.network.azure.firewall import Firewalls
from checks.network.azure.interfaces import Configuration
from checks.network.azure.sides import PLATFORM
from checks.network.azure.stations import Spot, routes
from checks.network.azure.world import Subnet, World
from checks.network.graph import NO_LABELS, Graph, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP, UDP, Hop
from checks.network.packets import EVERYBODY, NOBODY, PROTOCOLS, Addresses, addresses, packets, union

NAT_GATEWAY = "azure.network.natgateways"
PREFIX = "azure.network.publicipprefixes"
_SOMEWHERE = addresses([(SOMEWHERE, SOMEWHERE)])


@dataclass(frozen=True, slots=True)
class Public:
    """A public IP address resource: (family, address) if it shows one, its SKU, and what is not known about it."""

    id: str
    address: tuple[int, int] | None
    sku: str
    doubt: str


@dataclass
class Publics:
    """The public addresses of a world."""

    world: World

    @cached_property
    def known(self) -> Blocks:
        """Every public address of the estate."""
        shown = [self.read(one.id).address for one in self.world.public_addresses.values()]
        return {family: addresses((at[1], at[1]) for at in shown if at is not None and at[0] == family) for family in FAMILIES}

    def read(self, id_: str) -> Public:
        resource = self.world.public_addresses.get(key(id_))
        if resource is None:
            return Public(id_, None, "", self.world.missing("public IP address", id_))
        shown = address(text(resource.data, "properties", "ipAddress"))
        sku = text(resource.data, "sku", "name")
        return Public(resource.id, shown, sku, "" if shown else f"public IP address {resource.id} shows no address")

    def all_of(self, ids: Iterable[str], prefixes: Iterable[str] = ()) -> tuple[Blocks, str]:
        """The addresses of some public IPs and prefixes, and what is not known of them."""
        told: list[Blocks] = []
        doubts = []
        for public in map(self.read, ids):
            if public.address is not None:
                family, value = public.address
                told.append({4: NOBODY, 6: NOBODY, family: addresses([(value, value)])})
            doubts += [public.doubt] if public.doubt else []
        for id_ in prefixes:
            resource = self.world.of(PREFIX).get(key(id_))
            held, wrong = blocks((text(resource.data, "properties", "ipPrefix"),)) if resource is not None else (None, ())
            if held is None or wrong:
                doubts.append(self.world.missing("public IP prefix", id_) if held is None else wrong[0])
            else:
                told.append(held)
        return joined(told), "\n".join(doubts)


def closed(public: Public, spot: Spot, admin: Admin) -> tuple[Literal["open", "closed"], str]:
    """Whether the internet may come in by an address at all, and what is not known about that."""
    if spot.guarded or public.sku == "Basic":
        return "open", ""
    if public.sku in {"Standard", "StandardV2"}:
        if admin.always_allows(spot.subnet.network):
            return "open", f"whether an always-allow rule opens {public.id} without a network security group is not documented"
        return "closed", ""
    return "open", f"public IP address {public.id} does not tell its SKU, which without a network security group decides"


@dataclass
class Entrances:
    """Links between the internet and subnets, for addresses that are translated one to one, and for what goes out."""

    world: World
    graph: Graph
    publics: Publics
    admin: Admin
    firewalls: Firewalls
    outbound: dict[str, list[tuple[Addresses, Addresses, str]]] = field(default_factory=dict)
    """By subnet: (addresses in it, what load balancers replace them with, what is not known)."""
    unreachable: dict[str, Addresses] = field(default_factory=dict)
    """By subnet, the IPv4 addresses behind Standard load balancers: they have no default outbound access."""
    _pairs: dict[tuple[str, int, str, str], list[tuple[int, int, int]]] = field(default_factory=dict)
    _own: dict[tuple[str, int], list[tuple[int, int, int]]] = field(default_factory=dict)
    _untold: dict[tuple[str, int], list[tuple[Addresses, str]]] = field(default_factory=dict)
    """By subnet and family: what has a public address that was not seen, and why."""
    _answering: dict[str, list[Addresses]] = field(default_factory=dict)

    def configuration(self, configuration: Configuration, spot: Spot) -> dict[int, int]:
        """Lets the internet in by an IP configuration's public address. Returns what it is translated to."""
        public = self.publics.read(configuration.public_ip)
        state, doubt = closed(public, spot, self.admin)
        own = addresses([(configuration.address, configuration.address)])
        if public.address is None:
            self._untold.setdefault((spot.subnet.key, configuration.family), []).append((own, public.doubt))
            if state == "open":
                doubts = "\n".join(one for one in (public.doubt, doubt) if one)
                link = Link(
                    spot.station, destination=PUBLIC[configuration.family], rewrite=Rewrite(destination=own), carries="first", doubt=doubts
                )
                self.graph.link(INTERNET, link, (configuration.family,))
            return {}
        family, value = public.address
        if family != configuration.family:
            return {}
        self._pairs.setdefault((spot.station, family, state, doubt), []).append((value, value, configuration.address))
        self._own.setdefault((spot.subnet.key, family), []).append((configuration.address, configuration.address, value))
        return {value: configuration.address}

    def profile(self, spot: Spot, public: Any) -> None:
        """Lets the internet in to the machines of a scale set, whose addresses were not seen."""
        held = Public("of a scale set", None, text(public, "sku", "name"), "the public addresses of a scale set were not seen")
        state, doubt = closed(held, spot, self.admin)
        if state == "open":
            doubts = "\n".join(one for one in (held.doubt, doubt) if one)
            rewrite = Rewrite(destination=spot.held)
            link = Link(spot.station, destination=PUBLIC[spot.family], rewrite=rewrite, carries="first", doubt=doubts)
            self.graph.link(INTERNET, link, (spot.family,))

    def finish(self) -> None:
        for (station, family, state, doubt), pairs in self._pairs.items():
            told = addresses((low, high) for low, high, _ in pairs)
            rewrite = Rewrite(destination=tuple(sorted(pairs)))
            carries: Literal["both", "reply"] = "reply" if state == "closed" else "both"
            self.graph.link(INTERNET, Link(station, destination=told, rewrite=rewrite, carries=carries, doubt=doubt), (family,))

    # -- going out ------------------------------------------------------------------------------------------------

    def egress(self, subnet: Subnet, family: int, held: Addresses, via: tuple[Hop, ...], doubt: str) -> Iterator[Link]:
        """The links from a subnet to public addresses; to services, whose own are not known, the same ones. Application
        security groups are known by private addresses, which stay behind."""
        for way in self._egress(subnet, family, held - _SOMEWHERE - PLATFORM[4] if family == 4 else held, via, doubt):
            link = replace(way, labels=NO_LABELS)
            yield link
            if family == 4 and SOMEWHERE in held and link.carries == "first":
                untold = link.rewrite is not None and link.rewrite.source is PUBLIC[4]
                # "Virtual network service endpoints": with one, what goes to its service keeps its private source.
                by_endpoint = f"what leaves {subnet.id} for a service goes by a service endpoint, if it has one for it"
                told = [*link.doubt.splitlines(), *([by_endpoint] if any(True for _ in entries(subnet.data, "serviceEndpoints")) else [])]
                to = UNTOLD_SERVICES if untold else SERVICES
                yield replace(link, to=to, destination=_SOMEWHERE, doubt="\n".join(told))

    def _egress(self, subnet: Subnet, family: int, held: Addresses, via: tuple[Hop, ...], doubt: str) -> Iterator[Link]:
        if not held:
            return
        own = subnet.space[family]
        yield Link(INTERNET, source=own, destination=held, carries="reply", doubt=doubt, via=via)
        for firewall in self.firewalls.of_subnet(subnet.key) if family == 4 else ():
            seen_as = self._as(subnet, firewall.public)
            yield Link(INTERNET, source=firewall.sources, destination=held, rewrite=seen_as, carries="first", doubt=doubt, via=via)
            return
        if subnet.nat_gateway and family == 4:
            yield from self._by_nat_gateway(subnet, held, via, doubt)
            return
        pairs = tuple(sorted(self._own.get((subnet.key, family), ())))
        translated = addresses((low, high) for low, high, _ in pairs)
        if pairs:
            rewrite = Rewrite(source=pairs)
            yield Link(INTERNET, source=translated, destination=held, rewrite=rewrite, carries="first", doubt=doubt, via=via)
        for inside, why in self._untold.get((subnet.key, family), ()):
            rewrite = Rewrite(source=PUBLIC[family], leg="pass")
            doubts = "\n".join(one for one in (doubt, why) if one)
            yield Link(INTERNET, source=inside, destination=held, rewrite=rewrite, carries="first", doubt=doubts, via=via)
        left = own - translated
        for inside, outside, why in self.outbound.get(subnet.key, ()) if family == 4 else ():
            doubts = "\n".join(one for one in (doubt, why) if one)
            rewrite = self._as(subnet, outside)
            yield Link(INTERNET, source=inside & left, destination=held, rewrite=rewrite, carries="first", doubt=doubts, via=via)
            left -= inside
        if family == 4 and subnet.outbound_access is not False:
            balanced = self.unreachable.get(subnet.key, NOBODY)
            rewrite = Rewrite(source=PUBLIC[4], leg="pass")
            why = f"whether {subnet.id} has default outbound access behind a standard load balancer is not known"
            hops = (*via, Hop(subnet.id, "default-outbound-access"))
            here = self.publics.known[4]
            unknown = "which address default outbound access gives to the sender is not known"
            for inside, told in ((left - balanced, ""), (left & balanced, why)):
                for towards, about in ((held - here, ""), (held & here, unknown)):
                    doubts = "\n".join(one for one in (doubt, told, about) if one)
                    if inside and towards:
                        yield Link(INTERNET, source=inside, destination=towards, rewrite=rewrite, carries="first", doubt=doubts, via=hops)

    def _as(self, subnet: Subnet, outside: Addresses) -> Rewrite:
        """Going out under other addresses. What answers to those comes back to the subnet's routing; where nobody knows them,
        the network itself carries it back."""
        if not outside:
            return Rewrite(source=PUBLIC[4], leg="pass")
        if outside not in self._answering.setdefault(subnet.key, []):
            self._answering[subnet.key].append(outside)
            self.graph.link(INTERNET, Link(routes(subnet.key), destination=outside, carries="reply"), (4,))
        return Rewrite(source=outside, leg="nat")

    def _by_nat_gateway(self, subnet: Subnet, held: Addresses, via: tuple[Hop, ...], doubt: str) -> Iterator[Link]:
        gateway = self.world.of(NAT_GATEWAY).get(key(subnet.nat_gateway))
        if gateway is None:
            told, why = {4: NOBODY}, self.world.missing("NAT gateway", subnet.nat_gateway)
        else:
            ids, prefixes = (references(gateway.data, "properties", one) for one in ("publicIpAddresses", "publicIpPrefixes"))
            blocks_, why = self.publics.all_of(ids, prefixes)
            told = {4: blocks_[4]}
            why = why or ("" if told[4] else f"NAT gateway {gateway.id} has no public address")
        rewrite = self._as(subnet, told[4])
        via = (*via, Hop(gateway.id if gateway is not None else subnet.nat_gateway, "nat-gateway"))
        ported = union(packets(EVERYBODY[4], (one, one)) for one in (TCP, UDP))
        others = packets(EVERYBODY[4], (0, PROTOCOLS)) - ported
        for which, about in ((ported, ""), (others, "NAT gateways are documented for TCP and UDP alone")):
            doubts = "\n".join(one for one in (doubt, why, about) if one)
            own = subnet.space[4]
            yield Link(INTERNET, source=own, destination=held, packets=which, rewrite=rewrite, carries="first", doubt=doubts, via=via)
