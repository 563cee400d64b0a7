"""Answering a question: reachable with a packet that proves it, unreachable with a cut, or unknown with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from checks.network.cut import Cut, cut
from checks.network.flow import Answered, Flow, flow
from checks.network.graph import Graph
from checks.network.packet import TCP, UDP, Hop, Packet, Trace
from checks.network.packets import EVERYBODY, NOBODY, PacketSet, Span, packets, who
from checks.network.place import Place, Places
from checks.network.question import Wanted
from checks.network.recheck import Allowed, recheck
from checks.network.walk import Arrival, Start, Sure, Walker
from checks.network.witness import Witness, witness

Verdict = Literal["reachable", "unreachable", "unknown"]
Replay = Callable[[Packet, str], Trace]
"""The concrete simulator: what becomes of a packet that is sent from an interface, `internet` or a gateway."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`one_way`: a packet arrives, but no reply to it surely comes back. `why`: what an unknown rests on, or how it is told.

    `cut` is the proof of an `unreachable`, which was checked again before it is said.
    """

    verdict: Verdict
    one_way: bool = False
    witness: Witness | None = None
    why: tuple[str, ...] = ()
    cut: Cut | None = None

    @property
    def hops(self) -> tuple[Hop, ...]:
        return self.witness.hops if self.witness else ()


@dataclass(frozen=True, slots=True)
class Found:
    """A flow that came from a place to a place, as far as the question is about it."""

    source: Place
    target: Place
    arrival: Arrival
    flow: Sure
    walker: Walker

    def order(self) -> tuple[object, ...]:
        way = self.arrival.step.way()
        return (len(way), [step.at for step in way], self.arrival.station, self.flow.may.family)


def ask(graph: Graph, sources: Places, targets: Places, wanted: Wanted, replay: Replay) -> Answer:
    """Whether any wanted packet gets from one of the sources to one of the targets.

    A packet is reported only if the simulator delivers it too, and isolation only if its proof holds when it is checked
    again; where two ways of telling disagree, nothing is known.
    """
    walkers = walking(graph, {target.station for target in targets.held}, wanted)
    one_way: tuple[Found, Flow, Span] | None = None
    doubtful: list[str] = []
    for found in sorted(arrivals(graph, sources.held, targets.held, wanted, walkers), key=Found.order):
        if not found.flow.must:
            doubtful += found.arrival.doubts or [f"whether what is sent gets to {found.arrival.station} is not sure"]
        elif (best := _answered(found, found.flow.must)) is not None:
            return _replayed(found, best.flow, best.ports, replay, one_way=False)
        else:
            one_way = one_way or (found, found.flow.must, found.arrival.ports)
    if one_way:
        told = _replayed(*one_way, replay, one_way=True)
        return replace(told, why=(*told.why, _PERHAPS)) if told.one_way and _perhaps_answered(one_way[0]) else told
    doubtful += [*sources.doubts, *targets.doubts]
    if doubtful:
        return Answer("unknown", why=tuple(dict.fromkeys(doubtful)))
    return isolated(graph, sources, targets, wanted, walkers)


def isolated(
    graph: Graph,
    sources: Places,
    targets: Places,
    wanted: Wanted,
    walkers: Iterable[Walker],
    allowed: Allowed | None = None,
    stops: frozenset[str] = frozenset(),
) -> Answer:
    """The answer where walks that are over found nothing that is not allowed: unreachable, if the proof that they leave holds."""
    proof = cut(graph, walkers, {target.station for target in targets.held})
    if complaint := recheck(graph, proof, sources, targets, wanted, allowed, stops):
        return Answer("unknown", why=(f"the proof that nothing gets there does not hold: {complaint}",))
    return Answer("unreachable", why=proof.assumed, cut=proof)


def walking(graph: Graph, goals: Iterable[str], wanted: Wanted, stops: frozenset[str] = frozenset()) -> list[Walker]:
    """Walkers of what leads to some stations, one for each span of source ports."""
    towards = graph.leading_to(goals)
    return [Walker(graph, ports, towards, stops) for ports in wanted.sent_from(graph)]


def report(found: Found, part: Flow, replay: Replay) -> Answer:
    """The answer that a part of what arrived gives: reachable, or unknown where the simulator does not agree."""
    best = _answered(found, part)
    if best is not None:
        return _replayed(found, best.flow, best.ports, replay, one_way=False)
    return _replayed(found, part, found.arrival.ports, replay, one_way=True)


def _answered(found: Found, part: Flow) -> Answered | None:
    """What of a part that is sure to arrive is sure to be answered, TCP first."""
    if not found.arrival.legs_answered:
        return None
    surely, _ = found.walker.answered(found.arrival.station, Sure(part, part), found.arrival.leg)
    return min(surely, key=lambda one: (_rank(one.flow), one.ports), default=None)


_PERHAPS = "whether the reply comes back is not sure: something on its way was not seen"


def _perhaps_answered(found: Found) -> bool:
    """Whether what arrived may be answered, for all that is known."""
    return bool(found.walker.answered(found.arrival.station, found.flow, found.arrival.leg)[1])


def _rank(part: Flow) -> int:
    return 0 if part.source.at(TCP) else 1 if part.source.at(UDP) else 2


def arrivals(
    graph: Graph, sources: Iterable[Place], targets: Iterable[Place], wanted: Wanted, walkers: Iterable[Walker] = ()
) -> Iterator[Found]:
    """Everything wanted that comes from one place to another, by every way."""
    goals: dict[str, list[Place]] = {}
    for target in targets:
        goals.setdefault(target.station, []).append(target)
    for walker in walkers or walking(graph, goals, wanted):
        for source in sources:
            for family in (4, 6):
                if not (own := source.addresses.get(family)):
                    continue
                sent = flow(family, packets(own) & wanted.protocols_only(family), packets(EVERYBODY[family]))
                for arrival in walker.arrivals(Start(source.sends, source.station, sent, source.labels)):
                    for target in goals.get(arrival.station, ()):
                        arrived = arrival.flow.may.family
                        there = packets(target.addresses.get(arrived, NOBODY)) & wanted.packets(arrived)
                        reached = _narrowed(arrival.flow, there)
                        if reached.may and not _itself(reached.may):
                            yield Found(source, target, arrival, reached, walker)


def _itself(part: Flow) -> bool:
    """Whether there is but one packet's ends in a flow, and they are the same."""
    sources, destinations = who(part.source), who(part.destination)
    return sources is destinations and len(sources.spans) == 1 and sources.spans[0][0] == sources.spans[0][1]


def _narrowed(flowing: Sure, there: PacketSet) -> Sure:
    may = flowing.may.narrowed(None, there)
    return Sure(may, may) if flowing.known else Sure(flowing.must.narrowed(None, there), may)


def _replayed(found: Found, part: Flow, ports: Span, replay: Replay, *, one_way: bool) -> Answer:
    seen = witness(found.walker, found.arrival, part, ports, found.source, found.target)
    trace = replay(seen.sent, seen.source)
    # Azure compares ids without regard to case, and what follows a packet there writes them in one case.
    delivered = [one for one in trace.deliveries if one.at.lower() == seen.target.lower()]
    answered = any(one.reply for one in delivered)
    tcp = seen.sent.protocol == TCP
    if not delivered or (tcp and answered is one_way):
        happened = "is answered" if answered else "is not answered" if delivered else "does not arrive"
        reasons = (f"{seen.sent} {happened} when it is followed step by step", *trace.unknown, *trace.dropped)
        return Answer("unknown", why=tuple(dict.fromkeys(reasons)))
    return Answer("reachable", one_way=one_way and tcp, witness=seen)
