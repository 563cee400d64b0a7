"""Step by step: whether a target is reached by way of interfaces that were reached before, each then a place to go on from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.network.answer import Answer, Found, Replay, Verdict, arrivals, ask, report
from checks.network.graph import Graph
from checks.network.place import Place, Places, everything
from checks.network.question import ANY, Wanted


@dataclass(frozen=True, slots=True)
class Pivots:
    """The legs of the shortest way, each an answer of its own; none where there is no way. `why` is an unknown's reasons."""

    verdict: Verdict
    legs: tuple[Answer, ...] = ()
    why: tuple[str, ...] = ()


def pivots(graph: Graph, sources: Places, targets: Places, wanted: Wanted, replay: Replay) -> Pivots:
    """Whether wanted packets get to a target from the sources, or from any machine that is reached from them, and so on.

    On the way to a machine, any packet will do that is answered. Load balancers pass on what they are asked to, and are no
    machines to go on from.
    """
    before: dict[str, tuple[Place, Found] | None] = {place.station: None for place in sources.held}
    level: list[Place] = list(sources.held)
    doubts: list[str] = []
    while level:
        answer = ask(graph, Places(sources.name, tuple(level)), targets, wanted, replay)
        if answer.verdict == "reachable":
            return Pivots("reachable", (*_legs(before, level, answer, replay), answer))
        if answer.verdict == "unknown":
            doubts += answer.why
        level = _reached(graph, level, before, doubts)
    return Pivots("unknown", why=tuple(dict.fromkeys(doubts))) if doubts else Pivots("unreachable")


def _reached(graph: Graph, level: Iterable[Place], before: dict[str, tuple[Place, Found] | None], doubts: list[str]) -> list[Place]:
    """The machines that are reached from a level and were not before, each noted with how."""
    machines = [place for place in everything(graph).held if not any(_passes_on(place))]
    found: dict[str, Place] = {}
    for one in sorted(arrivals(graph, level, machines, ANY), key=Found.order):
        if one.target.station in before:
            continue
        if not one.flow.must:
            doubts += one.arrival.doubts
        elif one.walker.answered(one.arrival.station, one.flow, one.arrival.leg)[0]:
            before[one.target.station] = (one.source, one)
            found[one.target.station] = one.target
    return [found[station] for station in sorted(found)]


def _passes_on(place: Place) -> Iterable[bool]:
    return (
        type_.endswith(("load_balancer", "loadbalancers", "applicationgateways"))
        for one in place.interfaces
        for type_ in (one.type, *(of for of, _ in one.owners))
    )


def _legs(before: dict[str, tuple[Place, Found] | None], level: Iterable[Place], last: Answer, replay: Replay) -> tuple[Answer, ...]:
    """How the place was reached that the last answer starts from, first leg first."""
    assert last.witness is not None
    start = last.witness.source
    at = next(place.station for place in level if start == place.station or any(one.id == start for one in place.interfaces))
    legs: list[Answer] = []
    while (step := before[at]) is not None:
        source, found = step
        legs.append(report(found, found.flow.must, replay))
        at = source.station
    return tuple(reversed(legs))
