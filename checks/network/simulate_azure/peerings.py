"""Virtual network peerings as one network sees them.

Sources: Azure docs, virtual-network-manage-peering: both sides must be Connected; "Allow virtual network access" only
changes what the VirtualNetwork service tag holds and does not stop traffic that a rule lets through otherwise; without
"Allow forwarded traffic" a network takes from its peer only what the peer's own addresses sent; a gateway is used across
a peering where one side allows its transit and the other uses remote gateways. Peering is not transitive.
how-to-configure-subnet-peering: with peerCompleteVnets false only the named subnets are peered, and packets from or to
other subnets are dropped. ARM VirtualNetworkPeeringPropertiesFormat: remoteAddressSpace is what is peered.
"""

from __future__ import annotations

from dataclasses import dataclass

from checks.network.simulate_azure.wire import Json, Prefix, key, listed, name_of, prefixes, properties, reference, same
from checks.network.simulate_azure.world import Network, Subnet, World


@dataclass(frozen=True, slots=True)
class Link:
    """One peering, from `local`'s side. `remote` is None where the other network is not in the estate."""

    id: str
    name: str
    local: Network
    remote_id: str
    remote: Network | None
    near: Json
    far: Json
    """The other network's peering back."""
    prefixes: tuple[Prefix, ...]

    @property
    def network(self) -> Network:
        """The other network, where it is in the estate."""
        assert self.remote is not None
        return self.remote

    @property
    def in_tag(self) -> bool:
        """Whether the local network's VirtualNetwork tag holds the remote one."""
        return self.near.get("allowVirtualNetworkAccess") is not False

    @property
    def takes_forwarded(self) -> bool:
        """Whether the remote network takes what is forwarded through the local one."""
        return self.far.get("allowForwardedTraffic") is True

    @property
    def uses_remote_gateway(self) -> bool:
        return self.near.get("useRemoteGateways") is True and self.far.get("allowGatewayTransit") is True

    @property
    def lends_gateway(self) -> bool:
        return self.near.get("allowGatewayTransit") is True and self.far.get("useRemoteGateways") is True

    def joins(self, source: Subnet | None, target: Subnet | None) -> bool:
        """Whether packets pass from a local to a remote subnet, as far as subnet peering goes."""
        return all(
            _names(side, member, subnet)
            for side, member, subnet in (
                (self.near, "localSubnetNames", source),
                (self.near, "remoteSubnetNames", target),
                (self.far, "localSubnetNames", target),
                (self.far, "remoteSubnetNames", source),
            )
        )


def links(world: World, network: Network) -> list[Link]:
    """The peerings of a network that are connected, on both sides where both can be seen."""
    found = []
    for peering in network.peerings:
        near = properties(peering)
        if not same(near.get("peeringState"), "Connected"):
            continue
        remote_id = reference(near, "remoteVirtualNetwork")
        remote = world.network(remote_id)
        far = _back(remote, network) if remote else {}
        if far is None:
            continue
        name = str(peering.get("name") or name_of(str(peering.get("id", remote_id))))
        identifier = key(peering.get("id") or f"{network.id}/virtualnetworkpeerings/{name}")
        found.append(Link(identifier, name, network, remote_id, remote, near, far, tuple(_prefixes(world, near, remote))))
    return found


def _back(remote: Network, local: Network) -> Json | None:
    for peering in remote.peerings:
        far = properties(peering)
        if reference(far, "remoteVirtualNetwork") == local.id and same(far.get("peeringState"), "Connected"):
            return far
    return None


def _prefixes(world: World, near: Json, remote: Network | None) -> list[Prefix]:
    peered = prefixes(listed(near.get("remoteAddressSpace"), "addressPrefixes"))
    if near.get("peerCompleteVnets") is False and remote:
        names = [str(name).lower() for name in listed(near, "remoteSubnetNames")]
        peered = [prefix for one in world.subnets if one.network == remote.id and one.name.lower() in names for prefix in one.ranges]
    peered = peered or (list(remote.space) if remote else [])
    if near.get("enableOnlyIPv6Peering") is True:
        return [prefix for prefix in peered if prefix.version == 6]
    return peered


def _names(side: Json, member: str, subnet: Subnet | None) -> bool:
    if side.get("peerCompleteVnets") is not False or subnet is None:
        return True
    return subnet.name.lower() in [str(name).lower() for name in listed(side, member)]
