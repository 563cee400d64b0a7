"""Which addresses a service tag stands for, seen from one subnet.

Sources: Azure docs, service-tags-overview. VirtualNetwork: the network's address space, peered networks, connected
on-premises address spaces, the host's virtual address 168.63.129.16, and "address prefixes used on user-defined routes.
This tag might also contain default routes": with a route for 0.0.0.0/0 in the subnet's table it holds every address.
Internet: "the IP address space that's outside the virtual network and reachable by the public internet". AzureLoadBalancer:
168.63.129.16. All others are what the service tag list (azure.network.servicetags) says, which is the same from every region.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from checks.network.simulate_azure.answers import Doubt, Match
from checks.network.simulate_azure.gateways import gateways_for
from checks.network.simulate_azure.peerings import links
from checks.network.simulate_azure.wire import Prefix, covers, is_public, listed, prefixes, properties, read_prefix, reference, same, within
from checks.network.simulate_azure.world import Subnet, World

HOST_ADDRESS = int(IPv4Address("168.63.129.16"))
METADATA_ADDRESS = int(IPv4Address("169.254.169.254"))


def in_tag(world: World, tag: str, subnet: Subnet, family: int, address: int) -> Match:
    """Whether an address lies in a service tag, for filters of interfaces in `subnet`."""
    match tag.lower():
        case "virtualnetwork" | "virtual_network":
            return in_virtual_network(world, subnet, family, address)
        case "internet":
            return _in_internet(world, subnet, family, address)
        case "azureloadbalancer" | "azure_loadbalancer":
            return (family, address) == (4, HOST_ADDRESS)
        case "azureplatformdns" | "azureplatformlkm":
            return False
        case "azureplatformimds":
            return (family, address) == (4, METADATA_ADDRESS)
        case _:
            expanded = expand(world, tag)
            if expanded is None:
                return Doubt(f"service tag {tag} is not expanded in the estate")
            return within(expanded, family, address)


def expand(world: World, tag: str) -> list[Prefix] | None:
    """The prefixes that the service tag list gives for a tag; None where no list in the estate has it."""
    for tags in world.of("network.servicetags"):
        for value in [*listed(tags, "values"), *listed(properties(tags), "values"), tags]:
            if same(value.get("name"), tag) and "addressPrefixes" in properties(value):
                return prefixes(listed(properties(value), "addressPrefixes"))
    return None


def in_virtual_network(world: World, subnet: Subnet, family: int, address: int) -> Match:
    if (family, address) == (4, HOST_ADDRESS) or _in_spaces(world, subnet, family, address):
        return True
    routed = _in_user_routes(world, subnet, family, address)
    if routed is not False:
        return routed
    for gateway in gateways_for(world, world.network_of(subnet)):
        if gateway.open_end and not is_public(family, address):
            return gateway.open_end
    return False


def _in_spaces(world: World, subnet: Subnet, family: int, address: int) -> bool:
    """In the network, a peer, or a known on-premises range."""
    network = world.network_of(subnet)
    held = list(network.space)
    held += [prefix for link in links(world, network) if link.in_tag for prefix in link.prefixes]
    held += [prefix for gateway in gateways_for(world, network) for prefix in gateway.known]
    return within(held, family, address)


def _in_user_routes(world: World, subnet: Subnet, family: int, address: int) -> Match:
    identifier = reference(properties(subnet.data), "routeTable")
    if not identifier:
        return False
    table = world.resource("network.routetables", identifier)
    if table is None:
        return Doubt(f"route table {identifier} is not in the estate")
    doubt: Doubt | None = None
    for route in listed(properties(table), "routes"):
        destination = str(properties(route).get("addressPrefix", ""))
        prefix = read_prefix(destination)
        if prefix is not None:
            if covers(prefix, family, address):
                return True
            continue
        expanded = expand(world, destination)
        if expanded is None:
            doubt = doubt or Doubt(f"service tag {destination} is not expanded in the estate")
        elif within(expanded, family, address):
            return True
    return doubt or False


def _in_internet(world: World, subnet: Subnet, family: int, address: int) -> Match:
    if _in_spaces(world, subnet, family, address) or (family, address) == (4, HOST_ADDRESS):
        return False
    if not is_public(family, address):
        return Doubt("whether the Internet tag holds a private address outside the virtual network is not documented")
    routed = _in_user_routes(world, subnet, family, address)
    if routed is True:
        return Doubt(
            "whether the Internet tag holds an address that a user-defined route puts into the VirtualNetwork tag is not documented"
        )
    return routed if isinstance(routed, Doubt) else True
