"""IP addresses as exact sets, and the helper that compares them with an allow-list.

IPv4 and IPv6 are kept apart. A network inside ::ffff:0:0/96 (RFC 4291, 2.5.5.2) is read as the IPv4 network it maps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network, summarize_address_range
from typing import Self

from checks.functions.declare import DataError, function
from checks.functions.ranges import Range, Ranges, intersect, merge, size, subtract

Network = IPv4Network | IPv6Network

# `ipaddress` also reads net masks, host masks and zones, which no cloud writes: 0.0.0.0/0.0.0.0 must not pass for a CIDR.
_CIDR = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?", re.ASCII)
_MAPPED_PREFIX = 96


def read_network(text: object) -> Network:
    """An address or CIDR, host bits ignored. Raises DataError for anything else."""
    if not isinstance(text, str):
        raise DataError(f"not an IP address or CIDR: {text!r}")
    return _read_network(text)


@lru_cache(maxsize=1 << 14)
def _read_network(text: str) -> Network:
    """The same few networks stand in most groups."""
    if not _CIDR.fullmatch(text):
        raise DataError(f"not an IP address or CIDR: {text!r}")
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise DataError(f"not an IP address or CIDR: {text!r}") from error
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


@dataclass(frozen=True, slots=True)
class AddressSet:
    """A set of addresses, as merged ranges of integers for each family."""

    v4: Ranges = ()
    v6: Ranges = ()

    @classmethod
    def of(cls, networks: Iterable[Network]) -> Self:
        v4: list[Range] = []
        v6: list[Range] = []
        for network in networks:
            bounds = (int(network.network_address), int(network.broadcast_address))
            (v4 if isinstance(network, IPv4Network) else v6).append(bounds)
        return cls(merge(v4), merge(v6))

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(merge(self.v4 + other.v4), merge(self.v6 + other.v6))

    def __and__(self, other: AddressSet) -> AddressSet:
        return AddressSet(intersect(self.v4, other.v4), intersect(self.v6, other.v6))

    def __sub__(self, other: AddressSet) -> AddressSet:
        return AddressSet(subtract(self.v4, other.v4), subtract(self.v6, other.v6))

    def __bool__(self) -> bool:
        return bool(self.v4 or self.v6)

    def cidrs(self) -> list[str]:
        """The fewest CIDRs that make up the set, IPv4 first, ascending."""
        v4 = [network for first, last in self.v4 for network in summarize_address_range(IPv4Address(first), IPv4Address(last))]
        v6 = [network for first, last in self.v6 for network in summarize_address_range(IPv6Address(first), IPv6Address(last))]
        return [str(network) for network in [*v4, *v6]]


EVERY_ADDRESS = AddressSet.of([IPv4Network("0.0.0.0/0"), IPv6Network("::/0")])

PRIVATE = AddressSet.of(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918."""


def sorted_cidrs(networks: Iterable[Network]) -> list[str]:
    """Networks as text, each once, IPv4 first, ascending."""
    return [str(network) for network in sorted(set(networks), key=lambda n: (n.version, int(n.network_address), n.prefixlen))]


@function(returns="bool", cidrs="list", allowed="list")
def cidrs_within(cidrs: list[object], allowed: list[object]) -> bool:
    """Whether every address of `cidrs` lies in the union of `allowed`. True for an empty `cidrs`.

    Both are lists of CIDRs or single addresses as text, IPv4 and IPv6 mixed: `['10.0.0.0/8', '2001:db8::/32']`. Host
    bits are ignored (10.1.2.3/8 is 10.0.0.0/8). Exact for unions: 0.0.0.0/0 lies within ['0.0.0.0/1', '128.0.0.0/1'].
    The families are apart: ::/0 allows no IPv4 address. A network inside ::ffff:0:0/96 is the IPv4 network it maps.

    DataError: an entry that is no text, or no CIDR (names, net masks, zones).
    Source: RFC 4632, RFC 4291.
    """
    return not _union(cidrs) - _union(allowed)


@function(returns="bool", cidrs="list", allowed="list")
def any_cidr_within(cidrs: list[object], allowed: list[object]) -> bool:
    """Whether one of `cidrs` lies as a whole in the union of `allowed`. False for an empty `cidrs`.

    Both are lists of CIDRs or single addresses as text, as for cidrs_within. It says what
    `cidrs.exists(one, cidrs_within([one], allowed))` says, and what `allowed` is made of is made once.

    DataError: an entry that is no text, or no CIDR.
    Source: RFC 4632, RFC 4291.
    """
    union, each = _union(allowed), [_union([one]) for one in cidrs]
    return any(not one - union for one in each)


def _union(cidrs: list[object]) -> AddressSet:
    """Raises DataError."""
    texts = [text for text in cidrs if isinstance(text, str)]
    if len(texts) < len(cidrs):
        return AddressSet.of(map(read_network, cidrs))  # which says of the first one that it is none
    return _union_of(tuple(texts))


@lru_cache(maxsize=256)
def _union_of(texts: tuple[str, ...]) -> AddressSet:
    """Allow-lists are the same for each resource."""
    return AddressSet.of(map(read_network, texts))


@function(returns="bool", cidrs="list")
def few_addresses(cidrs: list[object]) -> bool:
    """Whether `cidrs` leave out nearly everybody: altogether less than a /8 of public IPv4, and at most a /32 of IPv6, which
    is what one operator has. True for an empty `cidrs`; private addresses (10/8, 172.16/12, 192.168/16) do not count.

    CIDRs or single addresses as text, as for cidrs_within; what several of them cover is counted once.

    DataError: an entry that is no text, or no CIDR.
    Source: RFC 1918; IANA IPv4 address registry (each regional registry is given /8s); RIPE-738, IPv6 address allocation policy (/32).
    """
    public = AddressSet.of(map(read_network, cidrs)) - PRIVATE
    return size(public.v4) < 1 << 24 and size(public.v6) <= 1 << 96


@function(returns="list", first="string", last="string")
def address_range(first: str, last: str) -> list[str]:
    """The addresses from `first` to `last`, both included, as the fewest CIDRs: address_range('10.0.0.0', '10.0.0.5') is
    ['10.0.0.0/30', '10.0.0.4/31'].

    `first`, `last`: single addresses of one family, as text; firewall rules of Azure's database servers are written so.

    DataError: what is no single address, two families, or a range that ends before it begins.
    Source: Azure REST API reference, SQL, Firewall Rules (startIpAddress, endIpAddress); RFC 4632, RFC 4291.
    """
    bounds = [read_network(first), read_network(last)]
    if any(network.num_addresses != 1 for network in bounds):
        raise DataError(f"not a single address: {first!r} or {last!r}")
    start, end = (network.network_address for network in bounds)
    if isinstance(start, IPv4Address) != isinstance(end, IPv4Address) or int(start) > int(end):
        raise DataError(f"no range of addresses: {first!r} to {last!r}")
    kind = "v4" if isinstance(start, IPv4Address) else "v6"
    return AddressSet(**{kind: ((int(start), int(end)),)}).cidrs()
