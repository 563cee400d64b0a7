"""Load balancers: public and internal, load balancing rules, HA ports, inbound NAT rules and pools, outbound rules.

Sources (Azure Load Balancer documentation): "What is Azure Load Balancer?": a Standard one is closed to inbound flows
from the internet until a network security group allows them; the client's address is kept. "Floating IP configuration",
"Inbound NAT rules", "High availability ports overview": all ports, TCP and UDP. "Global load balancer".

A load balancer itself answers nothing. What it passes on to a backend that takes it has arrived at the load balancer, too,
as what was sent to its frontend; it is answered if answers come back from the subnet of any of its backends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from checks.model import Resource
from checks.network.azure.arm import FAMILIES, SOMEWHERE, Blocks, address, entries, key, member, parent, reference, references, text
from checks.network.azure.arm import port as port_of
from checks.network.azure.entries import Entrances, Public, closed
from checks.network.azure.interfaces import Configurations
from checks.network.azure.stations import Gates, Spot, delivers, network_id, out_of, routes
from checks.network.azure.world import World
from checks.network.graph import Graph, Interface, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP, UDP, Hop
from checks.network.packets import EVERYBODY, NOBODY, PORTS, Addresses, PacketSet, Span, addresses, packets, union

BALANCER = "azure.network.loadbalancers"
KIND = "load-balancer"
_PROTOCOLS = {"tcp": (TCP,), "udp": (UDP,), "all": (TCP, UDP)}


def frontend_station(id_: str) -> str:
    return f"frontend:{key(id_)}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What comes to a frontend by a rule, and where it goes on."""

    name: str
    frontend: str
    protocols: tuple[int, ...]
    ports: Span
    backend_port: int | None
    spots: tuple[Spot, ...]
    onward: tuple[str, ...]
    doubt: str


@dataclass
class Balancers:
    """Makes the stations of load balancers' frontends. `spots` are the places of IP configurations by id, `pools` and
    `nat_pools` those of scale sets by pool."""

    world: World
    graph: Graph
    configurations: Configurations
    entrances: Entrances
    spots: Mapping[str, list[Spot]]
    pools: Mapping[str, list[Spot]]
    nat_pools: Mapping[str, list[Spot]]
    _members: dict[str, list[Spot]] = field(default_factory=dict)
    _fronts: dict[str, Blocks] = field(default_factory=dict)
    """The addresses of each frontend; SOMEWHERE for one that is not known."""

    def lower(self) -> None:
        for pool, held in self.configurations.by_pool.items():
            self._members[pool] = [spot for one in held for spot in self.spots.get(key(one.id), ())]
        for resource in self.world.of(BALANCER).values():
            self._balancer(resource)
        self._unread()

    def _balancer(self, resource: Resource) -> None:
        frontends: dict[str, Public | None] = {}
        for one in entries(resource.data, "properties", "frontendIPConfigurations"):
            id_ = text(one, "id") or f"{resource.id}/frontendIPConfigurations/{text(one, 'name')}"
            frontends[key(id_)] = self._frontend(resource, id_, member(one, "properties"))
        before = len(self.graph.doubts)
        rules = list(self._rules(resource))
        self._interface(resource, rules, frontends, tuple(self.graph.doubts[before:]))
        for rule in rules:
            if rule.frontend not in frontends:
                why = f"rule {rule.name} of {resource.id} names a frontend that is not there"
                self.graph.station(frontend_station(rule.frontend), KIND)
                link = Link(frontend_station(rule.frontend), destination=PUBLIC[4], carries="first", doubt=why)
                self.graph.link(INTERNET, link, (4,))
            self._link(resource, rule, frontends.get(rule.frontend))
        self._outbound(resource, frontends)

    def _frontend(self, resource: Resource, id_: str, properties: Any) -> Public | None:
        """Leads packets to a frontend. Returns its public address, if it has one."""
        station = frontend_station(id_)
        self.graph.station(station, KIND)
        doubt = ""
        if chained := reference(properties, "gatewayLoadBalancer"):
            doubt = f"frontend {id_} leads through gateway load balancer {chained}"
        if public_id := reference(properties, "publicIPAddress"):
            public = self.entrances.publics.read(public_id)
            family = public.address[0] if public.address else 4
            told = addresses([(public.address[1],) * 2]) if public.address else PUBLIC[4]
            self._front(id_, family, public.address[1] if public.address else SOMEWHERE)
            doubt = "\n".join(one for one in (doubt, public.doubt) if one)
            self.graph.link(INTERNET, Link(station, destination=told, carries="first", doubt=doubt), (family,))
            return public
        subnet = self.world.subnets.get(key(reference(properties, "subnet")))
        at = address(text(properties, "privateIPAddress"))
        self._front(id_, *(at or (4, SOMEWHERE)))
        if subnet is None or at is None:
            if prefix := reference(properties, "publicIPPrefix"):
                told_, why = self.entrances.publics.all_of((), (prefix,))
                link = Link(station, destination=told_[4] or PUBLIC[4], carries="first", doubt=why)
                self.graph.link(INTERNET, link, (4,))
                return Public(prefix, None, text(resource.data, "sku", "name"), "")
            why = f"frontend {id_} tells no address in a subnet of the estate"
            link = Link(station, destination=PUBLIC[4], carries="first", doubt=why)
            self.graph.link(INTERNET, link, (4,))
            return None
        link = Link(station, destination=addresses([(at[1], at[1])]), carries="first", doubt=doubt)
        self.graph.link(delivers(subnet.network), link, (at[0],))
        return None

    # -- rules ----------------------------------------------------------------------------------------------------

    def _rules(self, resource: Resource) -> Iterator[_Rule]:
        pools = {}
        for one in entries(resource.data, "properties", "backendAddressPools"):
            pools[key(text(one, "id") or f"{resource.id}/backendAddressPools/{text(one, 'name')}")] = one
        for one in entries(resource.data, "properties", "loadBalancingRules"):
            inner = member(one, "properties")
            wanted = dict.fromkeys([reference(inner, "backendAddressPool"), *references(inner, "backendAddressPools")])
            spots: list[Spot] = []
            onward: list[str] = []
            for id_ in filter(None, wanted):
                spots += self._pool(resource, key(id_), pools.get(key(id_), {}))
                onward += _regional(pools.get(key(id_), {}))
            yield self._rule(one, inner, tuple(spots), tuple(onward))
        for one in entries(resource.data, "properties", "inboundNatRules"):
            yield from self._nat_rule(resource, one, pools)
        for one in entries(resource.data, "properties", "inboundNatPools"):
            id_ = text(one, "id") or f"{resource.id}/inboundNatPools/{text(one, 'name')}"
            held = tuple(self.nat_pools.get(key(id_), ()))
            yield self._rule(
                one, member(one, "properties"), held, (), f"which port of {text(one, 'name')} leads to which machine was not seen"
            )

    def _rule(self, data: Any, inner: Any, spots: tuple[Spot, ...], onward: tuple[str, ...], doubt: str = "") -> _Rule:
        name = text(data, "name")
        protocols = _PROTOCOLS.get(text(inner, "protocol").lower(), ())
        port, to = port_of(inner, "frontendPort"), port_of(inner, "backendPort")
        first, last = port_of(inner, "frontendPortRangeStart"), port_of(inner, "frontendPortRangeEnd")
        span = (first, last) if first and last else (port, port) if port else (0, PORTS)
        doubts = [doubt] if doubt else []
        if not protocols or (port is None and not (first and last)) or to is None or not 0 <= span[0] <= span[1] <= PORTS:
            doubts.append(f"rule {name} does not tell protocol and ports")
            protocols, span, to = (TCP, UDP), (0, PORTS), None
        if member(inner, "enableFloatingIP") is True and port and to != port:
            doubts.append(f"whether floating rule {name} changes the port is not documented")
        return _Rule(name, key(reference(inner, "frontendIPConfiguration")), protocols, span, to or None, spots, onward, "\n".join(doubts))

    def _nat_rule(self, resource: Resource, data: Any, pools: Mapping[str, Any]) -> Iterator[_Rule]:
        inner = member(data, "properties")
        id_ = key(text(data, "id") or f"{resource.id}/inboundNatRules/{text(data, 'name')}")
        if pool := key(reference(inner, "backendAddressPool")):
            told = list(self._mapped(text(data, "name"), pools.get(pool, {})))
            for port, spots in told:
                rule = {**(inner if isinstance(inner, Mapping) else {}), "frontendPort": port}
                rule.pop("frontendPortRangeStart", None)
                yield self._rule(data, rule, tuple(spots), ())
            if not told:
                why = f"which port of {text(data, 'name')} leads to which machine was not seen"
                yield self._rule(data, inner, tuple(self._pool(resource, pool, pools.get(pool, {}))), (), why)
            return
        target = key(reference(inner, "backendIPConfiguration"))
        spots = list(self.spots.get(target, ())) if target else []
        for configuration in self.configurations.by_nat_rule.get(id_, ()) if not spots else ():
            spots += self.spots.get(key(configuration.id), ())
        yield self._rule(data, inner, tuple(spots), ())

    def _mapped(self, rule: str, pool: Mapping[str, Any]) -> Iterator[tuple[int, list[Spot]]]:
        for one in entries(pool, "properties", "loadBalancerBackendAddresses"):
            for mapping in entries(one, "properties", "inboundNatRulesPortMapping"):
                port = port_of(mapping, "frontendPort")
                if port and text(mapping, "inboundNatRuleName").lower() == rule.lower():
                    yield port, self._backend(one, pool)

    def _pool(self, resource: Resource, id_: str, data: Mapping[str, Any]) -> list[Spot]:
        """The places of a pool's members, however they are told."""
        found = [*self._members.get(id_, ()), *self.pools.get(id_, ())]
        for told in references(data, "properties", "backendIPConfigurations"):
            spots = self.spots.get(key(told), ())
            found += spots
            if not spots and not self.pools.get(id_) and key(told) not in self.configurations.by_id:
                self.graph.doubts.append(f"{told}, a backend of {resource.id}, is not in the estate")
        for one in entries(data, "properties", "loadBalancerBackendAddresses"):
            found += self._backend(one, data)
        return list(dict.fromkeys(found))

    def _backend(self, data: Mapping[str, Any], pool: Mapping[str, Any]) -> list[Spot]:
        inner = member(data, "properties")
        if told := reference(inner, "networkInterfaceIPConfiguration"):
            return list(self.spots.get(key(told), ()))
        at = address(text(inner, "ipAddress"))
        network = reference(inner, "virtualNetwork") or reference(pool, "properties", "virtualNetwork")
        network = network or parent(reference(inner, "subnet"))
        configuration = self.configurations.at.get((key(network), *at)) if at is not None else None
        return list(self.spots.get(key(configuration.id), ())) if configuration is not None else []

    # -- links ----------------------------------------------------------------------------------------------------

    def _link(self, resource: Resource, rule: _Rule, public: Public | None) -> None:
        hop = (Hop(resource.id, KIND, (rule.name,)),)
        grouped: dict[tuple[str, int, str], Addresses] = {}
        arrivals: dict[tuple[Gates, int, str], Addresses] = {}
        for spot in rule.spots:
            doubts = [one for one in (rule.doubt,) if one]
            if public is not None:
                sku = Public(public.id, public.address, text(resource.data, "sku", "name") or public.sku, "")
                state, why = closed(sku, spot, self.entrances.admin)
                if state == "closed":
                    continue
                doubts += [why] if why else []
            group = (spot.station, spot.family, "\n".join(doubts))
            grouped[group] = grouped.get(group, NOBODY) | spot.held
            arriving = (spot.gates, spot.family, "\n".join(doubts))
            arrivals[arriving] = arrivals.get(arriving, NOBODY) | spot.held
        station = self._passing(rule.frontend)
        for (to, family, doubt), held in grouped.items():
            rewrite = Rewrite(destination=held, port=rule.backend_port)
            link = Link(to, packets=_packets(family, rule), rewrite=rewrite, carries="first", doubt=doubt, via=hop)
            self.graph.link(station, link, (family,))
        for (gates, family, doubt), held in arrivals.items():
            self._arrives(resource, rule, gates, family, doubt, held)
        for to in rule.onward:
            self.graph.station(to, KIND)
            rewrite = Rewrite(port=rule.backend_port)
            self.graph.link(station, Link(to, packets=_packets(4, rule), rewrite=rewrite, carries="first", doubt=rule.doubt, via=hop), (4,))

    def _passing(self, frontend: str) -> str:
        """Where what came to a frontend is on its way to backends, apart from its way to the load balancer itself."""
        station = f"passing:{frontend}"
        if station not in self.graph.stations:
            self.graph.station(station, KIND)
            self.graph.link(frontend_station(frontend), Link(station, carries="first"))
        return station

    # -- arriving at the load balancer itself ---------------------------------------------------------------------

    def _front(self, id_: str, family: int, value: int) -> None:
        self._fronts[key(id_)] = {4: NOBODY, 6: NOBODY, family: addresses([(value, value)])}

    def _interface(self, resource: Resource, rules: list[_Rule], frontends: Mapping[str, Public | None], missing: tuple[str, ...]) -> None:
        """The load balancer, at its frontends' addresses; it belongs to the network that its backends are in."""
        station = f"in:{key(resource.id)}"
        self.graph.station(station, KIND, ends=True, sends=out_of(station))
        self.graph.station(out_of(station), KIND)
        own = {
            family: tuple(low for id_ in frontends for low, _ in self._fronts.get(id_, {}).get(family, NOBODY).spans) for family in FAMILIES
        }
        shown = [public.address[1] for public in frontends.values() if public is not None and public.address is not None]
        subnets = dict.fromkeys(spot.subnet for rule in rules for spot in rule.spots)
        inside = [
            subnet
            for one in entries(resource.data, "properties", "frontendIPConfigurations")
            if (subnet := self.world.subnets.get(key(reference(one, "properties", "subnet")))) is not None
        ]
        near = next(iter([*inside, *subnets]), None)
        self.graph.interfaces[resource.id] = Interface(
            resource.id, BALANCER, KIND, resource.account, resource.region, network_id(near) if near else "", inside[0].id if inside else "",
            station, out_of(station), own, {value: value for value in shown}, tags=resource.tags,
        )  # fmt: skip
        for subnet in subnets:
            for family in FAMILIES:
                if subnet.space[family]:
                    answers = Link(routes(subnet.key), rewrite=Rewrite(source=subnet.space[family]), carries="reply")
                    self.graph.link(out_of(station), answers, (family,))
        unseen = [*missing, *(f"what stands behind {one} is told by another load balancer" for rule in rules for one in rule.onward)]
        for id_ in frontends if unseen else ():
            self.graph.link(frontend_station(id_), Link(station, carries="first", doubt="\n".join(dict.fromkeys(unseen))))

    def _arrives(
        self, resource: Resource, rule: _Rule, gates: Gates, family: int, doubt: str, held: Addresses,
    ) -> None:  # fmt: skip
        """What some backends take in has arrived at the load balancer, at the address and port it was sent to."""
        front = self._fronts.get(rule.frontend, {4: NOBODY, 6: NOBODY})[family]
        if not front:
            return
        before = frontend_station(rule.frontend)
        at = f"{before}#{len(self.graph.stations[before].links[family])}/{family}"
        self.graph.station(at, KIND)
        # A backend does not reach itself through its load balancer.
        senders = EVERYBODY[family] - held if len(held.spans) == 1 and held.spans[0][0] == held.spans[0][1] else None
        taken = Link(
            at, source=senders, packets=_packets(family, rule), rewrite=Rewrite(destination=held, port=rule.backend_port),
            carries="first", doubt=doubt,
        )  # fmt: skip
        self.graph.link(before, taken, (family,))
        back = Rewrite(destination=front, port=rule.ports if rule.backend_port is not None else None)
        hop = (Hop(resource.id, KIND, (rule.name,)),)
        self.graph.link(at, Link(f"in:{key(resource.id)}", gates, rewrite=back, carries="first", via=hop), (family,))

    def _outbound(self, resource: Resource, frontends: Mapping[str, Public | None]) -> None:
        """What goes out under a frontend's address, and what a Standard load balancer keeps from going out by default."""
        found = []
        for one in entries(resource.data, "properties", "outboundRules"):
            inner = member(one, "properties")
            fronts = [key(id_) for id_ in references(inner, "frontendIPConfigurations")]
            found.append((fronts, key(reference(inner, "backendAddressPool"))))
        for one in entries(resource.data, "properties", "loadBalancingRules"):
            inner = member(one, "properties")
            pool = key(reference(inner, "backendAddressPool"))
            standard = text(resource.data, "sku", "name") == "Standard"
            front = key(reference(inner, "frontendIPConfiguration"))
            if front in frontends and frontends[front] is not None and member(inner, "disableOutboundSnat") is not True:
                found.append(([front], pool))
            elif standard:
                for spot in self._pool(resource, pool, {}):
                    if spot.family == 4:
                        known = self.entrances.unreachable.get(spot.subnet.key, NOBODY)
                        self.entrances.unreachable[spot.subnet.key] = known | spot.held
        for fronts, pool in found:
            publics = [frontends[one] for one in fronts if one in frontends]
            told = addresses((one.address[1],) * 2 for one in publics if one is not None and one.address and one.address[0] == 4)
            for spot in self._pool(resource, pool, {}):
                if spot.family == 4:
                    why = "" if told else f"the addresses of {resource.id} were not seen"
                    self.entrances.outbound.setdefault(spot.subnet.key, []).append((spot.held, told, why))

    def _unread(self) -> None:
        """Members of pools of load balancers that are not in the estate: the internet may come to them, or the network by an
        address that is not known."""
        for pool, spots in [*self._members.items(), *self.pools.items()]:
            balancer = parent(pool)
            if "/loadbalancers/" not in pool or balancer in self.world.of(BALANCER):
                continue
            for spot in dict.fromkeys(spots):
                why = self.world.missing("load balancer", balancer)
                rewrite = Rewrite(destination=spot.held)
                link = Link(spot.station, destination=PUBLIC[spot.family], rewrite=rewrite, carries="first", doubt=why)
                self.graph.link(INTERNET, link, (spot.family,))
                network = self.world.networks[spot.subnet.network]
                inner = replace(link, destination=network.space[spot.family])
                self.graph.link(delivers(network.key), inner, (spot.family,))


def _regional(pool: Mapping[str, Any]) -> Iterator[str]:
    """The frontends of regional load balancers that stand behind a global one."""
    for one in entries(pool, "properties", "loadBalancerBackendAddresses"):
        if told := reference(one, "properties", "loadBalancerFrontendIPConfiguration"):
            yield frontend_station(told)


def _packets(family: int, rule: _Rule) -> PacketSet:
    return union(packets(EVERYBODY[family], (one, one), rule.ports) for one in rule.protocols)
