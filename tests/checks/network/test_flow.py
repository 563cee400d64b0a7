"""Flows and the answers to them, against single packets."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.network.flow import ECHO, Flow, answered, changed, flow, inverse, of_one_kind, reply, translate
from checks.network.packet import ICMP, TCP, UDP
from checks.network.packets import EVERYBODY, NOTHING, PORTS, PacketSet, Span, addresses, has, packets, union

quick = settings(max_examples=100, deadline=None)
seeds = st.integers(0, 2**40)
HIGHEST = 6
OTHER = 47
PROTOCOLS = (ICMP, TCP, UDP, OTHER)
ECHO_REQUEST, ECHO_REPLY = ECHO[ICMP]
DESTINATION_PORTS = (0, 22, 443, ECHO_REQUEST)
CLIENT_PORTS = (1024, 2000, 40000)
EPHEMERAL: Span = (1024, PORTS)
Point = tuple[int, int, int, int]
"""Source, destination, protocol, port."""

POINTS = [
    (source, destination, protocol, port)
    for source in range(HIGHEST)
    for destination in range(HIGHEST)
    for protocol in PROTOCOLS
    for port in DESTINATION_PORTS
]


def some(chance: random.Random, ports: tuple[Span, ...]) -> PacketSet:
    """A few boxes."""
    boxes = []
    for _ in range(chance.randrange(1, 4)):
        low = chance.randrange(HIGHEST)
        protocols = chance.choice([(0, 255), (ICMP, ICMP), (TCP, TCP), (UDP, UDP), (UDP + 1, OTHER)])
        span = chance.choice(ports) if protocols[0] == protocols[1] else (0, PORTS)  # the others have no ports
        boxes.append(packets(addresses([(low, chance.randrange(low, HIGHEST))]), protocols, span))
    return union(boxes)


def made(chance: random.Random) -> Flow:
    ports: tuple[Span, ...] = ((0, PORTS), (22, 22), (0, 443), (ECHO_REQUEST, ECHO_REQUEST))
    return flow(4, some(chance, ports), some(chance, ports))


def holds(part: Flow, at: Point) -> bool:
    source, destination, protocol, port = at
    return has(part.source, protocol, port, source) and has(part.destination, protocol, port, destination)


def points(part: Flow) -> set[Point]:
    return {at for at in POINTS if holds(part, at)}


@quick
@given(seeds)
def test_a_flow_is_all_pairs_of_its_ends_and_equal_ones_are_equal(seed: int) -> None:
    chance = random.Random(seed)
    ports: tuple[Span, ...] = ((0, PORTS), (22, 22), (0, 443))
    source, destination = some(chance, ports), some(chance, ports)
    made_ = flow(4, source, destination)
    assert points(made_) == points(Flow(4, source, destination))
    assert bool(made_) == bool(points(made_))
    assert flow(4, made_.source, made_.destination) == made_
    again = made_.narrowed(packets(EVERYBODY[4]), packets(EVERYBODY[4]))
    assert again is made_


@quick
@given(seeds)
def test_narrowing_keeps_what_is_in_both_and_containment_is_of_the_packets(seed: int) -> None:
    chance = random.Random(seed)
    one, other = made(chance), made(chance)
    less = one.narrowed(other.source, other.destination)
    assert points(less) == points(one) & points(other)
    assert less <= one
    assert less <= other
    assert (one <= other) == (points(one) <= points(other))


@quick
@given(seeds)
def test_sent_to_one_port_all_of_it_goes_there(seed: int) -> None:
    part = made(random.Random(seed))
    moved = Flow(4, changed(part.source, None, 443), changed(part.destination, None, 443))
    assert {(source, destination, protocol, 443) for source, destination, protocol, _ in points(part)} <= points(moved)
    kind = of_one_kind(part)
    assert kind <= part
    exact = flow(4, changed(kind.source, None, 443), changed(kind.destination, None, 443))
    assert points(exact) == {(source, destination, protocol, 443) for source, destination, protocol, _ in points(kind)}


def test_of_one_kind_is_all_where_all_is_of_one_kind() -> None:
    part = flow(4, packets(addresses([(1, 3)]), (TCP, TCP), (22, 443)), packets(addresses([(5, 5)])))
    assert of_one_kind(part) is part


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=4), st.integers(0, 50))
def test_a_translation_undone_gives_back_what_it_took(spans: list[tuple[int, int]], shift: int) -> None:
    pairs, at = [], 0
    for gap, length in spans:
        pairs.append((at + gap, at + gap + length, at + gap + 100 + shift))
        at += gap + length + 1
    held = addresses([(0, 60)])
    there = translate(tuple(pairs), held)
    taken = addresses((low, high) for low, high, _ in pairs) & held
    assert translate(inverse(tuple(pairs)), there) is taken


# -- answers ---------------------------------------------------------------------------------------------------------


def replies_to(at: Point, client_port: int) -> Point | None:
    source, destination, protocol, port = at
    if protocol == ICMP:
        return (destination, source, ICMP, ECHO_REPLY) if port == ECHO_REQUEST else None
    return destination, source, protocol, client_port if protocol in {TCP, UDP} else 0


@quick
@given(seeds)
def test_the_reply_of_a_flow_is_what_answers_its_packets(seed: int) -> None:
    sent = made(random.Random(seed))
    back = reply(sent, EPHEMERAL)
    for at in points(sent):
        for client_port in CLIENT_PORTS:
            if answer := replies_to(at, client_port):
                assert holds(back, answer)
    everything = answered(sent, [back])
    assert {at for part in everything for at in points(part.flow)} == {at for at in points(sent) if replies_to(at, 1024)}


@quick
@given(seeds)
def test_answered_is_what_some_reply_that_came_back_answers(seed: int) -> None:
    chance = random.Random(seed)
    sent = made(chance)
    ports: tuple[Span, ...] = ((0, PORTS), (0, 1024), (2000, 39999), (40000, PORTS))
    back = [reply(sent, EPHEMERAL).narrowed(some(chance, ports), some(chance, ports)) for _ in range(2)]
    parts = answered(sent, back)
    found = {at for part in parts for at in points(part.flow)}
    sampled = (1024, 2000, 40000)
    expected = {
        at for at in points(sent) if any((one := replies_to(at, port)) and any(holds(held, one) for held in back) for port in sampled)
    }
    assert found == expected
    for part in parts:
        assert part.flow <= sent
        for at in points(part.flow):
            if at[2] in {TCP, UDP}:
                answer = replies_to(at, part.ports[0])
                assert answer is not None
                assert any(holds(held, answer) for held in back), "no answer comes back to the ports that are told"


def test_nothing_answers_what_is_not_asked() -> None:
    unreachable = flow(4, packets(addresses([(1, 1)]), (ICMP, ICMP), (3 << 8, 3 << 8)), packets(addresses([(2, 2)])))
    assert answered(unreachable, [reply(unreachable, EPHEMERAL)]) == []
    nobody = flow(4, NOTHING, NOTHING)
    assert answered(nobody, [reply(nobody, EPHEMERAL)]) == []
