"""Where the estate meets the internet: public addresses on the way in, source translation on the way out.

Sources: Azure docs, public-ip-addresses; load-balancer-outbound-connections ("A public IP assigned to a VM is a 1:1
relationship ... stateless 1:1 NAT"); nat-overview ("Return traffic from the internet is only allowed in response to an
active flow").
"""

from __future__ import annotations

from dataclasses import replace

from checks.network.packet import INTERNET, Packet, address
from checks.network.simulate_azure.answers import Allowed, Denied, Doubt
from checks.network.simulate_azure.application_gateways import Listening, public_listening
from checks.network.simulate_azure.balancers import public_frontends
from checks.network.simulate_azure.firewalls import Firewall, firewall_with, firewalls, source_for
from checks.network.simulate_azure.middleboxes import balance, through_application_gateway
from checks.network.simulate_azure.outbound import UNTOLD, Exit, exit_of_card, exit_of_subnet, public_of
from checks.network.simulate_azure.platform import AZURE, STAND_IN, Service, admits, services
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
from checks.network.simulate_azure.travel import ENTRY, EXIT, Travel, Turned
from checks.network.simulate_azure.wire import is_public, listed, properties, reference
from checks.network.simulate_azure.world import Card, PublicAddress, Subnet


def from_internet(scenery: Scenery, travel: Travel) -> Steps:
    """A packet that somebody on the internet sends: the estate's only where one of its public addresses is meant."""
    packet = travel.packet
    if not is_public(packet.family, packet.source) and not scenery.answering:
        yield Dropped(f"{INTERNET}: {address(packet.family, packet.source)} is no source on the internet")
        return
    for step in over_internet(scenery, OnInternet(travel)):
        if isinstance(step, Arrived) and step.at == INTERNET:
            yield Dropped(f"{INTERNET}: {address(packet.family, packet.destination)} is no public address of the estate")
        else:
            yield step


def over_internet(scenery: Scenery, step: OnInternet) -> Steps:
    """To a public address of the estate, back to whoever went out from one, or away."""
    packet, travel = step.travel.packet, step.travel
    for record in scenery.turned(EXIT):
        if undone := record.undo(packet):
            yield from _back(scenery, travel.as_packet(undone).over(record.where, "source-translation"), record.holder)
            return
    if (packet.family, packet.destination) == (4, STAND_IN):
        yield from to_services(scenery, travel, azure=any(isinstance(one, Turned) and one.kind == EXIT for one in travel.made))
        return
    public = scenery.world.public_address_at(packet.family, packet.destination)
    if public and packet.source == UNTOLD:
        yield Unknown(f"{public.name}: the address that default outbound access gives to the sender is not in the estate")
    elif public:
        yield from _enter(scenery, travel.over(public.id, "public-ip"), public)
    else:
        yield Arrived(INTERNET, travel.over(INTERNET, INTERNET))


def to_services(scenery: Scenery, travel: Travel, subnet: Subnet | None = None, *, azure: bool = False) -> Steps:
    """To each service with the address that stands for all of theirs."""
    for one in services(scenery.world):
        if travel.meant in {"", one.id}:
            answer = admits(scenery.world, one, travel.packet, subnet=subnet, azure=azure)
            arrived = travel.over(one.id, "service", answer.by if isinstance(answer, Allowed) else ())
            yield Arrived(one.id, arrived) if isinstance(answer, Allowed) else stopped(answer, one.name)


def from_azure(scenery: Scenery, travel: Travel) -> Steps:
    """A packet from another customer's service: only to services that admit all of Azure."""
    if (travel.packet.family, travel.packet.destination) == (4, STAND_IN):
        yield from to_services(scenery, travel, azure=True)
    else:
        yield Dropped(f"{AZURE}: {address(travel.packet.family, travel.packet.destination)} is no service of the estate")


def _back(scenery: Scenery, travel: Travel, holder: str) -> Steps:
    if card := scenery.world.card(holder):
        yield BeforeCard(travel, card)
    yield from (AtFirewall(travel, firewall) for firewall in firewalls(scenery.world) if firewall.id == holder)
    gateway = scenery.world.resource("network.applicationgateways", holder)
    for configuration in listed(properties(gateway), "gatewayIPConfigurations"):
        if subnet := scenery.world.subnet(reference(properties(configuration), "subnet")):
            yield InNetwork(travel, scenery.world.network_of(subnet))
            return


def _enter(scenery: Scenery, travel: Travel, public: PublicAddress) -> Steps:
    """At whatever has the public address."""
    found: list[Step] = []
    for card in scenery.world.cards:
        if card.public_address == public.id:
            turned = travel.turned(ENTRY, public.id, replace(travel.packet, destination=card.address))
            found.append(BeforeCard(turned, card, closed=not public.basic))
    for frontend in public_frontends(scenery.world, public.id):
        found += balance(scenery, travel, frontend, ENTRY)
    for listening in public_listening(scenery.world, public.id, public.family):
        found += through_application_gateway(scenery, travel, listening)
    if firewall := firewall_with(scenery.world, public.id):
        found.append(AtFirewall(travel, firewall))
    yield from found or [_unheld(public)]


def _unheld(public: PublicAddress) -> Step:
    """A public address of something that takes no connections, is not read, or is not there."""
    user = reference(properties(public.data), "ipConfiguration")
    if reference(properties(public.data), "natGateway"):
        return Dropped(f"{public.name}: a NAT gateway takes no connections from outside")
    if "/virtualnetworkgateways/" in user:
        return Dropped(f"{public.name}: a virtual network gateway takes tunnels, not packets for the network")
    if user:
        return Unknown(f"{public.name}: {user} is not in the estate, or not modelled")
    return Dropped(f"{public.name}: nothing has this public address")


def out(scenery: Scenery, step: Routed) -> Steps:
    """From a subnet to the internet."""
    packet, travel = step.travel.packet, step.travel
    if not is_public(packet.family, packet.destination):
        yield Dropped(f"{step.subnet.name}: {address(packet.family, packet.destination)} is no address on the internet")
        return
    for record in scenery.turned(ENTRY):
        if undone := record.undo(packet):
            yield OnInternet(travel.as_packet(undone).over(record.where, "public-ip"))
            return
    if scenery.answering and is_public(packet.family, packet.source):
        yield OnInternet(travel)
        return
    leaving = _exit(scenery, step, packet)
    if isinstance(leaving, Exit):
        holder = step.sender.gateway["id"] if isinstance(step.sender, Listening) else step.sender.id
        turned = travel.turned(EXIT, leaving.id, replace(packet, source=leaving.address), holder)
        yield OnInternet(turned.over(leaving.id, leaving.kind))
    else:
        yield stopped(leaving, step.subnet.name)


def _exit(scenery: Scenery, step: Routed, packet: Packet) -> Exit | Denied | Doubt:
    """As whom the sender goes out."""
    world, subnet = scenery.world, step.subnet
    match step.sender:
        case Card() as card if card.address != packet.source:
            # virtual-networks-udr-overview: an appliance must translate to its own address, which Azure then translates.
            return Denied(f"{address(packet.family, packet.source)} is not an address of {card.name}")
        case Card() as card:
            return exit_of_card(world, card, subnet, packet)
        case Firewall() as firewall:
            own = source_for(world, firewall, packet.family)
            without = Denied(f"{firewall.name} has no public address")
            return exit_of_subnet(world, subnet, packet) or (without if own is None else Exit(firewall.id, "azure-firewall", own))
        case Listening() as listening:
            public = public_of(world, listed(properties(listening.gateway), "frontendIPConfigurations"), packet.family)
            unclear = Doubt(f"as whom {listening.name} goes out is not modelled")
            return Exit(public.id, "public-ip", public.address) if public else unclear
        case Service() as server:
            return exit_of_subnet(world, subnet, packet) or Doubt(f"as whom {server.name} goes out is not in the estate")
        case gateway:
            return Denied(f"{gateway.name}: what comes from on-premises does not go out to the internet here")
