"""What one side of a rule names: blocks of addresses, service tags, application security groups.

Source: "Virtual network service tags" (Azure Virtual Network documentation) for what the tags hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from checks.network.azure.arm import (
    EMPTY,
    EVERYWHERE,
    FAMILIES,
    Blocks,
    Malformed,
    blocks,
    entries,
    joined,
    member,
    name,
    span,
    text,
    texts,
    without,
)  # fmt: skip
from checks.network.azure.outside import PRIVATE, Gateway, behind
from checks.network.azure.peering import Peering
from checks.network.azure.world import ROUTE_TABLE, World
from checks.network.packets import addresses

SERVICE_TAGS = "azure.network.servicetags"
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9._]*")
PLATFORM, _ = blocks(("168.63.129.16",))
"""The host's virtual address, where health probes come from ("What is IP address 168.63.129.16?")."""
_HOST_TAGS: Mapping[str, Blocks] = {
    "azureloadbalancer": PLATFORM,
    "azureplatformdns": PLATFORM,
    "azureplatformimds": blocks(("169.254.169.254",))[0],
}


@dataclass(frozen=True, slots=True)
class Side:
    """What a side surely is (`certain`), and what more it may be (`unsure`, for the reason `doubt`)."""

    certain: Blocks
    unsure: Blocks = field(default_factory=lambda: EMPTY)
    doubt: str = ""
    groups: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> bool:
        return all(self.certain[family] is EVERYWHERE[family] for family in FAMILIES)


ANYWHERE = Side(EVERYWHERE)


def united(sides: Iterable[Side]) -> Side:
    held = list(sides)
    certain = joined(one.certain for one in held)
    unsure = without(joined(one.unsure for one in held), certain)
    doubts = dict.fromkeys(one.doubt for one in held if one.doubt)
    return Side(certain, unsure, "\n".join(doubts), frozenset[str]().union(*(one.groups for one in held)))


@dataclass
class Tags:
    """Service tags as they are seen from a subnet."""

    world: World
    peerings: Mapping[str, tuple[Peering, ...]]
    gateways: Mapping[str, tuple[Gateway, ...]]
    connected: str = ""
    """Why networks may be connected without a peering that shows."""
    hubs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The virtual hub that each network is connected to, and what is not known about it."""
    _expanded: dict[str, Blocks] | None = None
    _networks: dict[tuple[str, str], Side] = field(default_factory=dict)
    _sides: dict[tuple[tuple[str, str], tuple[str, ...]], Side] = field(default_factory=dict)

    def side(self, context: tuple[str, str], written: tuple[str, ...]) -> Side:
        """What prefixes and tags stand for, in a context."""
        if (context, written) not in self._sides:
            self._sides[context, written] = united(self._one(context, one.strip()) for one in written)
        return self._sides[context, written]

    def _one(self, context: tuple[str, str], written: str) -> Side:
        if written in {"*", "0.0.0.0/0", "::/0"}:
            return ANYWHERE if written == "*" else Side(blocks((written,))[0])
        if not _TAG.fullmatch(written) or written.lower() == "any":
            try:
                family, held = span(written)
            except Malformed as error:
                return ANYWHERE if written.lower() == "any" else Side(EMPTY, EVERYWHERE, str(error))
            return Side({**EMPTY, family: addresses([held])})
        tag = written.lower()
        if tag in _HOST_TAGS:
            return Side(_HOST_TAGS[tag])
        if tag in {"virtualnetwork", "virtual_network"}:
            return self.virtual_network(context)
        if tag == "internet":
            inside = self.virtual_network(context)
            return Side(without(without(EVERYWHERE, inside.certain), inside.unsure), inside.unsure, inside.doubt)
        if (found := self.expanded.get(tag)) is not None:
            return Side(found)
        return Side(EMPTY, without(EVERYWHERE, self.virtual_network(context).certain), f"service tag {written} is not expanded")

    @property
    def expanded(self) -> Mapping[str, Blocks]:
        """The tags whose addresses the estate holds, as the service tag discovery API lists them."""
        if self._expanded is None:
            found: dict[str, Blocks] = {}
            for resource in self.world.of(SERVICE_TAGS).values():
                for data in (resource.data, member(resource.data, "properties")):
                    for one in entries(data, "values"):
                        held, wrong = blocks(texts(one, "properties", "addressPrefixes"))
                        if not wrong:
                            found.setdefault(text(one, "name").lower(), held)
            self._expanded = found
        return self._expanded

    def virtual_network(self, context: tuple[str, str]) -> Side:
        """The network's own space, its peers', what its gateways lead to, prefixes of user-defined routes, the host."""
        if context not in self._networks:
            self._networks[context] = self._virtual_network(*context)
        return self._networks[context]

    def _virtual_network(self, network: str, table: str) -> Side:
        held = [Side(PLATFORM)]
        if network in self.world.networks:
            held.append(Side(self.world.networks[network].space))
        for one in self.peerings.get(network, ()):
            if one.tagged:
                held.append(Side(one.space))
            elif one.tagged is None:
                held.append(Side(EMPTY, one.space, f"peering {one.id} does not tell whether it allows access"))
        for gateway in behind(network, self.gateways, self.peerings):
            held.append(Side(gateway.known, gateway.possible, gateway.doubt))
        if network in self.hubs:
            held.append(Side(EMPTY, PRIVATE, self.hubs[network][1]))
        if self.connected:
            held.append(Side(EMPTY, self.world.every_space, self.connected))
        held += self._routed(table)
        return united(held)

    def _routed(self, table: str) -> Iterable[Side]:
        """The prefixes of user-defined routes. The tag "might also contain default routes": with one, it may be everything."""
        resource = self.world.of(ROUTE_TABLE).get(table) if table else None
        if table and resource is None:
            yield Side(EMPTY, EVERYWHERE, f"what tag VirtualNetwork holds: {self.world.missing('route table', table)}")
        for route in entries(resource.data, "properties", "routes") if resource else ():
            prefix = text(route, "properties", "addressPrefix")
            held, wrong = blocks((prefix,)) if not _TAG.fullmatch(prefix) else (self.expanded.get(prefix.lower(), EMPTY), ())
            if wrong:
                continue
            if any(held[family] is EVERYWHERE[family] for family in FAMILIES):
                assert resource is not None
                why = f"tag VirtualNetwork may hold the default route of {name(resource.id)}"
                yield Side(EMPTY, EVERYWHERE, why)
            else:
                yield Side(held)
