"""Over a peering, as far as it lets a packet pass. The sources stand in `peerings`."""

from __future__ import annotations

from checks.network.simulate_azure.gateways import Gateway
from checks.network.simulate_azure.peerings import Link
from checks.network.simulate_azure.steps import Dropped, Sender, Unknown
from checks.network.simulate_azure.travel import Travel
from checks.network.simulate_azure.wire import within
from checks.network.simulate_azure.world import Subnet, World


def cross(
    world: World, travel: Travel, link: Link, subnet: Subnet, sender: Sender, target: Subnet | None = None
) -> Travel | Dropped | Unknown:
    """From a subnet towards the destination, or towards an appliance in subnet `target`."""
    packet = travel.packet
    if link.remote is None:
        return Unknown(f"{link.name}: peered network {link.remote_id} is not in the estate")
    target = target or world.subnet_at(link.remote.id, packet.family, packet.destination)
    if not link.joins(subnet, target):
        return Dropped(f"{link.name}: {subnet.name} and {target.name if target else '?'} are not peered")
    if isinstance(sender, Gateway):
        if not link.lends_gateway and link.takes_forwarded:
            return Unknown(f"{link.name}: whether {sender.name} leads to {link.remote.name}, which does not use it, is not documented")
        if not link.lends_gateway:
            return Dropped(f"{link.name}: {link.remote.name} does not use the gateway of {link.local.name}")
    elif not within(list(link.local.space), packet.family, packet.source) and not link.takes_forwarded:
        return Dropped(f"{link.name}: {link.remote.name} does not take forwarded traffic")
    return travel.over(link.id, "peering")
