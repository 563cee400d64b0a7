"""Which packets a question is about, as people write it: `tcp`, `443,8000-8100`."""

from __future__ import annotations

from checks.network.packet import PROTOCOL_NAMES
from checks.network.packets import PORTS, PROTOCOLS, Span
from checks.network.question import PORTED_ONLY, Wanted

ANY = "any"
_NUMBERS = {
    **{name: number for number, name in PROTOCOL_NAMES.items()},
    "igmp": 2, "ipip": 4, "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "sctp": 132, "icmp6": 58, "ipv6-icmp": 58,
}  # fmt: skip
"""IANA, Assigned Internet Protocol Numbers."""


class Unclear(ValueError):
    """A protocol or port that is written in no way known; the message says what would be."""


def wanted(protocol: str = ANY, ports: str = ANY, source_ports: str = ANY) -> Wanted:
    """The packets of a protocol (a name, a number, or any), to and from ports (numbers and ranges, comma-separated, or any).

    Ports without a protocol mean TCP and UDP. Without source ports, those that clients use (1024-65535) are meant, and the
    lower ones too where a rule tells source ports apart.
    Raises Unclear.
    """
    to, from_ = _spans(ports), _spans(source_ports)
    numbers = _protocols(protocol)
    ported = any(low <= number <= high for low, high in numbers for number, _ in PORTED_ONLY)
    if to or from_:
        if not ported:
            raise Unclear(f"{protocol} has no ports: leave the ports out, or ask for tcp or udp")
        numbers = tuple(span for span in PORTED_ONLY if any(low <= span[0] <= high for low, high in numbers))
    return Wanted(numbers, to or ((0, PORTS),), from_)


def _protocols(text: str) -> tuple[Span, ...]:
    name = text.strip().lower()
    if name in {ANY, "all", "-1", "*"}:
        return ((0, PROTOCOLS),)
    if name in _NUMBERS:
        return ((_NUMBERS[name], _NUMBERS[name]),)
    if _number(name) and int(name) <= PROTOCOLS:
        return ((int(name), int(name)),)
    raise Unclear(f"{text!r} is no protocol: give any, a number from 0 to 255, or one of {', '.join(sorted(_NUMBERS))}")


def _spans(text: str) -> tuple[Span, ...]:
    """The spans of `22,8000-8100`; none for any."""
    if text.strip().lower() in {ANY, "", "all", "*"}:
        return ()
    return tuple(_span(part.strip()) for part in text.split(","))


def _span(part: str) -> Span:
    low, dash, high = part.partition("-")
    if _number(low.strip()) and (not dash or _number(high.strip())):
        found = int(low), int(high) if dash else int(low)
        if found[0] <= found[1] <= PORTS:
            return found
    raise Unclear(f"{part!r} is no port: give numbers from 0 to {PORTS} and ranges of them, such as 443,8000-8100")


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5
