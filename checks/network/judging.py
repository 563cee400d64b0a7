"""Judging `paths:` rules: for each target network, what may not be open and is, proved by a packet, and what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.network.answer import Answer, Found, Wanted, arrivals, report
from checks.network.body import EVERYTHING, OTHER_NETWORKS, OUTSIDE, Allowed, Body, Kinds, Selector
from checks.network.changes import Change, smallest
from checks.network.flow import Flow, flow
from checks.network.graph import NO_LABELS, Graph
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, packets, rows
from checks.network.place import NoSuchPlace, Place, Places, everything, named, typed
from checks.network.wanted import Unclear, wanted


@dataclass(frozen=True, slots=True)
class Breach:
    """What of a flow is not allowed."""

    found: Found
    flow: Flow
    sure: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule comes to for one network. `answer` holds the packet or the reasons; without targets there is none."""

    answer: Answer | None
    targets: int = 0
    affected: tuple[str, ...] = ()
    breaches: tuple[Any, ...] = ()
    """Everything open that may not be, in numbers: an exception is bound to it."""
    change: Change | None = None


@dataclass(slots=True)
class PathJudge:
    """Judges one estate's networks. The graph and the simulator are made when they are first needed."""

    graph: Callable[[], Graph]
    replay: Callable[[Any, str], Any]
    _asked: dict[str, dict[str, list[Breach]]] = field(default_factory=dict)

    def judge(self, body: Body, params: Mapping[str, Any], network: str, *, unseen: Sequence[str] = ()) -> Judged:
        """One network. `unseen` says what of it nobody looked at."""
        graph = self.graph()
        try:
            asked = body.given(params)
            sources, targets = select(graph, asked.from_), select(graph, asked.to)
            about = wanted(asked.protocol, asked.ports)
        except (Unclear, NoSuchPlace) as error:
            return Judged(Answer("unknown", why=(str(error),)), 0)
        here = _within(targets, network)
        doubts = (*unseen, *sources.doubts, *targets.doubts)
        if not here:
            return Judged(Answer("unknown", why=doubts) if doubts else None)
        breaches = self._breaches(asked, sources, targets, about).get(network, [])
        count = sum(len(place.interfaces) for place in here)
        sure = [one for one in breaches if one.sure]
        if not sure:
            reasons = (*(doubt for one in breaches for doubt in one.found.arrival.doubts), *doubts)
            verdict = Answer("unknown", why=tuple(dict.fromkeys(reasons))) if breaches or doubts else Answer("unreachable")
            return Judged(verdict, count)
        first = min(sure, key=lambda one: one.found.order())
        answer = report(first.found, first.flow, self.replay)
        affected = sorted({id_ for one in sure for id_ in _affected(one, network)})
        told = tuple(sorted(_told(one) for one in sure))
        change = smallest(graph, answer, lambda: bool(self._still(asked, network))) if answer.verdict == "reachable" else None
        return Judged(answer, count, tuple(affected), told, change)

    def _still(self, asked: Body, network: str) -> list[Breach]:
        """What is sure to be open under the graph as it is now."""
        graph = self.graph()
        sources, targets = select(graph, asked.from_), select(graph, asked.to)
        found = breaches(graph, asked, sources, _within(targets, network), wanted(asked.protocol, asked.ports))
        return [one for one in found if one.sure]

    def _breaches(self, asked: Body, sources: Places, targets: Places, about: Wanted) -> Mapping[str, list[Breach]]:
        key = asked.model_dump_json()
        if key not in self._asked:
            held: dict[str, list[Breach]] = {}
            for one in breaches(self.graph(), asked, sources, targets.held, about):
                for network in {interface.network for interface in one.found.target.interfaces}:
                    held.setdefault(network, []).append(one)
            self._asked[key] = held
        return self._asked[key]


def breaches(graph: Graph, asked: Body, sources: Places, targets: Sequence[Place], about: Wanted) -> Iterable[Breach]:
    """Every flow that gets there and may not, as far as it may not."""
    exempt = [_exemption(graph, entry) for entry in asked.allowed] if isinstance(asked.allowed, list) else []
    entries = {target.station for target in targets}
    for found in arrivals(graph, sources.held, targets, about):
        # What a load balancer that is itself a target passes on came in through it, and is judged there.
        if asked.expect == "only" and any(step.link.rewrite is not None and step.at in entries for step in found.arrival.step.way()):
            continue
        for sure, part in ((True, found.flow.must), (False, found.flow.may)):
            left = _left(part, found, exempt)
            yield from (Breach(found, one, sure) for one in left)
            if left:
                break


@dataclass(frozen=True, slots=True)
class _Exemption:
    sources: Sequence[Place]
    targets: Sequence[Place]
    about: Wanted


def _exemption(graph: Graph, entry: Allowed) -> _Exemption:
    return _Exemption(select(graph, entry.from_).held, select(graph, entry.to).held, wanted(entry.protocol, entry.ports))


def _left(part: Flow, found: Found, exempt: Iterable[_Exemption]) -> list[Flow]:
    """What no exemption covers of a flow: flows are products, so what is left of one may be several."""
    left = [part] if part else []
    for one in exempt:
        for source in one.sources:
            for target in one.targets:
                if source.station == found.source.station and target.station == found.target.station:
                    left = [rest for held in left for rest in _minus(held, source, target, one.about)]
    return left


def _minus(held: Flow, source: Place, target: Place, about: Wanted) -> list[Flow]:
    family = held.family
    covered = about.packets(family)
    senders = packets(source.addresses.get(family, EVERYBODY[family] - EVERYBODY[family])) & covered
    receivers = packets(target.addresses.get(family, EVERYBODY[family] - EVERYBODY[family])) & covered
    parts = (flow(family, held.source - senders, held.destination), flow(family, held.source & senders, held.destination - receivers))
    return [part for part in parts if part]


def select(graph: Graph, selector: Selector) -> Places:
    """What a rule's selector stands for. Raises NoSuchPlace."""
    match selector:
        case Kinds(type=types):
            return typed(graph, types)
        case list():
            held = [select(graph, one) for one in selector]
            doubts = tuple(dict.fromkeys(doubt for one in held for doubt in one.doubts))
            return Places(", ".join(one.name for one in held), tuple(place for one in held for place in one.held), doubts)
        case str() if selector == EVERYTHING:
            return everything(graph)
        case str() if selector in {OUTSIDE, OTHER_NETWORKS}:
            stations = sorted(set(graph.outside) - ({INTERNET} if selector == OTHER_NETWORKS else set()))
            return Places(selector, tuple(_outside(graph, station) for station in stations))
    assert isinstance(selector, str)
    return named(graph, selector)


def _outside(graph: Graph, station: str) -> Place:
    if station == INTERNET:
        return named(graph, INTERNET).held[0]
    return Place(station, graph.stations[station].sends or station, graph.networks.get(station, EVERYBODY), NO_LABELS)


def _within(targets: Places, network: str) -> list[Place]:
    return [place for place in targets.held if any(one.network == network for one in place.interfaces)]


def _affected(one: Breach, network: str) -> Iterable[str]:
    reached = [who for _, _, who in rows(one.flow.destination)]
    for interface in one.found.target.interfaces:
        if interface.network == network and any(
            address in who for who in reached for address in interface.addresses.get(one.flow.family, ())
        ):
            yield interface.id


def _told(one: Breach) -> tuple[Any, ...]:
    told = tuple((protocols, ports, who.spans) for side in (one.flow.source, one.flow.destination) for protocols, ports, who in rows(side))
    return (one.found.source.station, one.found.target.station, one.flow.family, told)
