"""Step by step: whether a target is reached by way of interfaces that were reached before, each then a place to go on from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.network.answer import Answer, Found, Replay, Verdict, arrivals, ask, report
from checks.network.flow import Answered, Flow
from checks.network.graph import Graph, Interface
from checks.network.packets import addresses, packets, who
from checks.network.place import Place, Places, everything, of
from checks.network.question import ANY, Wanted


@dataclass(frozen=True, slots=True)
class Pivots:
    """The legs of the shortest way, each an answer of its own; none where there is no way. `why` is an unknown's reasons."""

    verdict: Verdict
    legs: tuple[Answer, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Leg:
    """How an interface was reached: what arrived at its class, and the part of it that is for the interface."""

    found: Found
    part: Flow


@dataclass(slots=True)
class _Way:
    """What was reached so far. `before` has the leg to each interface, None for where all begins; `doubtful`, why others
    may be reached."""

    machines: tuple[Place, ...]
    before: dict[str, _Leg | None] = field(default_factory=dict)
    doubtful: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def on_from(self, graph: Graph, level: Iterable[Place]) -> list[Place]:
        """The machines that are reached from a level and were not before."""
        found: list[Interface] = []
        for one in sorted(arrivals(graph, level, self.machines, ANY), key=Found.order):
            surely, maybe = one.walker.answered(one.arrival.station, one.flow, one.arrival.leg)
            for interface in one.target.interfaces:
                if interface.id in self.before:
                    continue
                if (part := _part_for(interface, surely)) is not None and one.arrival.legs_answered:
                    self.before[interface.id] = _Leg(one, part)
                    found.append(interface)
                elif _part_for(interface, maybe) is not None:
                    why = one.arrival.doubts or (f"whether {interface.id} is reached and answers is not sure",)
                    self.doubtful.setdefault(interface.id, why)
        return list(of(found))

    def doubts(self) -> list[str]:
        return [why for id_, held in self.doubtful.items() if id_ not in self.before for why in held]

    def legs(self, last: Answer, replay: Replay) -> tuple[Answer, ...]:
        """How the place was reached that the last answer starts from, first leg first."""
        assert last.witness is not None
        at, legs = last.witness.source, list[Answer]()
        while (step := self.before.get(at)) is not None:
            leg = report(step.found, step.part, replay)
            legs.append(leg)
            at = leg.witness.source if leg.witness is not None else _first(step.found.source)
        return tuple(reversed(legs))


def pivots(graph: Graph, sources: Places, targets: Places, wanted: Wanted, replay: Replay) -> Pivots:
    """Whether wanted packets get to a target from the sources, or from any machine that is reached from them, and so on.

    On the way to a machine, any packet will do that is answered. Load balancers pass on what they are asked to, and are no
    machines to go on from; what is outside the estate is none either. Where interfaces may be there that nobody saw, a
    step may be too.
    """
    way = _Way(tuple(place for place in everything(graph).held if not any(_passes_on(place))))
    way.before.update(dict.fromkeys((id_ for place in sources.held for id_ in _ids(place)), None))
    level: list[Place] = list(sources.held)
    doubts: list[str] = list(graph.doubts)
    while level:
        answer = ask(graph, Places(sources.name, tuple(level), sources.doubts), targets, wanted, replay)
        if answer.verdict == "reachable":
            return Pivots("reachable", (*way.legs(answer, replay), answer))
        if answer.verdict == "unknown":
            doubts += answer.why
        level = way.on_from(graph, level)
    doubts += way.doubts()
    return Pivots("unknown", why=tuple(dict.fromkeys(doubts))) if doubts else Pivots("unreachable")


def _part_for(interface: Interface, answers: Iterable[Answered]) -> Flow | None:
    """Of what is answered, what is for one interface."""
    for one in answers:
        own = addresses(interface.spans(one.flow.family))
        if own.meets(who(one.flow.destination)):
            return one.flow.narrowed(None, packets(own))
    return None


def _ids(place: Place) -> list[str]:
    """The interfaces of a place that have its addresses, or what it is called where it has none."""
    own = [one.id for one in place.interfaces if any(addresses(one.spans(family)).meets(held) for family, held in place.addresses.items())]
    return own or [place.station]


def _first(place: Place) -> str:
    return _ids(place)[0]


def _passes_on(place: Place) -> Iterable[bool]:
    return (
        type_.endswith(("load_balancer", "loadbalancers", "applicationgateways"))
        for one in place.interfaces
        for type_ in (one.type, *(of for of, _ in one.owners))
    )
