"""Following flows through the path graph: from a start, along every link, to wherever something arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.network.flow import Answered, Flow, answered, changed, flow, inverse, reply
from checks.network.graph import Allowance, End, Graph, Labels, Link, Rewrite, Translation, any_of
from checks.network.packets import NOTHING, PORTS, Addresses, PacketSet, Span, packets

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
    """Where a connection, or its second leg, begins. Replies are awaited at `home`."""

    station: str
    home: str
    flow: Flow
    labels: Labels


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
    """A flow that came to a station that ends. `leg` began its last leg, `ports` are the first packet's source ports, and
    `legs_answered` says whether the connections of the legs before are answered."""

    station: str
    flow: Sure
    labels: Labels
    step: Step
    leg: Start
    ports: Span
    legs_answered: bool

    @property
    def doubts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(doubt for step in self.step.way() for doubt in step.doubts))


@dataclass(slots=True)
class Walker:
    """Walks one graph. `source_ports` are those that a first packet may be sent from. Where only what comes to some
    stations is asked for, `towards` holds those that lead there, and no other is gone to."""

    graph: Graph
    source_ports: Span = EPHEMERAL
    towards: frozenset[str] | None = None
    _replies: dict[tuple[str, str, Flow], list[Sure]] = field(default_factory=dict)

    def arrivals(self, start: Start) -> Iterator[Arrival]:
        """Everything that what starts there comes to, by every way; a way that brings nothing new is not taken twice."""
        for ports in self._slices():
            yield from self._arrivals(start, ports)

    def _slices(self) -> list[Span]:
        """The source ports, cut where some rule tells them apart."""
        first, last = self.source_ports
        cuts = [first, *(cut for cut in self.graph.source_port_cuts if first < cut <= last)]
        return [(low, high - 1) for low, high in zip(cuts, [*cuts[1:], last + 1], strict=True)]

    def _arrivals(self, start: Start, ports: Span) -> Iterator[Arrival]:
        """With one slice of source ports. What is still to be followed: (station, flow, labels, last step, leg, legs answered)."""
        sent = Sure(start.flow, start.flow)
        todo: list[tuple[str, Sure, Labels, Step | None, Start, bool]] = [(start.station, sent, start.labels, None, start, True)]
        seen: dict[tuple[str, str, Labels, bool], list[Sure]] = {}
        while todo:
            at, flowing, labels, step, leg, legs_answered = todo.pop()
            known = seen.setdefault((at, leg.home, labels, legs_answered), [])
            if any(flowing.must <= other.must and flowing.may <= other.may for other in known):
                continue
            known.append(flowing)
            station = self.graph.stations[at]
            if station.ends and step is not None:
                yield Arrival(at, flowing, labels, step, leg, ports, legs_answered)
            for link in station.links[start.flow.family]:
                if link.carries == "reply" or (self.towards is not None and link.to not in self.towards):
                    continue
                if (taken := self._take(link, flowing, labels, ports[0], first=True)) is None:
                    continue
                inside, doubts = taken
                answers, next_leg = legs_answered, leg
                ends_leg = link.rewrite.leg if link.rewrite is not None else ""
                if ends_leg in {"proxy", "nat"} and step is not None:
                    inside, through = self._leg_ends(at, inside, leg, ports, proxy=ends_leg == "proxy")
                    answers = answers and through
                    if not inside.may:
                        continue
                after = self._rewritten(inside, link.rewrite)
                known_as = labels if link.labels == "kept" else link.labels
                if ends_leg:
                    next_leg = Start(link.to, "" if ends_leg == "pass" else at, after.may, known_as)
                todo.append((link.to, after, known_as, Step(at, link, inside, labels, leg, step, doubts), next_leg, answers))

    def _leg_ends(self, at: str, inside: Sure, leg: Start, ports: Span, *, proxy: bool) -> tuple[Sure, bool]:
        """A connection ends here, and another begins: (what goes on, whether the first is answered). A proxy goes on with
        nothing that is not."""
        surely, maybe = self.answered(at, inside, leg, ports)
        if not proxy:
            return inside, bool(surely)
        must, may = _joined(surely, inside.must), _joined(maybe, inside.may)
        return Sure(may, may) if must == may else Sure(must, may), True

    def _take(self, link: Link, flowing: Sure, labels: Labels, source_port: int, *, first: bool) -> tuple[Sure, tuple[str, ...]] | None:
        """What of a flow gets past a link's conditions, and what is doubtful there; None where nothing does."""
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
            doubts.append(link.doubt)
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
            return flow(part.family, source, changed(part.destination, rewrite.destination, rewrite.port))

        may = one(inside.may)
        return Sure(may, may) if inside.known else Sure(one(inside.must), may)

    # -- the way back ---------------------------------------------------------------------------------------------

    def answered(self, at: str, arrived: Sure, leg: Start, ports: Span | None = None) -> tuple[list[Answered], list[Answered]]:
        """Of a flow that arrived, what is surely answered, and what may be. Its ports are those of the first packet's source."""
        ports = ports or self.source_ports
        if not leg.home:
            everything = [Answered(arrived.must, ports)] if arrived.must else []
            return everything, [Answered(arrived.may, ports)]
        maybe = answered(arrived.may, self._back(at, arrived.may, leg, ports, sure=False))
        if arrived.known:
            return answered(arrived.must, self._back(at, arrived.must, leg, ports, sure=True)), maybe
        return (answered(arrived.must, self._back(at, arrived.must, leg, ports, sure=True)) if arrived.must else []), maybe

    def _back(self, at: str, arrived: Flow, leg: Start, ports: Span, *, sure: bool) -> list[Flow]:
        """The replies to what arrived that come home, in the addresses that the receiver knows."""
        sends = self.graph.stations[at].sends or at
        sent = reply(arrived, ports)
        key = (sends, leg.home, sent)
        if key not in self._replies:
            self._replies[key] = list(self._replies_home(sends, leg.home, sent))
        found = []
        for flowing in self._replies[key]:
            part = flowing.must if sure else flowing.may
            if part:
                found.append(part)
        return found

    def _replies_home(self, sends: str, home: str, sent: Flow) -> Iterator[Sure]:
        todo: list[tuple[str, Sure, Changes]] = [(sends, Sure(sent, sent), ())]
        seen: dict[str, list[Sure]] = {}
        while todo:
            at, flowing, changes = todo.pop()
            if at == home and not (at == sends and flowing.may is sent):
                yield self._undone(flowing, sent, changes)
                continue
            known = seen.setdefault(at, [])
            if any(flowing.must <= other.must and flowing.may <= other.may for other in known):
                continue
            known.append(flowing)
            for link in self.graph.stations[at].links[sent.family]:
                if link.carries == "first" or (link.rewrite is not None and link.rewrite.leg):
                    continue
                taken = self._take(link, flowing, None, 0, first=False)
                if taken is None:
                    continue
                after = self._rewritten(taken[0], link.rewrite)
                now = changes
                if link.rewrite is not None and link.rewrite.source is not None:
                    now = (*now, ("source", link.rewrite.source))
                if link.rewrite is not None and link.rewrite.destination is not None:
                    now = (*now, ("destination", link.rewrite.destination))
                todo.append((link.to, after, now))

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


def _joined(parts: list[Answered], whole: Flow) -> Flow:
    """One flow of several answered parts of another: exact where they differ at one end only."""
    if not parts:
        return flow(whole.family, NOTHING, NOTHING)
    source, destination = parts[0].flow.source, parts[0].flow.destination
    for part in parts[1:]:
        source, destination = source | part.flow.source, destination | part.flow.destination
    return whole.narrowed(source, destination)
