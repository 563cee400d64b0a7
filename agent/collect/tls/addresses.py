"""Which addresses are asked: none that no server can be at, none where clouds answer their own machines, and private ones only
where somebody named them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192")))
"""Where clouds answer their machines, beside the link-local addresses: Amazon EC2 and Google Compute Engine over IPv6, Azure's
platform, Alibaba Cloud, Oracle Cloud Infrastructure Classic (each provider's documentation of instance metadata)."""
_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 behind IPv6 (RFC 6052)."""


def reserved(text: str, *, private_allowed: bool) -> str | None:
    """What an address is that must not be asked; None for one that may be."""
    address = _plain(text)
    if address.is_link_local or address in _METADATA:
        return "a link-local or metadata address"
    if address.is_multicast or address.is_unspecified:
        return "an address of no machine"
    if address.is_private and not private_allowed:
        return "a private address, though nobody named it"
    return None


def is_private(text: str) -> bool:
    return _plain(text).is_private


def _plain(text: str) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address)
    return address
