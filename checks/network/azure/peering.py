"""Peerings of virtual networks: which packets of one network may go to another, and what makes that unsure.

Sources: "Create, change, or delete a virtual network peering" (Azure Virtual Network documentation): both sides must be
connected; not transitive; forwarded traffic, gateway transit. `allowVirtualNetworkAccess: false` takes the peer out of
the tag VirtualNetwork; that page says that it stops traffic, measurements say that it does not ("VNet peering settings,
those familiar strangers", blog.cloudtrooper.net, which found the same of `allowForwardedTraffic`): both are doubts here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.network.azure.arm import FAMILIES, Blocks, blocks, entries, joined, key, member, reference, text, texts, without
from checks.network.azure.world import Network, World
from checks.network.packets import NOBODY


@dataclass(frozen=True, slots=True)
class Peering:
    """One side of a peering: the way from `network` to `remote`, both keys.

    `local` and `space` are the addresses at its two ends. `doubt` says why it is not sure that anything goes this way,
    `forwards` whether packets may that come from elsewhere than `local` (None: nobody knows), `tagged` whether the
    peer's addresses belong to the tag VirtualNetwork here (None: nobody knows).
    """

    id: str
    network: str
    remote: str
    remote_id: str
    local: Blocks
    space: Blocks
    prefixes: tuple[str, ...]
    doubt: str
    forwards: bool | None
    tagged: bool | None
    gives_gateway: bool
    uses_gateway: bool


def peerings(world: World) -> Mapping[str, tuple[Peering, ...]]:
    """The ways out of each network over its peerings that are connected, or may be."""
    return {id_: tuple(_of(world, network)) for id_, network in world.networks.items()}


def _of(world: World, network: Network) -> list[Peering]:
    found = []
    for one in entries(network.data, "properties", "virtualNetworkPeerings"):
        properties = member(one, "properties")
        state = text(properties, "peeringState")
        if state in {"Initiated", "Disconnected"}:
            continue
        remote_id = reference(properties, "remoteVirtualNetwork")
        id_ = text(one, "id") or f"{network.id}/virtualNetworkPeerings/{text(one, 'name')}"
        doubts = []
        if state != "Connected":
            doubts.append(f"peering {id_} does not tell a state that is known")
        if not remote_id:
            doubts.append(f"peering {id_} does not tell which network it leads to")
        remote = world.networks.get(key(remote_id))
        theirs = None
        if remote is None:
            doubts.append(f"virtual network {remote_id} is not in the estate, and is peered with {network.id}")
        else:
            theirs = _towards(remote, network)
            if theirs is None or text(theirs, "peeringState") in {"Initiated", "Disconnected"}:
                doubts.append(f"peering {id_} is connected, and {remote.id} holds no connected peering back")
        access, their_access = _flag(properties, "allowVirtualNetworkAccess"), _flag(theirs, "allowVirtualNetworkAccess")
        if access is not True or (theirs is not None and their_access is not True):
            doubts.append(f"peering {id_} does not allow virtual network access on both sides, which is told not to stop all traffic")
        local, space, prefixes, problems = _ends(network, remote, properties)
        found.append(
            Peering(
                id_,
                network.key,
                key(remote_id),
                remote_id,
                local,
                space,
                prefixes,
                "\n".join([*doubts, *problems]),
                _flag(theirs, "allowForwardedTraffic") if theirs is not None else None,
                access,
                _flag(properties, "allowGatewayTransit") is True and _flag(theirs, "useRemoteGateways") is not False,
                _flag(properties, "useRemoteGateways") is True,
            )
        )
    return found


def _towards(remote: Network, network: Network) -> Mapping[str, Any] | None:
    for one in entries(remote.data, "properties", "virtualNetworkPeerings"):
        if key(reference(one, "properties", "remoteVirtualNetwork")) == network.key:
            found: Mapping[str, Any] | None = member(one, "properties")
            return found
    return None


def _flag(properties: Any, name: str) -> bool | None:
    found = member(properties, name)
    return found if isinstance(found, bool) else None


def _ends(network: Network, remote: Network | None, properties: Any) -> tuple[Blocks, Blocks, tuple[str, ...], tuple[str, ...]]:
    """(addresses here, addresses there, the prefixes there, what is wrong). Of a peering of subnets, only theirs (ARM
    reference, VirtualNetworkPeering: peerCompleteVnets)."""
    prefixes = texts(properties, "remoteAddressSpace", "addressPrefixes")
    prefixes = prefixes or texts(properties, "remoteVirtualNetworkAddressSpace", "addressPrefixes") or (remote.prefixes if remote else ())
    local = network.space
    if _flag(properties, "peerCompleteVnets") is False:
        local = _named(network, texts(properties, "localSubnetNames"))
        if not any(local.values()):
            local = blocks(texts(properties, "localAddressSpace", "addressPrefixes"))[0]
        if remote is not None and (names := {one.lower() for one in texts(properties, "remoteSubnetNames")}):
            prefixes = tuple(prefix for one in remote.subnets if one.name.lower() in names for prefix in one.prefixes)
    space, wrong = blocks(prefixes)
    if _flag(properties, "peerCompleteVnets") is False and _flag(properties, "enableOnlyIPv6Peering"):
        local, space = {**local, 4: NOBODY}, {**space, 4: NOBODY}
    overlap = any(space[family] & network.space[family] for family in FAMILIES)
    problems = (f"{network.id} and its peer {reference(properties, 'remoteVirtualNetwork')} have addresses in common",) if overlap else ()
    return local, without(space, network.space) if overlap else space, prefixes, (*wrong, *problems)


def _named(network: Network, names: tuple[str, ...]) -> Blocks:
    wanted = {one.lower() for one in names}
    return joined(one.space for one in network.subnets if one.name.lower() in wanted)
