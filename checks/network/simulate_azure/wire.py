"""Reading ARM's JSON: ids without regard to case, properties, references, prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from checks.network.packet import ICMP, ICMPV6, Packet

Json = Mapping[str, Any]
Prefix = IPv4Network | IPv6Network

# RFC 1918, RFC 6598, and what RFC 6890 keeps from the internet. Documentation ranges count as public: an estate that is
# written down uses them for what it does not want to name.
_PRIVATE = [
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16"),
        *("224.0.0.0/4", "240.0.0.0/4", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
]


def key(identifier: object) -> str:
    """An ARM id as it is compared: lower-cased, without a trailing slash."""
    return str(identifier or "").lower().rstrip("/")


def name_of(identifier: str) -> str:
    return identifier.rstrip("/").rsplit("/", 1)[-1]


def properties(thing: Any) -> Json:
    found = thing.get("properties") if isinstance(thing, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def reference(thing: Any, member: str) -> str:
    """The id that a member refers to, or the empty string."""
    found = thing.get(member) if isinstance(thing, Mapping) else None
    return key(found.get("id")) if isinstance(found, Mapping) else ""


def references(thing: Any, member: str) -> list[str]:
    return [key(one.get("id")) for one in listed(thing, member) if isinstance(one, Mapping)]


def listed(thing: Any, member: str) -> list[Any]:
    found = thing.get(member) if isinstance(thing, Mapping) else None
    return list(found) if isinstance(found, list | tuple) else []


def one_or_more(thing: Any, member: str, plural: str) -> list[Any]:
    """ARM's pairs of a singular and a plural member, which stand beside each other."""
    single = thing.get(member) if isinstance(thing, Mapping) else None
    return [*([] if single in {None, ""} else [single]), *listed(thing, plural)]


def same(left: object, right: str) -> bool:
    """ARM's enumerations, without regard to case."""
    return str(left).lower() == right.lower()


def read_prefix(text: object) -> Prefix | None:
    """A CIDR or an address; None for a service tag, and for anything else."""
    try:
        return ip_network(str(text), strict=False)
    except ValueError:
        return None


def read_address(text: object) -> tuple[int, int] | None:
    """Family and number of an address."""
    try:
        read = ip_address(str(text))
    except ValueError:
        return None
    return read.version, int(read)


def prefixes(texts: list[Any]) -> list[Prefix]:
    return [prefix for prefix in map(read_prefix, texts) if prefix is not None]


def covers(prefix: Prefix, family: int, address: int) -> bool:
    return prefix.version == family and int(prefix.network_address) <= address <= int(prefix.broadcast_address)


def within(networks: list[Prefix], family: int, address: int) -> bool:
    return any(covers(network, family, address) for network in networks)


def is_public(family: int, address: int) -> bool:
    """Whether an address can be reached over the internet."""
    return not within(_PRIVATE, family, address)


def answer_to(packet: Packet) -> Packet:
    """The packet that answers, and of that one the first again. Ports change places; ICMP is answered within the flow
    that its addresses make, so its type and code stay as they are."""
    if packet.protocol in {ICMP, ICMPV6}:
        return replace(packet, source=packet.destination, destination=packet.source)
    ports = {"source_port": packet.destination_port, "destination_port": packet.source_port}
    return replace(packet, source=packet.destination, destination=packet.source, **ports)


def every_text(thing: Any) -> Iterator[str]:
    """All texts anywhere in a value."""
    if isinstance(thing, Mapping):
        for member in thing.values():
            yield from every_text(member)
    elif isinstance(thing, list | tuple):
        for member in thing:
            yield from every_text(member)
    elif isinstance(thing, str):
        yield thing
