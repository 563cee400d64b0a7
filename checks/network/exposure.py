"""Everything that the internet reaches: for each class of interfaces, which packets from whom; and again after a change.

The walk is kept. When a filter changes, what came through links that name it is dropped and followed again, from what
is held before them; answers that passed such a link are asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checks.network.flow import Flow, flow
from checks.network.graph import NO_LABELS, Filter, Graph, Link
from checks.network.internet import SENDERS
from checks.network.packet import INTERNET, TCP
from checks.network.packets import EVERYBODY, NOTHING, PORTS, Addresses, PacketSet, Span, addresses, packets, rows, support
from checks.network.place import Place, of
from checks.network.walk import Arrival, Seen, Start, Sure, Visit, Walker
from checks.network.witness import sources_of


@dataclass(frozen=True, slots=True)
class Exposure:
    """Packets from the internet that arrive at some interfaces of a class, at all of them alike.

    `ports` are those that they arrive at (an ICMP type and code as type * 256 + code). `one_way`: TCP that arrives, but is
    not answered. Not `certain`: it may arrive, for all that is known, and `doubts` say what is not. `through` is the id of
    what ended the client's connection and made another one (a load balancer); `sources` are then its clients.
    """

    interfaces: tuple[str, ...]
    family: int
    protocols: Span
    ports: Span
    sources: Addresses
    one_way: bool = False
    certain: bool = True
    through: str | None = None
    doubts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Kinds:
    """What reaches one interface one way: TCP that is answered, what arrives, and what may arrive; sets of senders."""

    answered: PacketSet = NOTHING
    arrives: PacketSet = NOTHING
    may: PacketSet = NOTHING
    doubts: tuple[str, ...] = ()


class Exposed:
    """What the internet reaches in a graph: its exposures, by class in the order of their stations."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._classes = {place.station: place for place in of(graph.interfaces.values())}
        self._links = _Links.of(graph)
        self._begin()

    def __iter__(self) -> Iterator[Exposure]:
        for station in sorted(self._found):
            yield from self._found[station]

    def at(self, station: str) -> tuple[Exposure, ...]:
        """What reaches the class that receives at a station."""
        return self._found.get(station, ())

    def change(self, filter_: Filter) -> frozenset[str]:
        """Puts a filter in the place of the one with its id; the stations of the classes that were judged again."""
        before = self.graph.filters[filter_.id]
        self.graph.filters[filter_.id] = filter_
        if {rule.source_ports for rule in before.rules} != {rule.source_ports for rule in filter_.rules}:
            self._begin()
            return frozenset(self._found)
        named = self._links.naming.get(filter_.id, ())
        unanswered = set() if filter_.stateful else self._forget_answers({at for at, _, _ in named})
        again = {link.to for _, _, link in named}
        again |= {link.to for at in unanswered for links in self.graph.stations[at].links.values() for link in links if link.rewrite}
        dirty = self._follow_again(again) | unanswered
        self._judge(dirty)
        return frozenset(dirty & self._classes.keys())

    def _begin(self) -> None:
        self._walker = Walker(self.graph, (0, PORTS)) if self.graph.tells_source_ports else Walker(self.graph)
        self._seen: dict[int, Seen] = {4: {}, 6: {}}
        self._arrivals: dict[str, list[Arrival]] = {}
        self._found: dict[str, tuple[Exposure, ...]] = {}
        self._starts = []
        for family in (4, 6):
            everything = flow(family, packets(SENDERS[family]), packets(EVERYBODY[family]))
            self._starts += self._walker.setting_out(Start(INTERNET, INTERNET, everything, NO_LABELS))
        self._judge(self._follow(self._starts))

    def _follow(self, visits: Iterable[Visit]) -> set[str]:
        """Follows what visits lead to; the stations where something arrived."""
        came = set()
        todo: dict[int, list[Visit]] = {4: [], 6: []}
        for visit in visits:
            todo[visit.flow.may.family].append(visit)
        for family, held in todo.items():
            for arrival in self._walker.follow(held, self._seen[family]):
                self._arrivals.setdefault(arrival.station, []).append(arrival)
                came.add(arrival.station)
        return came

    def _forget_answers(self, passing: set[str]) -> set[str]:
        """Forgets the answers that pass some stations; the stations that they are given at."""
        senders = self._walker.forget_answers(passing)
        return {at for sender in senders for at in self._links.answering.get(sender, ())}

    def _follow_again(self, changed: set[str]) -> set[str]:
        """Drops what came to some stations, and on from there, and follows it again; the stations where that matters."""
        visits: dict[str, list[Visit]] = {}
        for seen in self._seen.values():
            for key, held in seen.items():
                visits.setdefault(key[0], []).extend(held)
        again: set[str] = set()
        todo = list(changed)
        while todo:
            if (at := todo.pop()) not in again:
                again.add(at)
                todo += [link.to for visit in visits.get(at, ()) for link in self.graph.stations[at].links[visit.flow.may.family]]
        for seen in self._seen.values():
            for key in [key for key in seen if key[0] in again]:
                del seen[key]
        for at in again:
            self._arrivals.pop(at, None)
        onward: list[Visit] = []
        for to in again:
            for at, family, link in self._links.into.get(to, ()):
                held = [visit for visit in self._starts if visit.at == at]
                held += visits.get(at, ()) if at not in again else ()
                for visit in held:
                    if visit.flow.may.family == family and link.carries != "reply":
                        onward += self._walker.onward(visit, link) or ()
        return again | self._follow(onward)

    # -- what an interface is reached by ----------------------------------------------------------------------------

    def _judge(self, stations: Iterable[str]) -> None:
        for station in stations:
            self._found.pop(station, None)
            if (place := self._classes.get(station)) and (arrived := self._arrivals.get(station)):
                self._found[station] = tuple(self._exposures(place, arrived))

    def _exposures(self, place: Place, arrivals: Iterable[Arrival]) -> Iterator[Exposure]:
        found: dict[tuple[int, str | None], dict[str, _Kinds]] = {}
        for arrival in arrivals:
            kinds = found.setdefault((arrival.flow.may.family, _through(arrival)), {})
            for part, kind in self._parts(arrival):
                for interface, senders in _by_interface(place, arrival, part):
                    held = kinds.setdefault(interface, _Kinds())
                    setattr(held, kind, getattr(held, kind) | senders)
                    if kind == "may":
                        held.doubts = tuple(dict.fromkeys((*held.doubts, *arrival.doubts)))
        for (family, through), kinds in sorted(found.items(), key=lambda one: (one[0][0], one[0][1] or "")):
            yield from _told(family, through, kinds)

    def _parts(self, arrival: Arrival) -> Iterator[tuple[Flow, str]]:
        arrived = arrival.flow
        if not arrived.known:
            yield arrived.may, "may"
        if not arrived.must:
            return
        yield arrived.must, "arrives"
        tcp = arrived.must.narrowed(packets(EVERYBODY[arrived.must.family], (TCP, TCP)), None)
        if not tcp or not arrival.legs_answered:
            return
        surely, _ = self._walker.answered(arrival.station, Sure(tcp, tcp), arrival.leg)
        for part in surely:
            yield part.flow, "answered"


def _told(family: int, through: str | None, kinds: Mapping[str, _Kinds]) -> Iterator[Exposure]:
    """Exposures of interfaces that are reached alike together."""
    tcp = packets(EVERYBODY[family], (TCP, TCP))
    alike: dict[tuple[PacketSet, PacketSet, PacketSet, tuple[str, ...]], list[str]] = {}
    for interface, held in kinds.items():
        one_way = (held.arrives & tcp) - held.answered
        key = (held.arrives - one_way, one_way, held.may - held.arrives, held.doubts)
        alike.setdefault(key, []).append(interface)
    for (two_way, one_way, may, doubts), names in sorted(alike.items(), key=lambda one: min(one[1])):
        interfaces = tuple(sorted(names))
        for protocols, ports, sources in rows(two_way):
            yield Exposure(interfaces, family, protocols, ports, sources, through=through)
        for protocols, ports, sources in rows(one_way):
            yield Exposure(interfaces, family, protocols, ports, sources, one_way=True, through=through)
        for protocols, ports, sources in rows(may):
            yield Exposure(interfaces, family, protocols, ports, sources, certain=False, through=through, doubts=doubts)


def _through(arrival: Arrival) -> str | None:
    for step in arrival.step.way():
        if step.link.rewrite is not None and step.link.rewrite.leg:
            return step.link.via[-1].id if step.link.via else step.at
    return None


def _by_interface(place: Place, arrival: Arrival, part: Flow) -> Iterator[tuple[str, PacketSet]]:
    """Who may send which packets of a flow to each interface of a class."""
    everybody = EVERYBODY[part.family]
    senders = part.source if _through(arrival) is None else support(part.source, sources_of(arrival, part))
    there = list(rows(part.destination))
    leaves = {who for _, _, who in there}
    for interface in place.interfaces:
        for span in interface.spans(part.family):
            if len(leaves) == 1:
                if next(iter(leaves)).meets(addresses([span])):
                    yield interface.id, senders
                continue
            for protocols, ports, who in there:
                if who.meets(addresses([span])):
                    yield interface.id, senders & packets(everybody, protocols, ports)


@dataclass(frozen=True, slots=True)
class _Links:
    """The links of a graph, as (station, family, link): by the filters they name, and by where they lead to. And the
    stations that are answered from another, by that one."""

    naming: dict[str, list[tuple[str, int, Link]]] = field(default_factory=dict)
    into: dict[str, list[tuple[str, int, Link]]] = field(default_factory=dict)
    answering: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph) -> _Links:
        found = cls()
        for station in graph.stations.values():
            found.answering.setdefault(station.sends or station.id, []).append(station.id)
            for family, links in station.links.items():
                for link in links:
                    found.into.setdefault(link.to, []).append((station.id, family, link))
                    for id_ in {id_ for group in link.filters for id_ in group}:
                        found.naming.setdefault(id_, []).append((station.id, family, link))
        return found
