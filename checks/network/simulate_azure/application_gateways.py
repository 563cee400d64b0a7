"""Application gateways: which backends they open connections of their own to, for what a listener takes.

Sources: Azure docs, configuration-infrastructure (one private address per instance from the gateway's subnet, "the first four
and the last IP addresses" of a subnet are Azure's own; the subnet's network security group filters clients, with the subnet as
destination) and how-application-gateway-works. An instance's address is taken to be the first that the subnet can give.
What a listener's host names, paths, redirects and web application firewall let through is not looked at: any backend of any
rule of the listener may be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.network.packet import TCP, UDP, Packet
from checks.network.simulate_azure.answers import Denied, Doubt
from checks.network.simulate_azure.wire import Json, key, listed, name_of, properties, read_address, reference, references, same
from checks.network.simulate_azure.world import Subnet, World

_FIRST_FREE = 4


@dataclass(frozen=True, slots=True)
class Listening:
    """An application gateway's frontend; `subnet` is where its instances are, `instance` the address of one."""

    gateway: Json
    frontend: str
    subnet: Subnet | None
    instance: int

    @property
    def name(self) -> str:
        return str(self.gateway.get("name") or name_of(self.gateway["id"]))


@dataclass(frozen=True, slots=True)
class Connection:
    """The packet that the gateway sends in turn, by `rule`."""

    packet: Packet
    rule: str


def public_listening(world: World, public_address: str, family: int) -> list[Listening]:
    return [
        _listening(world, gateway, frontend, family)
        for gateway in world.of("network.applicationgateways")
        for frontend in listed(properties(gateway), "frontendIPConfigurations")
        if reference(properties(frontend), "publicIPAddress") == public_address
    ]


def private_listening(world: World, network: str, family: int, address: int) -> list[Listening]:
    found = []
    for gateway in world.of("network.applicationgateways"):
        for frontend in listed(properties(gateway), "frontendIPConfigurations"):
            subnet = world.subnet(reference(properties(frontend), "subnet"))
            held = read_address(properties(frontend).get("privateIPAddress"))
            if subnet and subnet.network == network and held == (family, address):
                found.append(_listening(world, gateway, frontend, family))
    return found


def connections(world: World, listening: Listening, packet: Packet) -> list[Connection | Denied | Doubt]:
    """What the gateway opens for a client's packet to its frontend."""
    found: list[Connection | Denied | Doubt] = []
    for listener in _listeners(listening, packet):
        found += _by_rules(world, listening, key(listener.get("id")), packet)
    return found or [Denied(f"{listening.name}: no listener for {packet}")]


def listens(listening: Listening, packet: Packet) -> bool:
    """Whether any listener of the frontend takes the packet."""
    return any(True for _ in _listeners(listening, packet))


def _listeners(listening: Listening, packet: Packet) -> Iterator[Json]:
    given = properties(listening.gateway)
    for listener in [*listed(given, "httpListeners"), *listed(given, "listeners")]:
        if reference(properties(listener), "frontendIPConfiguration") != listening.frontend:
            continue
        if packet.protocol != (UDP if same(properties(listener).get("protocol"), "Udp") else TCP):
            continue
        if _port(given, reference(properties(listener), "frontendPort")) == packet.destination_port:
            yield listener


def _listening(world: World, gateway: Json, frontend: Json, family: int) -> Listening:
    configurations = listed(properties(gateway), "gatewayIPConfigurations")
    subnet = world.subnet(next((reference(properties(one), "subnet") for one in configurations), ""))
    ranges = [prefix for prefix in subnet.ranges if prefix.version == family] if subnet else []
    instance = int(ranges[0].network_address) + _FIRST_FREE if ranges else 0
    return Listening(gateway, key(frontend.get("id")), subnet, instance)


def _port(given: Json, identifier: str) -> object:
    return next((properties(one).get("port") for one in listed(given, "frontendPorts") if key(one.get("id")) == identifier), None)


def _by_rules(world: World, listening: Listening, listener: str, packet: Packet) -> Iterator[Connection | Denied | Doubt]:
    given = properties(listening.gateway)
    for rule in [*listed(given, "requestRoutingRules"), *listed(given, "routingRules")]:
        if listener not in {reference(properties(rule), "httpListener"), reference(properties(rule), "listener")}:
            continue
        for pool, settings in dict.fromkeys(_destinations(given, rule)):
            yield from _to_pool(world, listening, f"{listening.name}/{rule.get('name')}", pool, settings, packet)


def _destinations(given: Json, rule: Json) -> Iterator[tuple[str, str]]:
    """Pairs of backend pool and settings that a rule may choose, by whatever path."""
    steps = [properties(rule)]
    for path_map in listed(given, "urlPathMaps"):
        if key(path_map.get("id")) == reference(properties(rule), "urlPathMap"):
            steps += [properties(path_map), *(properties(one) for one in listed(properties(path_map), "pathRules"))]
    for step in steps:
        for pool, settings in (
            ("backendAddressPool", "backendHttpSettings"),
            ("backendAddressPool", "backendSettings"),
            ("defaultBackendAddressPool", "defaultBackendHttpSettings"),
        ):
            if reference(step, pool) and reference(step, settings):
                yield reference(step, pool), reference(step, settings)


def _to_pool(
    world: World, listening: Listening, name: str, pool: str, settings: str, packet: Packet
) -> Iterator[Connection | Denied | Doubt]:
    given = properties(listening.gateway)
    every = [*listed(given, "backendHttpSettingsCollection"), *listed(given, "backendSettingsCollection")]
    port = next((properties(one).get("port") for one in every if key(one.get("id")) == settings), None)
    data = next((one for one in listed(given, "backendAddressPools") if key(one.get("id")) == pool), None)
    if data is None or not isinstance(port, int):
        yield Doubt(f"{name}: {name_of(pool)} or {name_of(settings)} is not in the estate")
        return
    held = list(_addresses(world, name, data))
    for one in held:
        if isinstance(one, Doubt):
            yield one
        elif one[0] == packet.family:
            yield Connection(replace(packet, source=listening.instance, destination=one[1], destination_port=port), name)
    if not held:
        yield Denied(f"{name}: {name_of(pool)} is empty")


def _addresses(world: World, name: str, pool: Json) -> Iterator[tuple[int, int] | Doubt]:
    """The addresses in a pool, as family and number: given in it, or of interfaces that are in it."""
    for one in listed(properties(pool), "backendAddresses"):
        found = read_address(one.get("ipAddress"))
        yield found or Doubt(f"{name}: where {one.get('fqdn') or one.get('ipAddress')} leads is not in the estate")
    named = references(properties(pool), "backendIPConfigurations")
    for card in world.cards:
        if card.id in named or key(pool.get("id")) in references(properties(card.data), "applicationGatewayBackendAddressPools"):
            yield card.family, card.address
    for identifier in named:
        if world.card(identifier) is None:
            yield Doubt(f"{name}: {identifier} is not in the estate")
    if scale_set := None if named else world.scale_set_naming(key(pool.get("id"))):
        yield Doubt(f"{name}: the interfaces of {scale_set} are not in the estate")
