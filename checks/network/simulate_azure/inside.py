"""Inside virtual networks: out of an interface, along a route, over peerings, into an interface."""

from __future__ import annotations

from dataclasses import replace

from checks.network.packet import ICMP, ICMPV6, PORTED, address
from checks.network.simulate_azure.answers import Allowed, Answer, Denied, Doubt
from checks.network.simulate_azure.crossing import cross
from checks.network.simulate_azure.edge import out, to_services
from checks.network.simulate_azure.filters import judge_subnet
from checks.network.simulate_azure.firewalls import firewall_at
from checks.network.simulate_azure.gateways import Gateway
from checks.network.simulate_azure.groups import AH, ESP, INBOUND, OUTBOUND
from checks.network.simulate_azure.middleboxes import returned, to_appliance, to_private_frontends
from checks.network.simulate_azure.peerings import links
from checks.network.simulate_azure.platform import AZURE, STAND_IN, Service, has_endpoint, servers_in, services
from checks.network.simulate_azure.routes import (
    APPLIANCE,
    ENDPOINT,
    GATEWAY,
    INTERNET_HOP,
    LOCAL,
    NOWHERE,
    PEERING,
    Route,
    choose_route,
    diverting,
    user_gateway,
)
from checks.network.simulate_azure.steps import (
    Arrived,
    AtFirewall,
    BeforeCard,
    Dropped,
    InNetwork,
    OnInternet,
    Routed,
    Scenery,
    Step,
    Steps,
    Unknown,
    stopped,
)
from checks.network.simulate_azure.tags import HOST_ADDRESS, METADATA_ADDRESS
from checks.network.simulate_azure.travel import BALANCER, SERVICE, Travel, Turned
from checks.network.simulate_azure.wire import Json, listed, properties, same
from checks.network.simulate_azure.world import Card, Subnet

# virtual-networks-faq, "What protocols can I use in virtual networks?"; blocked are IP in IP and GRE.
_CARRIED = PORTED | {ICMP, ICMPV6, ESP, AH}
_BLOCKED = frozenset({4, 41, 47})


def from_interface(scenery: Scenery, travel: Travel, interface: str) -> Steps:
    """Out of an interface: as one of its own addresses, or another's where it forwards (virtual-network-network-interface)."""
    cards = [card for card in scenery.world.cards_of(interface) if card.family == travel.packet.family]
    own = [card for card in cards if card.address == travel.packet.source]
    if not cards:
        yield Unknown(f"{interface} is not in the estate, or has no address of the packet's family")
    elif own or cards[0].forwards or scenery.answering:
        yield from _leave(scenery, travel, (own or cards)[0])
    else:
        source = address(travel.packet.family, travel.packet.source)
        yield Dropped(f"{cards[0].name}: {source} is not its address, and it does not forward")


def from_gateway(scenery: Scenery, travel: Travel, gateway: Gateway) -> Steps:
    """Out of a virtual network gateway into its network. Nothing filters there."""
    subnet = scenery.world.subnet(gateway.subnet)
    if subnet is None:
        yield Unknown(f"subnet {gateway.subnet or '?'} of {gateway.name} is not in the estate")
    else:
        yield Routed(travel.over(gateway.id, "virtual-network-gateway"), subnet, gateway)


def from_service(scenery: Scenery, travel: Travel, one: Service) -> Steps:
    """Out of a database server in its subnet; or the answer of a public endpoint, which goes back the way it came."""
    if subnet := scenery.world.subnet(one.subnet):
        answer: Answer = Allowed(("flow record",))
        if not scenery.remembers(one.id, travel):
            answer = judge_subnet(scenery.world, subnet, OUTBOUND, travel.packet)
        on = travel.over(one.id, "service", answer.by if isinstance(answer, Allowed) else ()).let(one.id)
        yield Routed(on, subnet, one) if isinstance(answer, Allowed) else stopped(answer, one.name)
        return
    if not scenery.answering and scenery.origin == "":
        yield Unknown(f"{one.name}: what a service opens by itself is not modelled")
        return
    if scenery.origin == AZURE:
        yield Arrived(AZURE, travel.over(AZURE, AZURE))
        return
    for record in scenery.turned(SERVICE):
        if record.undo(travel.packet) and (card := scenery.world.card(record.holder)):
            yield BeforeCard(travel, card)
            return
    yield OnInternet(travel)


def _leave(scenery: Scenery, travel: Travel, card: Card) -> Steps:
    subnet = scenery.world.subnet(card.subnet)
    if subnet is None:
        yield Unknown(f"{card.name}: subnet {card.subnet} is not in the estate")
        return
    if refusal := _refusal(scenery, card, travel):
        yield stopped(refusal, card.name)
        return
    answer = scenery.judge(travel, card, OUTBOUND)
    if isinstance(answer, Denied):
        yield stopped(answer, card.name)
        return
    if isinstance(answer, Doubt):
        travel = travel.doubting(f"{card.name}: {answer.why}")
    travel = travel.over(card.interface, "network-interface", answer.by if isinstance(answer, Allowed) else ()).let(card.id)
    for record in scenery.turned(BALANCER):
        if undone := record.undo(travel.packet):
            travel = travel.as_packet(undone).over(record.where, "load-balancer")
    yield Routed(travel, subnet, card)


def _refusal(scenery: Scenery, card: Card, travel: Travel) -> Denied | Doubt | None:
    """Why a packet does not even come to a filter."""
    packet = travel.packet
    if packet.family == 4 and packet.destination in {HOST_ADDRESS, METADATA_ADDRESS}:
        return Denied("the host itself answers there, without a network between")
    if packet.protocol in _BLOCKED:
        return Denied(f"virtual networks block protocol {packet.protocol}")
    if packet.protocol not in _CARRIED:
        return Doubt(f"whether virtual networks carry protocol {packet.protocol} is not documented")
    if card.endpoint and not scenery.answering:
        return Denied("a private endpoint opens no connections")
    return None


def route(scenery: Scenery, step: Routed) -> Steps:
    """Out of a subnet, by its routes."""
    travel, subnet, sender = step.travel, step.subnet, step.sender
    if (travel.packet.family, travel.packet.destination) == (4, STAND_IN) and not travel.meant:
        yield from _to_services(scenery, step)
        return
    # Network policies of private endpoints are about who opens a connection to them; their answers go straight back.
    straight = isinstance(sender, Card) and bool(sender.endpoint)
    chosen = choose_route(scenery.world, subnet, travel.packet.family, travel.packet.destination, user=not straight)
    if isinstance(chosen, Doubt):
        yield stopped(chosen, subnet.name)
        return
    step = Routed(travel.over(subnet.id, "subnet", (chosen.name,)), subnet, sender)
    if chosen.hop == LOCAL:
        yield InNetwork(step.travel, scenery.world.network_of(subnet))
    elif chosen.hop in {PEERING, ENDPOINT}:
        yield _near(scenery, step, chosen)
    elif chosen.hop == GATEWAY:
        yield _to_gateway(scenery, step, chosen)
    elif chosen.hop == APPLIANCE:
        yield from to_appliance(scenery, step, chosen)
    elif chosen.hop == INTERNET_HOP:
        yield from out(scenery, step)
    elif chosen.hop == NOWHERE:
        yield Dropped(f"{subnet.name}: {chosen.name} leads nowhere")
    else:
        yield Unknown(f"{subnet.name}: the next hop of {chosen.name} is not known")


def _to_services(scenery: Scenery, step: Routed) -> Steps:
    """To each platform service by itself: by a service endpoint, or as to any public address."""
    for one in services(scenery.world):
        meant = replace(step.travel, meant=one.id)
        if has_endpoint(step.subnet, one):
            holder = step.sender.id if isinstance(step.sender, Card) else ""
            kept = meant.turned(SERVICE, step.subnet.id, meant.packet, holder)
            yield from to_services(scenery, kept, step.subnet)
        elif diverted := diverting(scenery.world, step.subnet):
            yield Unknown(f"{step.subnet.name}: whether route {diverted} is for the address of {one.name} is not in the estate")
        else:
            yield Routed(meant, step.subnet, step.sender)


def _near(scenery: Scenery, step: Routed, chosen: Route) -> Step:
    """Into a peered network, or to a private endpoint in this or a peered one."""
    network = scenery.world.network_of(step.subnet)
    card = scenery.world.card(chosen.target)
    place = scenery.world.subnet(card.subnet) if card else None
    if card and place and place.network == network.id:
        return BeforeCard(step.travel, card)
    for link in links(scenery.world, network):
        if link.id == chosen.target or (place and link.remote_id == place.network):
            crossed = cross(scenery.world, step.travel, link, step.subnet, step.sender)
            if not isinstance(crossed, Travel):
                return crossed
            return InNetwork(crossed, link.network)
    return Unknown(f"{step.subnet.name}: where {chosen.name} leads is not in the estate")


def _to_gateway(scenery: Scenery, step: Routed, chosen: Route) -> Step:
    network = scenery.world.network_of(step.subnet)
    target = chosen.target or user_gateway(scenery.world, network)
    if not target:
        return Dropped(f"{step.subnet.name}: {chosen.name} has no gateway to lead to")
    if isinstance(step.sender, Gateway):
        return Unknown(f"{step.sender.name}: transit between on-premises networks is not modelled")
    return Arrived(target, step.travel.over(target, "virtual-network-gateway"))


def deliver(scenery: Scenery, step: InNetwork) -> Steps:
    """To whoever has the destination's address inside a network."""
    packet, world, network = step.travel.packet, scenery.world, step.network
    found: list[Step] = list(returned(scenery, step))
    if not found:
        found += [BeforeCard(step.travel, card) for card in world.cards_at(network.id, packet.family, packet.destination)]
        if firewall := firewall_at(world, network.id, packet.family, packet.destination):
            found.append(AtFirewall(step.travel, firewall))
        found += to_private_frontends(scenery, step)
    subnet = world.subnet_at(network.id, packet.family, packet.destination)
    if not found and subnet:
        found += _to_servers(scenery, step.travel, subnet)
    yield from found or [_nobody(scenery, step)]


def _to_servers(scenery: Scenery, travel: Travel, subnet: Subnet) -> Steps:
    """To the database servers in a subnet of theirs, which may have any of its addresses."""
    for one in servers_in(scenery.world, subnet, travel.packet.family, travel.packet.destination):
        answer: Answer = Allowed(("flow record",))
        if not scenery.remembers(one.id, travel):
            answer = judge_subnet(scenery.world, subnet, INBOUND, travel.packet)
        if isinstance(answer, Allowed):
            yield Arrived(one.id, travel.over(one.id, "service", answer.by).let(one.id))
        else:
            yield stopped(answer, one.name)


def _nobody(scenery: Scenery, step: InNetwork) -> Step:
    packet, world = step.travel.packet, scenery.world
    shown = address(packet.family, packet.destination)
    subnet = world.subnet_at(step.network.id, packet.family, packet.destination)
    if subnet and (unread := world.unread_card_in(subnet)):
        return Unknown(f"{subnet.name}: whether {unread} has {shown} is not in the estate")
    if subnet and (delegations := listed(properties(subnet.data), "delegations")):
        service = properties(delegations[0]).get("serviceName")
        return Unknown(f"{subnet.name}: whether an instance of {service} has {shown} is not in the estate")
    return Dropped(f"{step.network.name}: nobody has {shown}")


def arrive(scenery: Scenery, step: BeforeCard) -> Steps:
    """Through the filters of an IP configuration, and in."""
    card, travel = step.card, step.travel
    answer = (_unapproved(scenery, card) if card.endpoint else None) or scenery.judge(
        travel, card, INBOUND, closed=step.closed, floating=step.floating
    )
    if not isinstance(answer, Allowed):
        yield stopped(answer, card.name)
        return
    arrived = travel.over(card.interface, "network-interface", answer.by).let(card.id)
    yield Arrived(card.interface, arrived)
    for record in travel.made:
        if isinstance(record, Turned) and "/loadbalancers/" in record.where and record.after == travel.packet:
            # The load balancer answers nothing itself: who takes in what it passed on answers for it.
            yield Arrived(record.where, arrived.as_packet(record.before), by=(card.interface, travel.packet))
    for connection in _connections(scenery, card) if card.endpoint else []:
        service = str(properties(connection).get("privateLinkServiceId", ""))
        if "/privatelinkservices/" in service.lower():
            yield Unknown(f"{card.name}: what lies behind private link service {service} is not modelled")


def _unapproved(scenery: Scenery, card: Card) -> Denied | Doubt | None:
    """Only an approved connection takes traffic (private-endpoint-overview)."""
    for connection in _connections(scenery, card):
        status = (properties(connection).get("privateLinkServiceConnectionState") or {}).get("status")
        if status is None:
            return Doubt("the state of its connection is not in the estate")
        return None if same(status, "Approved") else Denied(f"the private endpoint's connection is {status}")
    return Doubt(f"private endpoint {card.endpoint} is not in the estate")


def _connections(scenery: Scenery, card: Card) -> list[Json]:
    given = properties(scenery.world.resource("network.privateendpoints", card.endpoint))
    return [*listed(given, "privateLinkServiceConnections"), *listed(given, "manualPrivateLinkServiceConnections")]
