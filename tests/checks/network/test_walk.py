"""The walker against one packet followed the plainest way, and the laws of what may and what must arrive."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.network.answer import ANY, Answer, Wanted, ask
from checks.network.flow import Flow, flow
from checks.network.graph import NO_LABELS, Graph, Labels, Link, Rewrite, Rule, unread
from checks.network.packet import TCP, Delivery, Packet, Trace
from checks.network.packets import EVERYBODY, PORTS, Addresses, addresses, has, packets
from checks.network.walk import Arrival, Start, Walker
from tests.checks.network.graphs import (
    ADDRESSES,
    DESTINATION_PORTS,
    LABELS,
    PROTOCOLS,
    SOURCE_PORTS,
    STATIONS,
    Making,
    Point,
    arrivals,
    made,
    places,
)

seeds = st.integers(0, 2**40)
every = settings(max_examples=60, deadline=None)
SENT = addresses([(0, ADDRESSES * 2)])


def walked(graph: Graph, start: str, labels: Labels = NO_LABELS, walker: Walker | None = None) -> list[Arrival]:
    sent = flow(4, packets(SENT), packets(EVERYBODY[4]))
    return list((walker or Walker(graph)).arrivals(Start(start, start, sent, labels)))


def holds(part: Flow, at: Point) -> bool:
    return has(part.source, at.protocol, at.port, at.source) and has(part.destination, at.protocol, at.port, at.destination)


def point(chance: random.Random) -> Point:
    protocol = chance.choice(PROTOCOLS)
    return Point(
        chance.randrange(ADDRESSES), chance.randrange(ADDRESSES), protocol, chance.choice(SOURCE_PORTS), chance.choice(DESTINATION_PORTS)
    )


def sender(chance: random.Random) -> Labels:
    return chance.choice([NO_LABELS, frozenset({"red"}), frozenset(LABELS), None])


def sound(graph: Graph, chance: random.Random, *, exact: bool) -> None:
    """Every point that a plain walk brings somewhere is in what may arrive there, and whatever must is brought."""
    start, labels = chance.choice(STATIONS), sender(chance)
    by_port: dict[int, list[Arrival]] = {}
    for low, high in Walker(graph)._slices((1024, PORTS)):
        found = walked(graph, start, labels, Walker(graph, (low, high)))
        by_port |= {port: found for port in SOURCE_PORTS if low <= port <= high}
    for _ in range(4):
        sent = point(chance)
        surely, maybe = arrivals(graph, start, start, labels, sent)
        alone = flow(4, packets(addresses([(sent.source,) * 2])), packets(addresses([(sent.destination,) * 2])))
        alone = alone.narrowed(packets(EVERYBODY[4], (sent.protocol,) * 2, (sent.port,) * 2), None)
        single = list(Walker(graph, (sent.source_port,) * 2).arrivals(Start(start, start, alone, labels)))
        for at, packet in maybe:
            assert any(one.station == at and holds(one.flow.may, packet) for one in single), (sent, at, packet)
            assert any(one.station == at and holds(one.flow.may, packet) for one in by_port[sent.source_port])
        for one in single:
            for packet in some_of(one.flow.must):
                assert (one.station, packet) in surely, (sent, one.station, packet)
            if exact:
                for packet in some_of(one.flow.may):
                    assert (one.station, packet) in maybe, (sent, one.station, packet)
        if exact:
            for at, packet in surely:
                assert any(one.station == at and holds(one.flow.must, packet) for one in single), (sent, at, packet)


def some_of(part: Flow) -> Iterable[Point]:
    for protocol in PROTOCOLS:
        for port in DESTINATION_PORTS:
            for source in range(2 * ADDRESSES):
                for destination in range(2 * ADDRESSES):
                    if holds(part, at := Point(source, destination, protocol, 0, port)):
                        yield at


@every
@given(seeds)
def test_without_proxies_it_is_exact(seed: int) -> None:
    sound(made(seed, Making(proxies=False, ports=False)), random.Random(seed), exact=True)


@every
@given(seeds)
def test_with_proxies_and_changed_ports_it_errs_to_the_safe_side_only(seed: int) -> None:
    sound(made(seed), random.Random(seed), exact=False)


@every
@given(seeds)
def test_what_must_arrive_may_arrive(seed: int) -> None:
    for one in walked(made(seed), "a"):
        assert one.flow.must <= one.flow.may


def telling(graph: Graph, source: str, target: str, wanted: Wanted = ANY) -> Answer:
    """The answer to a question, with a simulator that confirms whatever it is shown."""

    def asked(*, reply: bool) -> Answer:
        def confirm(sent: Packet, _: str) -> Trace:
            return Trace(tuple(Delivery(station, sent, (), reply) for station in STATIONS))

        return ask(graph, places(graph, source), places(graph, target), wanted, confirm)

    answer = asked(reply=True)
    return answer if answer.verdict == "reachable" else asked(reply=False)


@every
@given(seeds)
def test_a_filter_that_nobody_saw_moves_answers_to_unknown_only(seed: int) -> None:
    graph, chance = made(seed), random.Random(seed)
    before = {target: telling(graph, "a", target).verdict for target in STATIONS}
    hidden = chance.choice(sorted(graph.filters))
    was = graph.filters[hidden]
    graph.filters[hidden] = unread(hidden, was.kind, was.reads, "nobody saw it", stateful=was.stateful)
    for target, verdict in before.items():
        after = telling(graph, "a", target).verdict
        assert after in {verdict, "unknown"}, (verdict, after)


def passes(found: list[Arrival]) -> set[tuple[str, str, Point]]:
    return {(kind, one.station, at) for one in found for kind in ("may", "must") for at in some_of(getattr(one.flow, kind))}


@settings(max_examples=30, deadline=None)
@given(seeds, st.booleans())
def test_an_added_allow_never_shrinks_and_an_added_deny_never_grows(seed: int, allows: bool) -> None:
    # In an ordered filter a rule is added where it decides: before all others.
    graph, chance = made(seed, Making(doubts=False)), random.Random(seed)
    before = passes(walked(graph, "a"))
    changed = chance.choice(sorted(graph.filters))
    was = graph.filters[changed]
    added = Rule("added", {4: packets(addresses([(2, 7)]), (TCP, TCP), (0, 80))}, allows=allows)
    graph.filters[changed] = replace(was, rules=(added, *was.rules), _known={})
    after = passes(walked(graph, "a"))
    assert before <= after if allows else after <= before


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_order_of_links_makes_no_difference(seed: int) -> None:
    graph, chance = made(seed), random.Random(seed)
    before = passes(walked(graph, "a"))
    verdicts = {target: telling(graph, "a", target).verdict for target in STATIONS}
    for station in graph.stations.values():
        for links in station.links.values():
            chance.shuffle(links)
    assert passes(walked(graph, "a")) == before
    assert {target: telling(graph, "a", target).verdict for target in STATIONS} == verdicts


# -- what links do, each where it makes the difference ---------------------------------------------------------------


def path(*links: tuple[str, Link]) -> Graph:
    graph = Graph()
    for id_ in STATIONS:
        graph.station(id_, "station", ends=True)
    for at, link in links:
        graph.link(at, link, (4,))
    return graph


def arrives(graph: Graph, at: str, *, must: bool = True) -> bool:
    return any(one.station == at and (one.flow.must if must else one.flow.may) for one in walked(graph, "a"))


def only(low: int, high: int) -> Addresses:
    return addresses([(low, high)])


@pytest.mark.parametrize(
    ("link", "there"),
    [
        (Link("b"), True),
        (Link("b", carries="first"), True),
        (Link("b", carries="reply"), False),
        (Link("b", source=only(3, 5)), True),
        (Link("b", source=only(100, 200)), False),
        (Link("b", source=only(3, 3), rewrite=Rewrite(source=((4, 4, 9),))), False),
        (Link("b", packets=packets(addresses([]))), False),
    ],
)
def test_a_link_takes_what_it_says(link: Link, there: bool) -> None:
    assert arrives(path(("a", link)), "b") is there


def test_a_doubtful_link_brings_nothing_for_sure() -> None:
    graph = path(("a", Link("b", doubt="no one looked at the peer")))
    assert not arrives(graph, "b")
    assert arrives(graph, "b", must=False)
    answer = telling(graph, "a", "b")
    assert answer.verdict == "unknown"
    assert answer.why == ("no one looked at the peer",)


def proxied(back: tuple[tuple[str, Link], ...]) -> Graph:
    balancer = Rewrite(source=only(7, 7), destination=only(9, 9), port=80, leg="proxy")
    return path(("a", Link("b", destination=only(5, 5))), ("b", Link("c", rewrite=balancer)), *back)


def test_a_proxy_that_cannot_answer_makes_no_second_connection() -> None:
    assert not arrives(proxied(()), "c", must=False)
    assert arrives(proxied((("b", Link("a", carries="reply")),)), "c")


def test_a_proxy_of_which_it_is_not_sure_that_it_answers_leaves_it_unknown() -> None:
    answer = telling(proxied((("b", Link("a", carries="reply", doubt="a route that nobody saw")),)), "a", "c")
    assert answer.verdict == "unknown"
    assert answer.why


def test_a_second_connection_is_made_from_any_source_port() -> None:
    def from_ports(id_: str, low: int, high: int) -> str:
        everything = {4: packets(EVERYBODY[4])}
        graph.filters[id_] = replace(
            unread(id_, "NSG", "source", "", stateful=True), rules=(Rule(f"{id_}-1", everything, source_ports=(low, high)),)
        )
        return id_

    graph = path(("b", Link("a", carries="reply")))
    graph.link("a", Link("b", ((from_ports("first", 1024, 1999),),)), (4,))
    graph.link("b", Link("c", rewrite=Rewrite(source=only(7, 7), leg="proxy")), (4,))
    graph.link("c", Link("d", ((from_ports("second", 2000, 2999),),)), (4,))
    graph.link("d", Link("b", carries="reply"), (4,))
    assert arrives(graph, "d")
    answer = telling(graph, "a", "d")
    assert answer.witness is not None
    assert 1024 <= answer.witness.sent.source_port <= 1999
    assert 2000 <= answer.witness.arrives.source_port <= 2999


def test_only_what_is_answered_by_tcp_is_two_way() -> None:
    one_way, two_way = path(("a", Link("b"))), path(("a", Link("b")), ("b", Link("a")))

    def ended(graph: Graph, *, reply: bool) -> Answer:
        def tell(sent: Packet, _: str) -> Trace:
            return Trace((Delivery("b", sent, (), reply),))

        return ask(graph, places(graph, "a"), places(graph, "b"), Wanted(protocols=((TCP, TCP),)), tell)

    assert ended(one_way, reply=False).one_way
    assert not ended(two_way, reply=True).one_way
    assert ended(two_way, reply=False).verdict == "unknown"
