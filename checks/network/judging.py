"""Judging `paths:` rules: for each target network, what may not be open and is, proved by a packet, and what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checks.network.answer import Answer, Found, arrivals, isolated, report, walking
from checks.network.body import EVERYTHING, OTHER_NETWORKS, OUTSIDE, Allowed, Body, Kinds, Selector
from checks.network.boxes import Box
from checks.network.changes import Change, smallest
from checks.network.flow import Flow, flow
from checks.network.graph import NO_LABELS, Graph, Interface, Link
from checks.network.packet import INTERNET
from checks.network.packets import EVERYBODY, NOBODY, addresses, packets, rows
from checks.network.place import NoSuchPlace, Place, Places, everything, named, typed
from checks.network.question import Wanted
from checks.network.walk import Walker
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
    """Judges one estate's networks."""

    graph: Graph
    replay: Callable[[Any, str], Any]
    _asked: dict[str, _Followed] = field(default_factory=dict)
    _selected: dict[str, Places] = field(default_factory=dict)

    def judge(self, body: Body, params: Mapping[str, Any], network: str, *, unseen: Sequence[str] = ()) -> Judged:
        """One network. `unseen` says what of it nobody looked at."""
        graph = self.graph
        try:
            asked = body.given(params)
            sources, targets = self._places(graph, asked.from_), self._places(graph, asked.to)
            about = wanted(asked.protocol, asked.ports)
        except (Unclear, NoSuchPlace) as error:
            return Judged(Answer("unknown", why=(str(error),)), 0)
        here = _within(targets, network)
        doubts = (*unseen, *sources.doubts, *targets.doubts)
        if not here:
            return Judged(Answer("unknown", why=doubts) if doubts else None)
        followed = self._followed(asked, sources, targets, about)
        breaches = followed.breaches.get(network, [])
        count = sum(len(place.interfaces) for place in here)
        sure = [one for one in breaches if one.sure]
        if not sure:
            reasons = (*(doubt for one in breaches for doubt in one.found.arrival.doubts), *doubts)
            if breaches or doubts:
                return Judged(Answer("unknown", why=tuple(dict.fromkeys(reasons))), count)
            return Judged(followed.proved(), count)
        first = min(sure, key=lambda one: one.found.order())
        answer = report(first.found, first.flow, self.replay)
        affected = sorted({id_ for one in sure for id_ in _affected(one, network)})
        told = tuple(sorted(_told(one) for one in sure))
        change = smallest(graph, answer, lambda: self._again(asked, network)) if answer.verdict == "reachable" else None
        return Judged(answer, count, tuple(affected), told, change)

    def _places(self, graph: Graph, selector: Selector) -> Places:
        """What a selector stands for, which is the same for all networks of an estate. Raises NoSuchPlace."""
        key = repr(selector)
        if key not in self._selected:
            self._selected[key] = select(graph, selector)
        return self._selected[key]

    def _again(self, asked: Body, network: str) -> Answer | None:
        """A packet that is sure to get through under the graph as it is now; None where none is."""
        graph = self.graph
        sources, targets = select(graph, asked.from_), select(graph, asked.to)
        found = breaches(graph, asked, sources, _within(targets, network), wanted(asked.protocol, asked.ports))
        first = min((one for one in found if one.sure), key=lambda one: one.found.order(), default=None)
        return report(first.found, first.flow, self.replay) if first is not None else None

    def _followed(self, asked: Body, sources: Places, targets: Places, about: Wanted) -> _Followed:
        key = asked.model_dump_json()
        if key not in self._asked:
            found = self._asked[key] = _Followed()
            graph, exempt = self.graph, _exemptions(self.graph, asked)
            for walk in _walks(graph, asked, sources, targets.held, about):
                broken = set()
                for one in _breaches(graph, walk, targets.held, about, exempt):
                    for network in {home(interface) for interface in one.found.target.interfaces}:
                        found.breaches.setdefault(network, []).append(one)
                        broken.add(network)
                told = _proof(graph, walk, targets, broken, about, exempt)
                found.proofs.append(told if len(sources.held) == 1 else replace(told, cut=None))
        return self._asked[key]


@dataclass(frozen=True, slots=True)
class Walk:
    """From one source: what walks there, and at whose stations what is sent on rewritten is not followed."""

    source: Place
    walkers: Sequence[Walker]
    stops: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Followed:
    """What was followed of a body: by network what is open that may not be, and from each source the proof for the others."""

    breaches: dict[str, list[Breach]] = field(default_factory=dict)
    proofs: list[Answer] = field(default_factory=list)

    def proved(self) -> Answer:
        """Of a network that nothing is open to: unreachable, if every proof holds. The proof is told if there is but one."""
        refused = [why for one in self.proofs if one.verdict != "unreachable" for why in one.why]
        if refused:
            return Answer("unknown", why=tuple(dict.fromkeys(refused)))
        assumed = tuple(dict.fromkeys(why for one in self.proofs for why in one.why))
        return Answer("unreachable", why=assumed, cut=self.proofs[0].cut if len(self.proofs) == 1 else None)


def _walks(graph: Graph, asked: Body, sources: Places, targets: Sequence[Place], about: Wanted) -> Iterator[Walk]:
    entries = frozenset(target.station for target in targets)
    # What a load balancer that is itself a target passes on came in through it, and is judged there.
    names = frozenset(one.id for target in targets for one in target.interfaces)
    stops = entries | _before(graph, entries, names) if asked.expect == "only" else frozenset[str]()
    first = walking(graph, entries, about, stops)
    for source in sources.held:
        yield Walk(source, [one.another() for one in first], stops)


def _before(graph: Graph, entries: frozenset[str], names: frozenset[str]) -> frozenset[str]:
    """The stations where what comes to load balancers among the entries is on its way to them, and is sent on from; and
    those from which it is sent on in their names."""

    def before(link: Link) -> bool:
        return (link.to in entries and link.rewrite is None) or (link.to not in entries and any(hop.id in names for hop in link.via))

    balancers = [one for one in graph.stations.values() if one.kind == "load-balancer"]
    return frozenset(one.id for one in balancers if any(before(link) for links in one.links.values() for link in links))


def breaches(graph: Graph, asked: Body, sources: Places, targets: Sequence[Place], about: Wanted) -> Iterable[Breach]:
    """Every flow that gets there and may not, as far as it may not."""
    exempt = _exemptions(graph, asked)
    for walk in _walks(graph, asked, sources, targets, about):
        yield from _breaches(graph, walk, targets, about, exempt)


def _breaches(graph: Graph, walk: Walk, targets: Sequence[Place], about: Wanted, exempt: Sequence[_Exemption]) -> Iterator[Breach]:
    for found in arrivals(graph, [walk.source], targets, about, walk.walkers):
        for sure, part in ((True, found.flow.must), (False, found.flow.may)):
            left = _left(part, found, exempt)
            yield from (Breach(found, one, sure) for one in left)
            if left:
                break


def _proof(graph: Graph, walk: Walk, targets: Places, broken: set[str], about: Wanted, exempt: Sequence[_Exemption]) -> Answer:
    """That from one source nothing gets but what may, to all networks but those where something does."""
    whole = [place for place in targets.held if place.interfaces and broken.isdisjoint(home(one) for one in place.interfaces)]
    rest = Places(targets.name, tuple(whole))
    source = Places(walk.source.station, (walk.source,))
    return isolated(graph, source, rest, about, walk.walkers, _allowed(walk.source, rest, exempt), walk.stops)


def _allowed(source: Place, targets: Places, exempt: Iterable[_Exemption]) -> dict[tuple[str, int], list[Box]]:
    """What may arrive from a source, as boxes."""
    stations = {place.station for place in targets.held}
    found: dict[tuple[str, int], list[Box]] = {}
    for one in exempt:
        for sender in one.sources:
            for target in one.targets:
                if sender.station != source.station or target.station not in stations:
                    continue
                for family in (4, 6):
                    ends = [place.addresses.get(family, NOBODY).spans for place in (sender, target)]
                    boxes = [(protocols, ports, *ends) for protocols in one.about.protocols for ports in one.about.ports]
                    found.setdefault((target.station, family), []).extend(boxes)  # type: ignore[arg-type]
    return found


def _exemptions(graph: Graph, asked: Body) -> list[_Exemption]:
    return [_exemption(graph, entry) for entry in asked.allowed] if isinstance(asked.allowed, list) else []


@dataclass(frozen=True, slots=True)
class _Exemption:
    sources: Sequence[Place]
    targets: Sequence[Place]
    about: Wanted


def _exemption(graph: Graph, entry: Allowed) -> _Exemption:
    """What an allowed path exempts: nothing, where one of its ends is nowhere in the estate."""
    try:
        return _Exemption(select(graph, entry.from_).held, select(graph, entry.to).held, wanted(entry.protocol, entry.ports))
    except NoSuchPlace:
        return _Exemption((), (), wanted(entry.protocol, entry.ports))


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


def home(interface: Interface) -> str:
    """Where an interface is judged: with its network; by itself if it is in none."""
    return interface.network or interface.id


def apart(graph: Graph, asked: Body) -> Iterator[Interface]:
    """The interfaces that a body is about and that are in no network. Where it is about everything, storage and vaults are
    left out: they are no machines, and have rules of their own. Raises Unclear and NoSuchPlace."""
    for place in select(graph, asked.to).held:
        for one in place.interfaces:
            if not one.network and not (asked.to == EVERYTHING and one.kind in _NO_MACHINES):
                yield one


_NO_MACHINES = frozenset({"storage-account", "key-vault"})


def _within(targets: Places, network: str) -> list[Place]:
    return [place for place in targets.held if any(home(one) == network for one in place.interfaces)]


def _affected(one: Breach, network: str) -> Iterable[str]:
    reached = [who for _, _, who in rows(one.flow.destination)]
    for interface in one.found.target.interfaces:
        own = addresses(interface.spans(one.flow.family))
        if home(interface) == network and any(who.meets(own) for who in reached):
            yield interface.id


def _told(one: Breach) -> tuple[Any, ...]:
    told = tuple((protocols, ports, who.spans) for side in (one.flow.source, one.flow.destination) for protocols, ports, who in rows(side))
    return (one.found.source.station, one.found.target.station, one.flow.family, told)
