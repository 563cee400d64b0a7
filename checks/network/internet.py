"""Which addresses the internet may send from."""

from __future__ import annotations

from ipaddress import ip_network

from checks.network.packets import EVERYBODY, addresses, network_span

_NOT_PUBLIC_V4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "224.0.0.0/3",
)  # fmt: skip
"""IANA IPv4 special-purpose registry (RFC 6890), multicast and class E; documentation networks stay in: examples use them.
168.63.129.16 is the platform within each Azure network, and nobody outside ("What is IP address 168.63.129.16?")."""

PUBLIC = {
    4: EVERYBODY[4] - addresses(network_span(ip_network(block)) for block in _NOT_PUBLIC_V4),
    6: addresses([network_span(ip_network("2000::/3"))]),
}
"""By family. Global unicast IPv6 is 2000::/3 (RFC 4291, IANA IPv6 address space)."""

SENDERS = {4: PUBLIC[4] - addresses([network_span(ip_network("192.0.0.0/24"))]), 6: PUBLIC[6]}
"""Who may send from there: the rest stands for services whose addresses nobody knows (IETF protocol assignments, RFC 6890)."""
