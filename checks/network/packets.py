"""Sets of packets, as interval decision maps: protocol -> port -> the addresses at one end.

A filter of a cloud network reads one end's address, the protocol and the destination port; the other end is the
interface that the filter stands at. So a set is three-dimensional, ports fall into few intervals, and the leaves are
sorted ranges of addresses. Every map is canonical (sorted, disjoint, neighbours with equal contents merged, nothing
empty) and kept once, so that equality is identity and every operation is remembered by the identity of its operands.

Protocols are numbers from 0 to 255; ports go from 0 to 65535. Of a protocol without ports every port stands for the
same packet; an ICMP type and code are the port type * 256 + code. Addresses are integers of one family: sets of IPv4
and of IPv6 are different sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from itertools import chain, pairwise
from typing import Self
from weakref import WeakValueDictionary

PROTOCOLS, PORTS = 255, 65535
HIGHEST = {4: 2**32 - 1, 6: 2**128 - 1}
_REMEMBERED = 1 << 13

Span = tuple[int, int]


class Addresses:
    """A set of addresses of one family: sorted, disjoint, not adjacent spans (lowest, highest)."""

    __slots__ = ("__weakref__", "spans")
    spans: tuple[Span, ...]

    def __new__(cls, spans: tuple[Span, ...]) -> Self:
        """The set of spans that are canonical already; `addresses` makes them so."""
        if (known := _ADDRESSES.get(spans)) is not None:
            return known  # type: ignore[return-value]
        self = super().__new__(cls)
        self.spans = spans
        return _ADDRESSES.setdefault(spans, self)  # type: ignore[return-value]

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, address: int) -> bool:
        return any(low <= address <= high for low, high in self.spans)

    def __and__(self, other: Addresses) -> Addresses:
        return self if self is other else _common(self, other)

    def __or__(self, other: Addresses) -> Addresses:
        return self if self is other else _joined(self, other)

    def __sub__(self, other: Addresses) -> Addresses:
        return _without(self, other)

    def __le__(self, other: Addresses) -> bool:
        return self & other is self

    def meets(self, other: Addresses) -> bool:
        """Whether the two have an address in common."""
        if not self.spans or not other.spans or self.spans[0][0] > other.spans[-1][1] or other.spans[0][0] > self.spans[-1][1]:
            return False
        return bool(self & other)

    def __repr__(self) -> str:
        return f"Addresses({self.spans})"


_ADDRESSES: WeakValueDictionary[tuple[Span, ...], Addresses] = WeakValueDictionary()
NOBODY = Addresses(())
EVERYBODY = {family: Addresses(((0, highest),)) for family, highest in HIGHEST.items()}


def addresses(spans: Iterable[Span]) -> Addresses:
    """The set of any spans: they may overlap and come in any order."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return Addresses(tuple(found))


def network_span(network: IPv4Network | IPv6Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)


@lru_cache(_REMEMBERED)
def _common(one: Addresses, other: Addresses) -> Addresses:
    found: list[Span] = []
    left, right = iter(one.spans), iter(other.spans)
    a, b = next(left, None), next(right, None)
    while a and b:
        if a[0] <= b[1] and b[0] <= a[1]:
            found.append((max(a[0], b[0]), min(a[1], b[1])))
        if a[1] < b[1]:
            a = next(left, None)
        else:
            b = next(right, None)
    return Addresses(tuple(found))


@lru_cache(_REMEMBERED)
def _joined(one: Addresses, other: Addresses) -> Addresses:
    return addresses((*one.spans, *other.spans))


@lru_cache(_REMEMBERED)
def _without(one: Addresses, other: Addresses) -> Addresses:
    found: list[Span] = []
    gaps = iter(other.spans)
    gap = next(gaps, None)
    for low, high in one.spans:
        at = low
        while gap and gap[1] < at:
            gap = next(gaps, None)
        while gap and gap[0] <= high:
            if at < gap[0]:
                found.append((at, gap[0] - 1))
            at = gap[1] + 1
            if gap[1] > high:
                break
            gap = next(gaps, None)
        if at <= high:
            found.append((at, high))
    return Addresses(tuple(found))


class Layer:
    """One level of a decision map: sorted, disjoint (lowest, highest, what stands there), by ports or by protocols.

    What stands there is an Addresses below ports, and a Layer of ports below protocols.
    """

    __slots__ = ("__weakref__", "spans")
    spans: tuple[tuple[int, int, Layer | Addresses], ...]

    def __new__(cls, spans: tuple[tuple[int, int, Layer | Addresses], ...]) -> Self:
        if (known := _LAYERS.get(spans)) is not None:
            return known  # type: ignore[return-value]
        self = super().__new__(cls)
        self.spans = spans
        return _LAYERS.setdefault(spans, self)  # type: ignore[return-value]

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __and__(self, other: Layer) -> Layer:
        return self if self is other else _intersection(self, other)

    def __or__(self, other: Layer) -> Layer:
        if self is other or not other.spans:
            return self
        return _union(self, other) if self.spans else other

    def __sub__(self, other: Layer) -> Layer:
        return _difference(self, other) if other.spans else self

    def __le__(self, other: Layer) -> bool:
        return self & other is self

    def at(self, key: int) -> Layer | Addresses | None:
        """What stands at a port or protocol."""
        return next((held for low, high, held in self.spans if low <= key <= high), None)

    def __repr__(self) -> str:
        return f"Layer({self.spans})"


_LAYERS: WeakValueDictionary[tuple[tuple[int, int, Layer | Addresses], ...], Layer] = WeakValueDictionary()

PacketSet = Layer
"""A Layer by protocols, of Layers by ports, of Addresses."""
NOTHING = Layer(())


def _layer(spans: Iterable[tuple[int, int, Layer | Addresses]]) -> Layer:
    """Sorted, disjoint spans, made canonical."""
    found: list[tuple[int, int, Layer | Addresses]] = []
    for low, high, held in spans:
        if not held:
            continue
        if found and found[-1][1] + 1 == low and found[-1][2] is held:
            found[-1] = (found[-1][0], high, held)
        else:
            found.append((low, high, held))
    return Layer(tuple(found))


def _swept(one: Layer, other: Layer) -> Iterator[tuple[int, int, Layer | Addresses | None, Layer | Addresses | None]]:
    """The elementary spans of two layers, with what stands in each."""
    left, right = iter(one.spans), iter(other.spans)
    a, b = next(left, None), next(right, None)
    at = 0
    while a or b:
        starts = [span[0] for span in (a, b) if span and span[0] > at]
        inside_a, inside_b = a is not None and a[0] <= at, b is not None and b[0] <= at
        if not inside_a and not inside_b:
            at = min(starts)
            continue
        end = min([start - 1 for start in starts] + [span[1] for span, inside in ((a, inside_a), (b, inside_b)) if span and inside])
        yield at, end, a[2] if a and inside_a else None, b[2] if b and inside_b else None
        at = end + 1
        if a and a[1] < at:
            a = next(left, None)
        if b and b[1] < at:
            b = next(right, None)


@lru_cache(_REMEMBERED)
def _intersection(one: Layer, other: Layer) -> Layer:
    found: list[tuple[int, int, Layer | Addresses]] = []
    left, right = iter(one.spans), iter(other.spans)
    a, b = next(left, None), next(right, None)
    while a and b:
        if a[0] <= b[1] and b[0] <= a[1]:
            found.append((max(a[0], b[0]), min(a[1], b[1]), a[2] & b[2]))  # type: ignore[operator]
        if a[1] < b[1]:
            a = next(left, None)
        else:
            b = next(right, None)
    return _layer(found)


@lru_cache(_REMEMBERED)
def _union(one: Layer, other: Layer) -> Layer:
    return _layer((low, high, a | b if a and b else a or b) for low, high, a, b in _swept(one, other))  # type: ignore[operator,misc]


@lru_cache(_REMEMBERED)
def _difference(one: Layer, other: Layer) -> Layer:
    return _layer((low, high, a - b if b else a) for low, high, a, b in _swept(one, other) if a)  # type: ignore[operator]


@lru_cache(_REMEMBERED)
def packets(who: Addresses, protocols: Span = (0, PROTOCOLS), ports: Span = (0, PORTS)) -> PacketSet:
    """All packets of a span of protocols to a span of ports, with these addresses at the end that is told."""
    return _layer([(*protocols, _layer([(*ports, who)]))])


def union(sets: Iterable[PacketSet]) -> PacketSet:
    """All of many sets."""
    held = list(dict.fromkeys(one for one in sets if one))
    if len(held) <= 2:
        return held[0] | held[-1] if held else NOTHING
    found = _merged(tuple(held))
    assert isinstance(found, Layer)
    return found


def _merged(held: tuple[Layer | Addresses, ...]) -> Layer | Addresses:
    """All of many layers, or of many address sets, at once: each elementary span joins what stands in it."""
    layers = [one for one in held if isinstance(one, Layer)]
    if len(held) == 1:
        return held[0]
    if not layers:
        return addresses(chain.from_iterable(one.spans for one in held if isinstance(one, Addresses)))
    starts: dict[int, list[Layer | Addresses]] = {}
    ends: dict[int, list[Layer | Addresses]] = {}
    for layer in layers:
        for low, high, inner in layer.spans:
            starts.setdefault(low, []).append(inner)
            ends.setdefault(high + 1, []).append(inner)
    here: Counter[Layer | Addresses] = Counter()
    known: dict[tuple[Layer | Addresses, ...], Layer | Addresses] = {}
    found: list[tuple[int, int, Layer | Addresses]] = []
    cuts = sorted(starts.keys() | ends.keys())
    for at, next_cut in pairwise(cuts):
        here.update(starts.get(at, ()))
        here.subtract(ends.get(at, ()))
        if standing := tuple(inner for inner, count in here.items() if count):
            if standing not in known:
                known[standing] = _merged(standing)
            found.append((at, next_cut - 1, known[standing]))
    return _layer(found)


def first_match(rules: Iterable[tuple[bool, PacketSet]], every: PacketSet) -> PacketSet:
    """What ordered rules (allows, matches) let through, where the first that matches decides and what none matches is dropped."""
    left, allowed = every, []
    for allows, matches in rules:
        if allows:
            allowed.append(matches & left)
        left -= matches
        if not left:
            break
    return union(allowed)


@lru_cache(_REMEMBERED)
def support(held: PacketSet, everybody: Addresses) -> PacketSet:
    """The protocols and ports of a set, with every address."""
    return _layer((low, high, support(inner, everybody) if isinstance(inner, Layer) else everybody) for low, high, inner in held.spans)


@lru_cache(_REMEMBERED)
def who(held: Layer) -> Addresses:
    """Every address in a set."""
    found = NOBODY
    for _, _, inner in held.spans:
        found |= who(inner) if isinstance(inner, Layer) else inner
    return found


def translated(held: PacketSet, change: Callable[[Addresses], Addresses]) -> PacketSet:
    """The set with every set of addresses changed."""
    return _layer((low, high, translated(inner, change) if isinstance(inner, Layer) else change(inner)) for low, high, inner in held.spans)


def rows(held: PacketSet) -> Iterator[tuple[Span, Span, Addresses]]:
    """(protocols, ports, addresses), in order."""
    for low, high, ports in held.spans:
        assert isinstance(ports, Layer)
        for first, last, who_ in ports.spans:
            assert isinstance(who_, Addresses)
            yield (low, high), (first, last), who_


def has(held: PacketSet, protocol: int, port: int, address: int) -> bool:
    ports = held.at(protocol)
    who_ = ports.at(port) if isinstance(ports, Layer) else None
    return isinstance(who_, Addresses) and address in who_
