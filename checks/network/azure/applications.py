"""Application gateways: listeners that end a connection, and backends that they open another one to.

Sources: "Application Gateway infrastructure configuration" (its own subnet, whose network security group filters by the
listeners' ports, the subnet's addresses as sources to backends); ARM reference of applicationGateways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.model import Resource
from checks.network.azure.arm import FAMILIES, address, entries, key, member, reference, references, text
from checks.network.azure.arm import port as port_of
from checks.network.azure.entries import Publics
from checks.network.azure.groups import Near
from checks.network.azure.interfaces import Configurations
from checks.network.azure.stations import Classes, Gates, Standing, delivers, network_id, out_of, routes, usable
from checks.network.azure.world import Subnet, World
from checks.network.graph import Graph, Interface, Link, Rewrite
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP, UDP, Hop
from checks.network.packets import EVERYBODY, Addresses, addresses, packets

GATEWAY = "azure.network.applicationgateways"
KIND = "application-gateway"


@dataclass(frozen=True, slots=True)
class _Target:
    """A backend: addresses (of any family), the port there, and what is not known."""

    held: Mapping[int, Addresses]
    port: int | None
    rule: str
    doubt: str


@dataclass
class Applications:
    """Makes the stations of application gateways."""

    world: World
    graph: Graph
    configurations: Configurations
    classes: Classes
    publics: Publics

    def lower(self) -> None:
        for resource in self.world.of(GATEWAY).values():
            subnets = [reference(one, "properties", "subnet") for one in entries(resource.data, "properties", "gatewayIPConfigurations")]
            subnet = self.world.subnets.get(key(next((one for one in subnets if one), "")))
            if subnet is None:
                self.graph.doubts.append(f"application gateway {resource.id} stands in a subnet that is not in the estate")
                continue
            self._gateway(resource, subnet)

    def _gateway(self, resource: Resource, subnet: Subnet) -> None:
        station = f"in:{key(resource.id)}"
        sends = out_of(station)
        self.graph.station(station, KIND, ends=True, sends=sends)
        self.graph.station(sends, KIND)
        standing = Standing(
            resource.id, GATEWAY, KIND, resource.account, resource.region, subnet, "", usable(subnet, self.configurations.taken.get(subnet.key, {})),
        )  # fmt: skip
        fronts = self._frontends(resource)
        own = {family: subnet.space[family] for family in FAMILIES}
        listed = {family: [value for of, value, _ in standing.addresses if of == family] for family in FAMILIES}
        for _, private in fronts.values():
            if private is not None and private[1] not in listed[private[0]]:
                listed[private[0]].append(private[1])
        self.graph.interfaces[resource.id] = Interface(
            resource.id, GATEWAY, KIND, resource.account, resource.region, network_id(subnet), subnet.id, station, sends,
            {family: tuple(held) for family, held in listed.items()}, self._public(fronts, listed), tags=resource.tags,
        )  # fmt: skip
        for family in FAMILIES:
            if not own[family]:
                continue
            near = Near(family, own[family])
            inbound = self.classes.gates(standing, "Inbound", near)
            outbound = self.classes.gates(standing, "Outbound", near)
            self.graph.link(sends, Link(routes(subnet.key), filters=outbound, source=own[family]), (family,))
            self.graph.link(delivers(subnet.network), Link(station, destination=own[family], carries="reply"), (family,))
            held = addresses((one, one) for one in listed[family])
            self._listeners(resource, subnet, family, station, inbound, held, fronts)

    def _frontends(self, resource: Resource) -> dict[str, tuple[str, tuple[int, int] | None]]:
        """(the id of its public address, its private address) of each frontend."""
        found = {}
        for one in entries(resource.data, "properties", "frontendIPConfigurations"):
            id_ = text(one, "id") or f"{resource.id}/frontendIPConfigurations/{text(one, 'name')}"
            private = address(text(one, "properties", "privateIPAddress"))
            found[key(id_)] = (reference(one, "properties", "publicIPAddress"), private)
        return found

    def _public(self, fronts: Mapping[str, tuple[str, tuple[int, int] | None]], listed: Mapping[int, list[int]]) -> dict[int, int]:
        """Its public addresses, as those of one of its instances."""
        shown = [self.publics.read(public).address for public, _ in fronts.values() if public]
        return {at[1]: listed[at[0]][0] for at in shown if at is not None and listed[at[0]]}

    def _listeners(
        self, resource: Resource, subnet: Subnet, family: int, station: str, inbound: Gates, held: Addresses,
        fronts: Mapping[str, tuple[str, tuple[int, int] | None]],
    ) -> None:  # fmt: skip
        ports = {}
        for one in entries(resource.data, "properties", "frontendPorts"):
            id_ = text(one, "id") or f"{resource.id}/frontendPorts/{text(one, 'name')}"
            ports[key(id_)] = port_of(one, "properties", "port")
        targets = self._targets(resource)
        for member_ in ("httpListeners", "listeners"):
            for one in entries(resource.data, "properties", member_):
                id_ = key(text(one, "id") or f"{resource.id}/{member_}/{text(one, 'name')}")
                inner = member(one, "properties")
                port = ports.get(key(reference(inner, "frontendPort")))
                front = fronts.get(key(reference(inner, "frontendIPConfiguration")))
                doubt = "" if port is not None and front is not None else f"listener {id_} does not tell its port and frontend"
                span = (port, port) if port is not None else (0, 65535)
                which = packets(EVERYBODY[family], (TCP, TCP), span)
                if text(inner, "protocol").lower() == "udp":
                    which = packets(EVERYBODY[family], (UDP, UDP), span)
                public_id, private = front or ("", None)
                hop = (Hop(resource.id, KIND, (text(one, "name"),)),)
                if public_id or front is None:
                    public = self.publics.read(public_id)
                    if public.address is not None and public.address[0] != family:
                        continue
                    told = addresses([(public.address[1],) * 2]) if public.address else PUBLIC[family]
                    why = "\n".join(why for why in (doubt, public.doubt) if why)
                    rewrite = Rewrite(destination=held)
                    link = Link(station, inbound, destination=told, packets=which, rewrite=rewrite, carries="first", doubt=why, via=hop)
                    self.graph.link(INTERNET, link, (family,))
                if private is not None and private[0] == family:
                    told = addresses([(private[1], private[1])])
                    link = Link(station, inbound, destination=told, packets=which, carries="first", doubt=doubt, via=hop)
                    self.graph.link(delivers(subnet.network), link, (family,))
                for target in targets.get(id_, ()):
                    self._proxies(resource, subnet, family, station, target, which)

    def _proxies(self, resource: Resource, subnet: Subnet, family: int, station: str, target: _Target, which: Any) -> None:
        if not target.held[family]:
            return
        rewrite = Rewrite(source=subnet.space[family], destination=target.held[family], port=target.port, leg="proxy")
        hop = (Hop(resource.id, KIND, (target.rule,)),)
        link = Link(
            out_of(station), packets=which, rewrite=rewrite, carries="first", labels=frozenset(), doubt=target.doubt, via=hop,
        )  # fmt: skip
        self.graph.link(station, link, (family,))

    # -- what stands behind listeners -----------------------------------------------------------------------------

    def _targets(self, resource: Resource) -> Mapping[str, list[_Target]]:
        """The backends of each listener."""
        properties = member(resource.data, "properties")
        pools = {
            key(text(one, "id") or f"{resource.id}/backendAddressPools/{text(one, 'name')}"): one
            for one in entries(properties, "backendAddressPools")
        }
        settings = {
            key(text(one, "id") or f"{resource.id}/{name}/{text(one, 'name')}"): port_of(one, "properties", "port")
            for name in ("backendHttpSettingsCollection", "backendSettingsCollection")
            for one in entries(properties, name)
        }
        maps = {
            key(text(one, "id") or f"{resource.id}/urlPathMaps/{text(one, 'name')}"): member(one, "properties")
            for one in entries(properties, "urlPathMaps")
        }
        found: dict[str, list[_Target]] = {}
        for member_ in ("requestRoutingRules", "routingRules"):
            for one in entries(properties, member_):
                inner = member(one, "properties")
                listener = key(reference(inner, "httpListener") or reference(inner, "listener"))
                for pool, setting in _pairs(inner, maps.get(key(reference(inner, "urlPathMap")))):
                    target = self._target(text(one, "name"), pools.get(key(pool)), settings.get(key(setting)), pool)
                    found.setdefault(listener, []).append(target)
        return found

    def _target(self, rule: str, pool: Any, port: int | None, pool_id: str) -> _Target:
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        doubts = [] if port is not None else [f"rule {rule} does not tell the backend's port"]
        if pool is None:
            doubts.append(self.world.missing("backend pool", pool_id))
        for told in references(pool, "properties", "backendIPConfigurations"):
            configuration = self.configurations.by_id.get(key(told))
            if configuration is not None:
                spans[configuration.family].append((configuration.address, configuration.address))
        for configuration in self.configurations.by_pool.get(key(pool_id), ()):
            spans[configuration.family].append((configuration.address, configuration.address))
        named = ""
        for one in entries(pool, "properties", "backendAddresses"):
            at = address(text(one, "ipAddress") or text(one, "fqdn"))
            if at is not None:
                spans[at[0]].append((at[1], at[1]))
            elif text(one, "fqdn"):
                named = text(one, "fqdn")
        held = {family: addresses(held) for family, held in spans.items()}
        if named or pool is None:
            doubts.append(f"which addresses backend {named or pool_id} has is not known")
            held = {family: EVERYBODY[family] for family in FAMILIES}
        return _Target(held, port, rule, "\n".join(doubts))


def _pairs(rule: Any, paths: Any) -> Iterator[tuple[str, str]]:
    """(backend pool, backend settings) of a rule, of each of its paths."""
    for inner, prefix in (
        (rule, "backend"),
        (paths, "default"),
        *((member(one, "properties"), "backend") for one in entries(paths, "pathRules")),
    ):
        pool = reference(inner, "backendAddressPool" if prefix == "backend" else "defaultBackendAddressPool")
        setting = (
            reference(inner, "backendHttpSettings") or reference(inner, "backendSettings") or reference(inner, "defaultBackendHttpSettings")
        )
        if pool:
            yield pool, setting
