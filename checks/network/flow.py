"""What travels: all packets of some sources to some destinations, and which of them an answer comes back to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

from checks.network.graph import Translation
from checks.network.packet import ICMP, ICMPV6, PORTED
from checks.network.packets import (
    EVERYBODY,
    NOTHING,
    PORTS,
    Addresses,
    Layer,
    PacketSet,
    Span,
    addresses,
    packets,
    rows,
    support,
    translated,
    union,
    who,
)

ECHO = {ICMP: (8 << 8, 0), ICMPV6: (128 << 8, 129 << 8)}
"""The one ICMP message that is answered: echo request and reply, as type * 256 + code (RFC 792, RFC 4443)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Every packet whose source, protocol and port are in `source`, and whose destination, protocol and port in `destination`.

    Filters and routes read one end each, so what they leave of a flow is a flow again. Both sets hold the same
    protocols and ports; where one is empty, so is the other.
    """

    family: int
    source: PacketSet
    destination: PacketSet

    def __bool__(self) -> bool:
        return bool(self.source)

    def narrowed(self, source: PacketSet | None, destination: PacketSet | None) -> Flow:
        source = self.source if source is None else self.source & source
        destination = self.destination if destination is None else self.destination & destination
        return self if source is self.source and destination is self.destination else flow(self.family, source, destination)

    def __le__(self, other: Flow) -> bool:
        return self.source <= other.source and self.destination <= other.destination


def flow(family: int, source: PacketSet, destination: PacketSet) -> Flow:
    everybody = EVERYBODY[family]
    source &= support(destination, everybody)
    return Flow(family, source, destination & support(source, everybody))


def translate(pairs: Translation, held: Addresses) -> Addresses:
    """Addresses changed one to one; those that no pair names are gone."""
    found = []
    for low, high, becomes in pairs:
        for first, last in held.spans:
            if first <= high and low <= last:
                found.append((max(first, low) - low + becomes, min(last, high) - low + becomes))
    return addresses(found)


def inverse(pairs: Translation) -> Translation:
    return tuple((becomes, becomes + high - low, low) for low, high, becomes in pairs)


def changed(held: PacketSet, how: Translation | Addresses | None, port: int | Span | None) -> PacketSet:
    """A side of a flow after a rewrite: its addresses translated or replaced, all of its packets sent to one port or span."""
    if isinstance(how, Addresses):
        held = support(held, how)
    elif how is not None:
        held = translated(held, partial(translate, how))
    if port is None:
        return held
    span = (port, port) if isinstance(port, int) else port
    return union(packets(who(ports), (low, high), span) for low, high, ports in held.spans if isinstance(ports, Layer))


def of_one_kind(held: Flow) -> Flow:
    """Of each protocol, the ports with the same ends as its lowest one: what stays a flow when all are sent to one port."""
    source, destination = NOTHING, NOTHING
    for (low, high, sources), (first, last, ends) in product(held.source.spans, held.destination.spans):
        assert isinstance(sources, Layer)
        assert isinstance(ends, Layer)
        if (protocols := (max(low, first), min(high, last)))[0] <= protocols[1]:
            source |= _like_the_first(sources, protocols)
            destination |= _like_the_first(ends, protocols)
    found = held.narrowed(source, destination)
    return held if found == held else found


def _like_the_first(ports: Layer, protocols: Span) -> PacketSet:
    who_ = ports.spans[0][2]
    assert isinstance(who_, Addresses)
    return union(packets(who_, protocols, (low, high)) for low, high, here in ports.spans if here is who_)


@lru_cache(1 << 14)
def _to_ports(held: PacketSet, ports: Span) -> PacketSet:
    """The addresses of each protocol, with a span of ports in the place of theirs."""
    found = NOTHING
    for low, high, inner in held.spans:
        assert isinstance(inner, Layer)
        for first, last, wanted in _by_kind(low, high, ports):
            found |= packets(who(inner), (first, last), wanted)
    return found


def _by_kind(low: int, high: int, ports: Span) -> Iterator[tuple[int, int, Span]]:
    """A span of protocols, cut where the meaning of ports changes."""
    at = low
    for protocol in (ICMP, *sorted(PORTED), ICMPV6):
        if low <= protocol <= high:
            if at < protocol:
                yield at, protocol - 1, (0, PORTS)
            yield protocol, protocol, (ECHO[protocol][1],) * 2 if protocol in ECHO else ports
            at = protocol + 1
    if at <= high:
        yield at, high, (0, PORTS)


def reply(sent: Flow, ports: Span) -> Flow:
    """The packets that could answer: the ends exchanged, to the span of ports that was sent from."""
    return flow(sent.family, _to_ports(sent.destination, ports), _to_ports(sent.source, ports))


@dataclass(frozen=True, slots=True)
class Answered:
    """Packets that an answer comes back to, if they are sent from one of these ports."""

    flow: Flow
    ports: Span


def answered(sent: Flow, replies: Iterable[Flow]) -> list[Answered]:
    """What of a flow the replies that came back answer. Their ends are the flow's, exchanged."""
    found: dict[Flow, Span] = {}
    for back in replies:
        for (low, high), ports, servers, clients in _products(back):
            for first, last, asked in _requests(low, high):
                part = sent.narrowed(packets(clients, (first, last), asked), packets(servers, (first, last), asked))
                if part and part not in found:
                    found[part] = ports
    return [Answered(part, ports) for part, ports in found.items()]


def _requests(low: int, high: int) -> Iterator[tuple[int, int, Span]]:
    for first, last, _ in _by_kind(low, high, (0, PORTS)):
        yield first, last, (ECHO[first][0],) * 2 if first in ECHO else (0, PORTS)


def _products(held: Flow) -> list[tuple[Span, Span, Addresses, Addresses]]:
    """A flow as (protocols, ports, sources, destinations); of those with one protocol, none whose ends another's hold."""
    found: dict[tuple[Span, Addresses, Addresses], Span] = {}
    for protocols, ports, sources in rows(held.source):
        for others, span, destinations in rows(held.destination):
            low, high = max(protocols[0], others[0]), min(protocols[1], others[1])
            first, last = max(ports[0], span[0]), min(ports[1], span[1])
            if low <= high and first <= last:
                key = ((low, high), sources, destinations)
                known = found.get(key)
                if known is None or last - first > known[1] - known[0]:
                    found[key] = (first, last)
    return [
        (protocols, ports, sources, destinations)
        for (protocols, sources, destinations), ports in found.items()
        if not any(
            protocols == other and sources <= wider and destinations <= farther and (sources, destinations) != (wider, farther)
            for other, wider, farther in found
        )
    ]
