"""Following flows through the path graph: from a start, along every link, to wherever something arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from checks.network.flow import Answered, Flow, answered, changed, flow, inverse, of_one_kind, reply
from checks.network.graph import Allowance, End, Graph, Labels, Link, Rewrite, Translation, any_of
from checks.network.packets import EVERYBODY, NOTHING, PORTS, Addresses, PacketSet, Span, packets, rows, support, who

EPHEMERAL: Span = (1024, PORTS)
"""The source ports that clients may use: NAT gateways and load balancers use all of them, Linux and Windows fewer (VPC
user guide, Network ACLs, Ephemeral ports)."""


@dataclass(frozen=True, slots=True)
class Sure:
    """What surely flows, and what may; the same flow where all on the way was known."""

    must: Flow
    may: Flow

    @property
    def known(self) -> bool:
        return self.must is self.may


@dataclass(frozen=True, slots=True)
class Start:
    """Where a connection, or its second leg, begins, and the source ports it is made from. Replies are awaited at `home`."""

    station: str
    home: str
    flow: Flow
    labels: Labels
    ports: Span = EPHEMERAL


Changes = tuple[tuple[End, Translation | Addresses], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One link on a flow's way, taken in the leg that began at `leg`. `inside` is what took it, before it was rewritten."""

    at: str
    link: Link
    inside: Sure
    labels: Labels
    leg: Start
    previous: Step | None
    doubts: tuple[str, ...] = ()

    def way(self) -> list[Step]:
        """From the start to here."""
        found: list[Step] = []
        step: Step | None = self
        while step is not None:
            found.append(step)
            step = step.previous
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A flow that came to a station that ends. `leg` began its last leg, and `legs_answered` says whether the connections
    of the legs before are answered."""

    station: str
    flow: Sure
    labels: Labels
    step: Step
    leg: Start
    legs_answered: bool

    @property
    def ports(self) -> Span:
        """The source ports that the receiver sees."""
        return self.leg.ports

    @property
    def doubts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(doubt for step in self.step.way() for doubt in step.doubts))


@dataclass(frozen=True, slots=True)
class Visit:
    """A flow at a station, on its way from there."""

    at: str
    flow: Sure
    labels: Labels
    step: Step | None
    leg: Start
    legs_answered: bool


Seen = dict[tuple[str, str, Labels, Span, bool, int], list[Visit]]
"""Visits that were followed, by station, the home and source ports of their leg, labels, whether legs are answered, family."""

Came = tuple[str, int, Labels, Span]
"""What a flow that came by a station is kept under: the station, the family, the labels and the source ports."""


@dataclass(slots=True)
class Walker:
    """Walks one graph. `source_ports` are those that a first packet may be sent from. Where only what comes to some
    stations is asked for, `towards` holds those that lead there, and no other is gone to. What stations among `stops`
    send on rewritten is not followed.

    `came` is every flow that may come by, and with it the proxy links (by their place at the station) that it passes
    nothing on by, since no reply to it gets home: what a proof that something is not reachable is made of.
    """

    graph: Graph
    source_ports: Span = EPHEMERAL
    towards: frozenset[str] | None = None
    stops: frozenset[str] = frozenset()
    came: dict[Came, dict[Flow, set[int]]] = field(default_factory=dict)
    _replies: dict[tuple[str, str, Flow], tuple[list[Sure], frozenset[str]]] = field(default_factory=dict)
    _cuts: tuple[int, ...] = ()

    def another(self) -> Walker:
        """One like this, that has not been anywhere."""
        return Walker(self.graph, self.source_ports, self.towards, self.stops, _cuts=self._cuts or self.graph.source_port_cuts)

    def arrivals(self, start: Start) -> Iterator[Arrival]:
        """Everything that what starts there comes to, by every way."""
        yield from self.follow(self.setting_out(start), {})

    def setting_out(self, start: Start) -> list[Visit]:
        """What is to be followed of a start: each slice of source ports by itself."""
        sent = Sure(start.flow, start.flow)
        return [
            Visit(start.station, sent, start.labels, None, replace(start, ports=ports), legs_answered=True)
            for ports in self._slices(self.source_ports)
        ]

    def _slices(self, span: Span) -> list[Span]:
        """Source ports, cut where some rule tells them apart."""
        self._cuts = self._cuts or self.graph.source_port_cuts
        first, last = span
        cuts = [first, *(cut for cut in self._cuts if first < cut <= last)]
        return [(low, high - 1) for low, high in zip(cuts, [*cuts[1:], last + 1], strict=True)]

    def follow(self, todo: list[Visit], seen: Seen) -> Iterator[Arrival]:
        """Where visits lead to; a way that brings nothing new is not taken twice."""
        while todo:
            here = todo.pop()
            flowing, leg, family = here.flow, here.leg, here.flow.may.family
            known = seen.setdefault((here.at, leg.home, here.labels, leg.ports, here.legs_answered, family), [])
            if any(flowing.must <= other.flow.must and flowing.may <= other.flow.may for other in known):
                continue
            station = self.graph.stations[here.at]
            if here.step is not None:  # what comes back to where it began has arrived there, and that is new
                known.append(here)
                if station.ends:
                    yield Arrival(here.at, flowing, here.labels, here.step, leg, here.legs_answered)
            silent: set[int] = set()
            for place, link in enumerate(station.links[family]):
                if link.carries == "reply" or (self.towards is not None and link.to not in self.towards):
                    continue
                if link.rewrite is not None and here.at in self.stops:
                    continue
                onward = self.onward(here, link)
                if onward is None:
                    silent.add(place)
                else:
                    todo += onward
            there = self.came.setdefault((here.at, family, here.labels, leg.ports), {})
            there[flowing.may] = there[flowing.may] & silent if flowing.may in there else silent

    def onward(self, here: Visit, link: Link) -> list[Visit] | None:
        """What comes out of a link; None where a proxy goes on with nothing, since nothing that it could answer gets home."""
        if (taken := self._take(link, here.flow, here.labels, here.leg.ports[0], first=True)) is None:
            return []
        inside, doubts = taken
        answers, legs = here.legs_answered, [here.leg]
        ends_leg = link.rewrite.leg if link.rewrite is not None else ""
        if ends_leg in {"proxy", "nat"} and here.step is not None:
            surely, maybe = self.answered(here.at, inside, here.leg)
            answers = answers and (bool(surely) or ends_leg == "proxy")
            if ends_leg == "proxy":
                if not maybe:
                    return None
                inside = _proxied(inside, surely)
                if not inside.known and not doubts:
                    doubts = (f"whether {here.at} is answered, and so goes on, is not sure",)
        after = self._rewritten(inside, link.rewrite)
        labels = here.labels if link.labels == "kept" else link.labels
        if ends_leg == "pass":
            legs = [Start(link.to, "", after.may, labels, here.leg.ports)]
        elif ends_leg:
            legs = [Start(link.to, here.at, after.may, labels, ports) for ports in self._slices(EPHEMERAL)]
        step = Step(here.at, link, inside, here.labels, here.leg, here.step, doubts)
        return [Visit(link.to, after, labels, step, leg, answers) for leg in legs]

    def _take(self, link: Link, flowing: Sure, labels: Labels, source_port: int, *, first: bool) -> tuple[Sure, tuple[str, ...]] | None:
        """What of a flow gets past a link's conditions, and what is doubtful there; None where nothing does."""
        if link.source is not None and not link.source.meets(who(flowing.may.source)):
            return None
        if link.destination is not None and not link.destination.meets(who(flowing.may.destination)):
            return None
        source = packets(link.source) if link.source is not None else None
        destination = packets(link.destination) if link.destination is not None else None
        if link.packets is not None:
            source = link.packets if source is None else source & link.packets
        now = self._narrow(flowing, source, source, destination, destination)
        doubts: list[str] = []
        for group in link.filters:
            if not now.may:
                return None
            filters = [self.graph.filters[id_] for id_ in group]
            if not first:
                filters = [one for one in filters if not one.stateful]
                if len(filters) < len(group):
                    continue
            allowance = any_of(tuple(one.allowance(flowing.may.family, labels, source_port) for one in filters)) if filters else _NONE
            reads_source = bool(filters) and filters[0].reads == "source"
            before = now
            if reads_source:
                now = self._narrow(now, allowance.must, allowance.may, None, None)
            else:
                now = self._narrow(now, None, None, allowance.must, allowance.may)
            if allowance.must is not allowance.may and not (before.known and now.known):
                doubts += [doubt for one in filters for doubt in one.doubts(labels)]
        if not now.may:
            return None
        if link.doubt:
            doubts += link.doubt.splitlines()
            nothing = flow(now.may.family, NOTHING, NOTHING)
            now = Sure(nothing, now.may)
        return now, tuple(dict.fromkeys(doubts))

    def _narrow(
        self, now: Sure, must_source: PacketSet | None, may_source: PacketSet | None, must_end: PacketSet | None, may_end: PacketSet | None
    ) -> Sure:
        may = now.may.narrowed(may_source, may_end)
        if now.known and must_source is may_source and must_end is may_end:
            return Sure(may, may)
        must = now.must.narrowed(must_source, must_end)
        return Sure(may, may) if must == may else Sure(must, may)

    def _rewritten(self, inside: Sure, rewrite: Rewrite | None) -> Sure:
        if rewrite is None or (rewrite.source is None and rewrite.destination is None and rewrite.port is None):
            return inside

        def one(part: Flow) -> Flow:
            if not part:
                return part
            source = changed(part.source, rewrite.source, rewrite.port)
            return flow(rewrite.family or part.family, source, changed(part.destination, rewrite.destination, rewrite.port))

        may = one(inside.may)
        certain = inside.must if rewrite.port is None else of_one_kind(inside.must)
        return Sure(may, may) if certain is inside.may else Sure(one(certain), may)

    # -- the way back ---------------------------------------------------------------------------------------------

    def answered(self, at: str, arrived: Sure, leg: Start) -> tuple[list[Answered], list[Answered]]:
        """Of a flow that arrived in a leg, what is surely answered, and what may be."""
        ports = leg.ports
        if not leg.home:
            everything = [Answered(arrived.must, ports)] if arrived.must else []
            return everything, [Answered(arrived.may, ports)]
        back = self._back(at, arrived.may, leg, ports, sure=False)
        maybe = answered(arrived.may, back)
        if not arrived.must:
            return [], maybe
        surely = self._back(at, arrived.must, leg, ports, sure=True)
        return maybe if arrived.known and surely == back else answered(arrived.must, surely), maybe

    def _back(self, at: str, arrived: Flow, leg: Start, ports: Span, *, sure: bool) -> list[Flow]:
        """The replies to what arrived that come home, in the addresses that the receiver knows."""
        sends = self.graph.stations[at].sends or at
        sent = reply(arrived, ports)
        key = (sends, leg.home, sent)
        if key not in self._replies:
            self._replies[key] = self._replies_home(sends, leg.home, sent)
        found = []
        for flowing in self._replies[key][0]:
            part = flowing.must if sure else flowing.may
            if part:
                found.append(part)
        return found

    def forget_answers(self, passing: set[str]) -> set[str]:
        """Forgets the replies that came by some stations; the stations that they were sent from."""
        stale = [key for key, (_, by) in self._replies.items() if not by.isdisjoint(passing)]
        for key in stale:
            del self._replies[key]
        return {sends for sends, _, _ in stale}

    def _replies_home(self, sends: str, home: str, sent: Flow) -> tuple[list[Sure], frozenset[str]]:
        """The replies that come home, and the stations that any come by."""
        found: list[Sure] = []
        todo: list[tuple[str, Sure, Changes, bool]] = [(sends, Sure(sent, sent), (), False)]
        seen: dict[tuple[str, Changes], list[Sure]] = {}
        while todo:
            at, flowing, changes, under_way = todo.pop()
            if at == home and under_way:
                found.append(self._undone(flowing, sent, changes))
                continue
            known = seen.setdefault((at, tuple(dict.fromkeys(changes))), [])
            if any(flowing.must <= other.must and flowing.may <= other.may for other in known):
                continue
            known.append(flowing)
            if self.graph.stations[at].kind == "unknown":  # from where nobody knows what happens, it may come home
                found.append(self._undone(Sure(flow(sent.family, NOTHING, NOTHING), flowing.may), sent, changes))
                continue
            for link in self.graph.stations[at].links[sent.family]:
                if link.carries == "first" or (link.rewrite is not None and link.rewrite.leg):
                    continue
                taken = self._take(link, flowing, None, 0, first=False)
                if taken is None:
                    continue
                after = self._rewritten(taken[0], link.rewrite and replace(link.rewrite, port=None))
                now = changes
                if link.rewrite is not None and link.rewrite.source is not None:
                    now = (*now, ("source", link.rewrite.source))
                if link.rewrite is not None and link.rewrite.destination is not None:
                    now = (*now, ("destination", link.rewrite.destination))
                todo.append((link.to, after, now, True))
        return found, frozenset(at for at, _ in seen)

    def _undone(self, flowing: Sure, sent: Flow, changes: Changes) -> Sure:
        """A reply that came home, in the addresses it was sent with. What an address was replaced from, any may have been."""

        def one(part: Flow) -> Flow:
            if not part:
                return part
            source, destination = part.source, part.destination
            for side, how in reversed(changes):
                if side == "source":
                    source = changed(source, inverse(how), None) if isinstance(how, tuple) else sent.source
                else:
                    destination = changed(destination, inverse(how), None) if isinstance(how, tuple) else sent.destination
            return flow(part.family, source & sent.source, destination & sent.destination)

        may = one(flowing.may)
        return Sure(may, may) if flowing.known else Sure(one(flowing.must), may)


_NONE = Allowance(NOTHING, NOTHING)


def _proxied(inside: Sure, surely: list[Answered]) -> Sure:
    """What a proxy may go on with, and what it surely does: of the parts that are answered, those that together are a flow.

    Which these are depends on the order they are taken in, so it is one that comes from the parts alone.
    """
    everybody = EVERYBODY[inside.may.family]
    source, destination = NOTHING, NOTHING
    for part in sorted(surely, key=lambda one: (_spelt(one.flow.source), _spelt(one.flow.destination), one.ports)):
        there = support(part.flow.source, everybody)
        if source & there in {NOTHING, part.flow.source} or destination & there is part.flow.destination:
            source, destination = source | part.flow.source, destination | part.flow.destination
    must = inside.must.narrowed(source, destination)
    return Sure(inside.may, inside.may) if must == inside.may else Sure(must, inside.may)


def _spelt(held: PacketSet) -> list[tuple[Span, Span, tuple[Span, ...]]]:
    """A set of packets in the one way that it can be written."""
    return [(protocols, ports, who_.spans) for protocols, ports, who_ in rows(held)]
