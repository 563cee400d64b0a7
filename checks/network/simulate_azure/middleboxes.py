"""What stands between sender and receiver: load balancers, application gateways, Azure Firewall, other appliances.

An appliance that is no Azure Firewall does what its own software says, which no estate tells. firewall/integrate-lb: "Since
the firewall is stateful, it drops the returning packet because the firewall is not aware of such an established session."
"""

from __future__ import annotations

from dataclasses import replace

from checks.network.packet import INTERNET
from checks.network.simulate_azure.answers import Allowed
from checks.network.simulate_azure.application_gateways import Connection, Listening, connections, listens, private_listening
from checks.network.simulate_azure.balancers import Backend, Frontend, backends, private_frontends
from checks.network.simulate_azure.crossing import cross
from checks.network.simulate_azure.filters import judge_subnet
from checks.network.simulate_azure.firewalls import Passed, decide, firewall_at
from checks.network.simulate_azure.groups import INBOUND, OUTBOUND
from checks.network.simulate_azure.peerings import links
from checks.network.simulate_azure.routes import INTERNET_HOP, Route, choose_route
from checks.network.simulate_azure.steps import (
    Arrived,
    AtFirewall,
    BeforeCard,
    Dropped,
    InNetwork,
    Routed,
    Scenery,
    Step,
    Steps,
    Unknown,
    stopped,
)
from checks.network.simulate_azure.travel import BALANCER, DEVICE, ENTRY, Travel
from checks.network.simulate_azure.wire import Json, is_public, key, listed, properties, read_address, reference
from checks.network.simulate_azure.world import Network


def to_private_frontends(scenery: Scenery, step: InNetwork) -> Steps:
    """To internal load balancers and application gateways with the destination's address."""
    packet = step.travel.packet
    for frontend in private_frontends(scenery.world, step.network.id, packet.family, packet.destination):
        yield from balance(scenery, step.travel, frontend, BALANCER)
    for listening in private_listening(scenery.world, step.network.id, packet.family, packet.destination):
        yield from through_application_gateway(scenery, step.travel, listening)


def balance(scenery: Scenery, travel: Travel, frontend: Frontend, kind: str) -> Steps:
    """To each backend that the load balancer may choose."""
    for backend in backends(scenery.world, frontend, travel.packet):
        if isinstance(backend, Backend):
            over = travel.over(frontend.balancer["id"], "load-balancer", (backend.rule,))
            turned = over.turned(kind, frontend.balancer["id"], backend.packet)
            yield BeforeCard(turned, backend.card, closed=kind == ENTRY and not frontend.basic, floating=backend.floating)
        else:
            yield stopped(backend, frontend.name)


def through_application_gateway(scenery: Scenery, travel: Travel, listening: Listening) -> Steps:
    """The gateway ends the client's connection, and opens others to its backends."""
    subnet = listening.subnet
    if subnet is None:
        yield Unknown(f"{listening.name}: its subnet is not in the estate")
        return
    answer = judge_subnet(scenery.world, subnet, INBOUND, replace(travel.packet, destination=listening.instance))
    if not isinstance(answer, Allowed):
        yield stopped(answer, listening.name)
        return
    identifier, onward = listening.gateway["id"], []
    opening = connections(scenery.world, listening, travel.packet)
    if not listens(listening, travel.packet):
        yield from (stopped(one, listening.name) for one in opening if not isinstance(one, Connection))
        return
    for connection in opening:
        if not isinstance(connection, Connection):
            onward.append(stopped(connection, listening.name))
            continue
        opened = travel.over(identifier, "application-gateway", (*answer.by, connection.rule))
        opened = opened.turned(DEVICE, identifier, connection.packet, listening.frontend)
        leaving = judge_subnet(scenery.world, subnet, OUTBOUND, opened.packet)
        onward.append(Routed(opened, subnet, listening) if isinstance(leaving, Allowed) else stopped(leaving, listening.name))
    here = travel.over(identifier, "application-gateway", answer.by)
    if entered := reference(properties(_frontend(listening)), "publicIPAddress"):
        here = here.turned(ENTRY, entered, replace(travel.packet, destination=listening.instance))
    yield Arrived(identifier, here.let(identifier), onward=tuple(onward))


def _frontend(listening: Listening) -> Json:
    every = listed(properties(listening.gateway), "frontendIPConfigurations")
    return next((one for one in every if key(one.get("id")) == listening.frontend), {})


def from_application_gateway(scenery: Scenery, travel: Travel, identifier: str) -> Steps:
    """The gateway's answer to a client."""
    gateway = scenery.world.resource("network.applicationgateways", identifier) or {}
    configurations = listed(properties(gateway), "gatewayIPConfigurations")
    subnet = scenery.world.subnet(next((reference(properties(one), "subnet") for one in configurations), ""))
    if subnet is None or not scenery.remembers(identifier, travel):
        yield Unknown(f"{identifier}: what an application gateway opens by itself is not modelled")
        return
    yield Routed(travel.over(identifier, "application-gateway", ("flow record",)), subnet, Listening(gateway, "", subnet, 0))


def returned(scenery: Scenery, step: InNetwork) -> Steps:
    """An answer that comes back to an application gateway's instance goes on to the client."""
    for record in scenery.turned(DEVICE):
        gateway = scenery.world.resource("network.applicationgateways", record.where)
        undone = record.undo(step.travel.packet)
        configurations = listed(properties(gateway), "gatewayIPConfigurations")
        subnet = scenery.world.subnet(next((reference(properties(one), "subnet") for one in configurations), ""))
        if gateway and undone and subnet and subnet.network == step.network.id:
            travel = step.travel.as_packet(undone).over(record.where, "application-gateway", ("session",))
            yield Routed(travel, subnet, Listening(gateway, record.holder, subnet, step.travel.packet.destination))
            return


def through_firewall(scenery: Scenery, step: AtFirewall) -> Steps:
    """By the firewall's rules, or, for an answer, by what it remembers."""
    firewall, world = step.firewall, scenery.world
    subnet = world.subnet(firewall.subnet)
    if subnet is None:
        yield Unknown(f"{firewall.name}: its subnet is not in the estate")
        return
    if scenery.answering:
        on = _answered(scenery, step)
        yield Routed(on, subnet, firewall) if on else Dropped(f"{firewall.name}: it knows no session of {step.travel.packet}")
        return
    decided = decide(world, firewall, step.travel.packet)
    if not isinstance(decided, Passed):
        yield stopped(decided, firewall.name)
        return
    on = step.travel.over(firewall.id, "azure-firewall", (decided.rule,))
    on = on.let(firewall.id) if decided.packet == on.packet else on.turned(DEVICE, firewall.id, decided.packet)
    chosen = choose_route(world, subnet, on.packet.family, on.packet.destination)
    if decided.hides and isinstance(chosen, Route) and chosen.hop != INTERNET_HOP:
        on = on.turned(DEVICE, firewall.id, replace(on.packet, source=firewall.private))
    yield Routed(on, subnet, firewall)


def _answered(scenery: Scenery, step: AtFirewall) -> Travel | None:
    """The answer as the firewall sends it on; None where it remembers nothing that it answers."""
    on = step.travel.over(step.firewall.id, "azure-firewall", ("session",))
    known = scenery.remembers(step.firewall.id, on)
    for record in scenery.turned(DEVICE):
        if record.where == step.firewall.id and (undone := record.undo(on.packet)):
            on, known = on.as_packet(undone), True
    return on if known else None


def to_appliance(scenery: Scenery, step: Routed, chosen: Route) -> Steps:
    """To the next hop that a user-defined route names by its address, in the same or a peered network."""
    held, world = read_address(chosen.target), scenery.world
    network = world.network_of(step.subnet)
    if held is None:
        yield Unknown(f"{step.subnet.name}: {chosen.name} names no next hop address")
        return
    near = [(network, None), *((link.remote, link) for link in links(world, network) if link.remote)]
    for place, link in near:
        firewall = firewall_at(world, place.id, *held)
        if not firewall and not world.cards_at(place.id, *held):
            continue
        target = world.subnet_at(place.id, *held)
        passed = cross(world, step.travel, link, step.subnet, step.sender, target) if link else step.travel
        if not isinstance(passed, Travel):
            yield passed
        elif firewall:
            yield AtFirewall(passed, firewall)
        else:
            yield _to_other(scenery, passed, chosen, held, place)
        return
    yield _to_other(scenery, step.travel, chosen, held, network)


def _to_other(scenery: Scenery, travel: Travel, chosen: Route, held: tuple[int, int], place: Network) -> Step:
    """To an appliance that is no Azure Firewall."""
    cards, name = scenery.world.cards_at(place.id, *held), chosen.target
    for card in cards:
        name = card.name
        if travel.packet.destination == card.address:
            return BeforeCard(travel, card)
        if not card.forwards:
            return Dropped(f"{card.name}: {chosen.name} leads here, but the interface does not forward")
    if scenery.origin == INTERNET and is_public(travel.packet.family, travel.packet.destination):
        return Dropped(f"{chosen.name} takes the answer to appliance {name}, which did not see what it answers")
    return Unknown(f"what appliance {name} does, where {chosen.name} leads, is not in the estate")
