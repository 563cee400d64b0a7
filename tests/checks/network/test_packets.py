"""Packet sets against plain sets of points: every operation, and that equal sets are one object."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.network.packets import (
    EVERYBODY,
    NOBODY,
    NOTHING,
    Addresses,
    Layer,
    PacketSet,
    Span,
    addresses,
    first_match,
    has,
    packets,
    rows,
    support,
    union,
    who,
)

HIGH = 2**32 - 1
quick = settings(max_examples=60, deadline=None)
PROTOCOL_ENDS, PORT_ENDS, ADDRESS_ENDS = (0, 6, 7, 255), (0, 22, 80, 65535), (0, 1, 7, 8, 100, HIGH)


def around(ends: tuple[int, ...], highest: int) -> list[int]:
    """A point of every elementary span that the ends can make."""
    return sorted({point for end in ends for point in (end - 1, end, end + 1) if 0 <= point <= highest})


POINTS = list(itertools.product(around(PROTOCOL_ENDS, 255), around(PORT_ENDS, 65535), around(ADDRESS_ENDS, HIGH)))
Model = frozenset[tuple[int, int, int]]


def spans(ends: tuple[int, ...]) -> st.SearchStrategy[Span]:
    return st.tuples(st.sampled_from(ends), st.sampled_from(ends)).map(lambda pair: (min(pair), max(pair)))


some_addresses = st.lists(spans(ADDRESS_ENDS), max_size=3)
boxes = st.tuples(some_addresses, spans(PROTOCOL_ENDS), spans(PORT_ENDS))
Both = tuple[PacketSet, Model]


def both(box: tuple[list[Span], Span, Span]) -> Both:
    """A box as a packet set and as its points."""
    where, protocols, ports = box
    return packets(addresses(where), protocols, ports), frozenset(
        (protocol, port, address)
        for protocol, port, address in POINTS
        if protocols[0] <= protocol <= protocols[1] and ports[0] <= port <= ports[1] and any(low <= address <= high for low, high in where)
    )


OPERATIONS: dict[str, Callable[..., object]] = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "sub": lambda a, b: a - b}


def combined(parts: tuple[str, Both, Both]) -> Both:
    operation, (one, points), (other, others) = parts
    return OPERATIONS[operation](one, other), OPERATIONS[operation](points, others)  # type: ignore[return-value]


sets = st.recursive(boxes.map(both), lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner).map(combined), max_leaves=6)


def points_of(held: PacketSet) -> Model:
    return frozenset(point for point in POINTS if has(held, *point))


@quick
@given(sets)
def test_every_operation_gives_the_points_that_plain_sets_give(made: Both) -> None:
    held, points = made
    assert points_of(held) == points
    assert bool(held) == bool(points)


@quick
@given(sets, sets)
def test_equal_sets_are_one_object_and_containment_is_of_the_points(one: Both, other: Both) -> None:
    assert (one[0] is other[0]) == (one[1] == other[1])
    assert (one[0] <= other[0]) == (one[1] <= other[1])


@quick
@given(sets)
def test_a_set_taken_apart_and_joined_in_any_order_is_itself(made: Both) -> None:
    held = made[0]
    parts = [packets(where, protocols, ports) for protocols, ports, where in rows(held)]
    assert union(parts) is union(parts[::-1]) is held


def canonical(held: Layer | Addresses) -> bool:
    for before, after in itertools.pairwise(held.spans):
        if before[1] >= after[0] or (before[1] + 1 == after[0] and before[2:] == after[2:]):
            return False
    inner = [span[2] for span in held.spans if len(span) == 3]
    return all(low <= high for low, high, *_ in held.spans) and all(one and canonical(one) for one in inner)


@quick
@given(sets)
def test_nothing_empty_and_no_equal_neighbours_are_kept(made: Both) -> None:
    assert canonical(made[0])


@quick
@given(sets, sets, sets)
def test_boolean_algebra(first: Both, second: Both, third: Both) -> None:
    a, b, c = first[0], second[0], third[0]
    every = packets(EVERYBODY[4])
    assert a & (b | c) is (a & b) | (a & c)
    assert a | (b & c) is (a | b) & (a | c)
    assert every - (a | b) is (every - a) & (every - b)
    assert a - b is a & (every - b)
    assert every - (every - a) is a
    assert a | NOTHING is a
    assert a & NOTHING is NOTHING
    assert a - a is NOTHING


@quick
@given(st.lists(st.tuples(st.booleans(), boxes.map(both)), max_size=6))
def test_the_first_rule_that_matches_decides(rules: list[tuple[bool, Both]]) -> None:
    passes = first_match([(allows, held) for allows, (held, _) in rules], packets(EVERYBODY[4]))
    decided = {point: next((allows for allows, (_, points) in rules if point in points), False) for point in POINTS}
    assert points_of(passes) == {point for point, allows in decided.items() if allows}


@quick
@given(sets)
def test_support_and_addresses_are_projections(made: Both) -> None:
    held, points = made
    assert points_of(support(held, EVERYBODY[4])) == {point for point in POINTS if any(point[:2] == one[:2] for one in points)}
    assert {address for _, _, address in points} == {address for address in around(ADDRESS_ENDS, HIGH) if address in who(held)}


@quick
@given(some_addresses, some_addresses)
def test_addresses_are_sets(one: list[Span], other: list[Span]) -> None:
    a, b = addresses(one), addresses(other)
    for address in around(ADDRESS_ENDS, HIGH):
        assert (address in a & b) == (address in a and address in b)
        assert (address in a | b) == (address in a or address in b)
        assert (address in a - b) == (address in a and address not in b)
    assert (a - b) | (a & b) is a
    assert addresses([*one, *other]) is addresses([*other, *one]) is a | b


@quick
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_addresses_of_ipv6_are_not_rounded(one: int, other: int) -> None:
    low, high = min(one, other), max(one, other)
    inside = addresses([(low, high)])
    assert low in inside
    assert high in inside
    assert low - 1 not in inside
    assert (EVERYBODY[6] - inside) | inside is EVERYBODY[6]


@pytest.mark.parametrize("held", [NOTHING, packets(NOBODY), union([]), packets(EVERYBODY[4]) - packets(EVERYBODY[4])])
def test_there_is_one_empty_set(held: PacketSet) -> None:
    assert held is NOTHING
