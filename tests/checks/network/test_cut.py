"""Proofs of isolation: those that the walk makes hold, and no other does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network import answer
from checks.network.answer import ask
from checks.network.boxes import both, less
from checks.network.cut import Cut
from checks.network.graph import NO_LABELS, Filter, Graph, Interface, Labels, Link, Rewrite, Rule
from checks.network.packet import TCP, Packet, Trace
from checks.network.packets import EVERYBODY, addresses, packets
from checks.network.place import Place, Places
from checks.network.question import ANY, Wanted
from checks.network.recheck import recheck
from tests.checks.network.graphs import STATIONS, Making, made, places

INTERNET, DATABASE = (100, 199), (10, 19)
POSTGRES = Wanted(protocols=((TCP, TCP),), ports=((5432, 5432),))


def never(_: Packet, __: str) -> Trace:
    raise AssertionError("nothing is reachable, so nothing is replayed")


def filter_(id_: str, *rules: Rule, ordered: bool = False) -> Filter:
    return Filter(id_, "group", "source", stateful=True, ordered=ordered, rules=rules)


def rule(id_: str, low: int, high: int, ports: tuple[int, int] = (0, 65535), *, allows: bool = True, sender: str | None = None) -> Rule:
    return Rule(id_, {4: packets(addresses([(low, high)]), (TCP, TCP), ports)}, allows=allows, sender=sender)


def shop() -> Graph:
    """The internet (100-199) reaches the web tier (20-29) on 443; the database (10-19) takes 5432 from the web tier only."""
    graph = Graph()
    for id_ in ("internet", "web", "database"):
        graph.station(id_, id_, ends=True)
    graph.station("subnet", "subnet")
    graph.station("printer", "printer", ends=True)
    graph.filters["web"] = filter_("web", rule("https", 0, 255, (443, 443)))
    graph.filters["database"] = filter_("database", rule("postgres", 20, 29, (5432, 5432)))
    graph.filters["acl"] = filter_("acl", rule("bad", 150, 160, allows=False), rule("rest", 0, 255), ordered=True)
    graph.link("internet", Link("subnet", (("acl",),)), (4,))
    graph.link("subnet", Link("web", (("web",),), destination=addresses([(20, 29)])), (4,))
    graph.link("subnet", Link("database", (("database",),), destination=addresses([DATABASE])), (4,))
    graph.link("web", Link("subnet", source=addresses([(20, 29)])), (4,))
    graph.link("subnet", Link("printer"), (4,))
    return graph


def end(station: str, low: int, high: int, labels: Labels = NO_LABELS) -> Places:
    own = {4: addresses([(low, high)]), 6: addresses([])}
    interface = Interface(station, "", station, "1", "here", "net", "sub", station, station, {4: tuple(range(low, high + 1))})
    return Places(station, (Place(station, station, own, labels, (interface,)),))


OUTSIDE, INSIDE = end("internet", *INTERNET), end("database", *DATABASE)


def proof(graph: Graph) -> Cut:
    told = ask(graph, OUTSIDE, INSIDE, POSTGRES, never)
    assert told.verdict == "unreachable", told.why
    assert told.cut is not None
    return told.cut


def complaint(graph: Graph, cut: Cut, wanted: Wanted = POSTGRES) -> str:
    return recheck(graph, cut, OUTSIDE, INSIDE, wanted)


def test_what_is_unreachable_comes_with_a_proof_that_holds() -> None:
    graph = shop()
    assert complaint(graph, proof(graph)) == ""
    assert "printer" in proof(graph).aside


def test_a_proof_is_for_one_question() -> None:
    graph = shop()
    cut = proof(graph)
    udp = Wanted(protocols=((17, 17),))
    assert recheck(graph, cut, OUTSIDE, INSIDE, udp)
    assert recheck(graph, cut, end("internet", 20, 25), INSIDE, POSTGRES)
    assert recheck(graph, cut, OUTSIDE, end("printer", 0, 255), POSTGRES)
    assert recheck(graph, cut, OUTSIDE, INSIDE, replace(POSTGRES, source_ports=((1, 65535),)))


def test_a_cut_that_was_tampered_with_is_refused() -> None:
    graph = shop()
    cut = proof(graph)
    for number, held in enumerate(cut.held):
        rest = (*cut.held[:number], *cut.held[number + 1 :])
        assert complaint(graph, Cut(rest, cut.aside)), f"without {held.station}"
        low, high = held.boxes[0][2][0]
        shrunk = ((held.boxes[0][0], held.boxes[0][1], ((low + 1, high), *held.boxes[0][2][1:]), held.boxes[0][3]), *held.boxes[1:])
        assert complaint(graph, Cut((*rest, replace(held, boxes=shrunk)), cut.aside)), f"less at {held.station}"
        assert complaint(graph, Cut((*rest, replace(held, ports=(1024, 2000))), cut.aside)), f"fewer source ports at {held.station}"
        assert complaint(graph, Cut((*rest, replace(held, labels=frozenset({"other"}))), cut.aside)), f"other senders at {held.station}"


@pytest.mark.parametrize("station", ["internet", "subnet", "database", "web"])
def test_a_station_on_the_way_cannot_be_put_aside(station: str) -> None:
    graph = shop()
    cut = proof(graph)
    assert complaint(graph, Cut(tuple(one for one in cut.held if one.station != station), cut.aside | {station}))


def opened(graph: Graph) -> None:
    was = graph.filters["database"]
    graph.filters["database"] = replace(was, rules=(*was.rules, rule("forgotten", 0, 255, (5432, 5432))), _known={})


def less_denied(graph: Graph) -> None:
    graph.filters["acl"] = replace(graph.filters["acl"], rules=graph.filters["acl"].rules[1:], _known={})


def another_way(graph: Graph) -> None:
    graph.link("internet", Link("database"), (4,))


def another_source(graph: Graph) -> None:
    graph.link("internet", Link("subnet", rewrite=Rewrite(source=addresses([(20, 20)]))), (4,))


def from_aside(graph: Graph) -> None:
    graph.link("printer", Link("database"), (4,))


@pytest.mark.parametrize("change", [opened, less_denied, another_way, another_source, from_aside])
def test_a_proof_does_not_outlive_a_change_that_matters(change: Callable[[Graph], None]) -> None:
    graph = shop()
    cut = proof(graph)
    change(graph)
    assert complaint(graph, cut)


def test_a_rule_in_doubt_is_no_proof() -> None:
    graph = shop()
    cut = proof(graph)
    bad, rest = graph.filters["acl"].rules
    graph.filters["acl"] = replace(graph.filters["acl"], rules=(replace(bad, doubt="a tag"), rest), _known={})
    assert complaint(graph, cut)


def test_who_sends_is_read_as_the_walk_reads_it() -> None:
    graph = shop()
    by_label = rule("web only", 0, 255, (5432, 5432), sender="sg-web")
    graph.filters["database"] = filter_("database", by_label)
    cut = proof(graph)
    labelled = end("internet", *INTERNET, labels=frozenset({"sg-web"}))
    assert recheck(graph, cut, labelled, INSIDE, POSTGRES)
    told = ask(graph, end("internet", *INTERNET, labels=None), INSIDE, POSTGRES, never)
    assert told.verdict == "unknown"


def test_a_proxy_that_is_not_answered_is_an_assumption_that_is_told() -> None:
    graph = shop()
    graph.link(
        "web",
        Link("subnet", rewrite=Rewrite(source=addresses([(20, 20)]), destination=addresses([(10, 10)]), port=5432, leg="proxy")),
        (4,),
    )
    told = ask(graph, OUTSIDE, INSIDE, POSTGRES, never)
    assert told.verdict == "unreachable"
    assert told.why == ("web passes on nothing of what comes to it: its answers do not find back",)
    assert told.cut is not None
    loud = Cut(tuple(replace(one, silent=frozenset()) for one in told.cut.held), told.cut.aside)
    assert complaint(graph, loud)


def test_a_proof_that_does_not_hold_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "cut", lambda *_: Cut((), frozenset()))
    told = ask(shop(), OUTSIDE, INSIDE, POSTGRES, never)
    assert told.verdict == "unknown"
    assert told.cut is None
    assert "does not hold" in told.why[0]


@given(st.integers(0, 2**40))
def test_every_proof_of_a_made_up_graph_holds_and_none_survives_a_hole(seed: int) -> None:
    graph = made(seed, Making(doubts=False))
    ending = [id_ for id_ in STATIONS if graph.stations[id_].ends and id_ != "a"]
    for target in ending:
        sources, targets = places(graph, "a"), places(graph, target)
        told = ask(graph, sources, targets, ANY, lambda *_: Trace())
        assert not any("does not hold" in why for why in told.why)
        if told.cut is None:
            continue
        assert recheck(graph, told.cut, sources, targets, ANY) == ""
        holed = made(seed, Making(doubts=False))
        holed.link(sources.held[0].sends, Link(target), (4,))
        assert recheck(holed, told.cut, sources, targets, ANY)


def test_filters_let_through_what_the_check_reads_in_their_rules() -> None:
    everything = {4: packets(EVERYBODY[4])}
    graph = shop()
    graph.filters["acl"] = filter_(
        "acl", Rule("a", everything, source_ports=(1024, 4999), allows=False), Rule("b", everything), ordered=True
    )
    told = ask(
        graph, OUTSIDE, end("web", 20, 29), Wanted(protocols=((TCP, TCP),), ports=((443, 443),), source_ports=((1024, 4999),)), never
    )
    assert told.verdict == "unreachable"
    assert told.cut is not None
    wide = Wanted(protocols=((TCP, TCP),), ports=((443, 443),), source_ports=((1024, 5000),))
    assert recheck(graph, told.cut, OUTSIDE, end("web", 20, 29), wide)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=5),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=5),
)
def test_spans_are_sets(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    first, second = (addresses((low, low + length) for low, length in held).spans for held in (one, other))

    def points(spans: tuple[tuple[int, int], ...]) -> set[int]:
        return {point for low, high in spans for point in range(low, high + 1)}

    assert points(both(first, second)) == points(first) & points(second)
    assert points(less(first, second)) == points(first) - points(second)
