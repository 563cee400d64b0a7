"""The prover's question put to z3 and to binary decision diagrams (`dd` with CUDD), from the same filters.

Which packets (protocol, port, sender) from the internet get to a class of interfaces: past the network ACL and any of its
security groups; TCP only if the answer, to some port from 1024 on, gets out past the network ACL again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from checks.network.exposure import Exposure
from checks.network.graph import Filter, Graph
from checks.network.internet import PUBLIC
from checks.network.packet import INTERNET, TCP
from checks.network.packets import Span, rows

Row = tuple[Span, Span, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Class:
    """What stands between the internet and one class: filters by id."""

    station: str
    network: str
    inward: str
    groups: tuple[str, ...]
    outward: str


def classes(graph: Graph) -> list[Class]:
    """Every class that the internet may send to, as the graph's links say."""
    networks = {one.station: one.network for one in graph.interfaces.values()}
    found = []
    for gateway in graph.stations[INTERNET].links[4]:
        for link in graph.stations[gateway.to].links[4]:
            (inward,), groups = link.filters
            leaving = graph.stations[graph.stations[link.to].sends].links[4][0].to
            outward = next(one.filters[0][0] for one in graph.stations[leaving].links[4] if one.filters)
            found.append(Class(link.to, networks[link.to], inward, groups, outward))
    return found


def matching(filter_: Filter) -> Iterator[tuple[bool, list[Row]]]:
    """The rules that can match a sender from the internet: (allows, rows)."""
    for rule in filter_.rules:
        if rule.sender is None and 4 in rule.matches:
            yield rule.allows, [(protocols, ports, who.spans) for protocols, ports, who in rows(rule.matches[4])]


def size(exposures: Iterable[Exposure]) -> int:
    """How many (protocol, port, sender) are exposed two-way, at the first interface."""
    total = 0
    for one in exposures:
        if one.certain and not one.one_way:
            senders = sum(high - low + 1 for low, high in one.sources.spans)
            total += (one.protocols[1] - one.protocols[0] + 1) * (one.ports[1] - one.ports[0] + 1) * senders
    return total


class Solver:
    """z3, QF_BV: one packet for each class, or none."""

    def __init__(self, graph: Graph) -> None:
        import z3

        self.z3: Any = z3
        self.graph = graph
        self.sender, self.protocol = z3.BitVec("sender", 32), z3.BitVec("protocol", 8)
        self.port, self.client = z3.BitVec("port", 16), z3.BitVec("client", 16)

    def reached(self, class_: Class) -> tuple[int, int, int] | None:
        """(protocol, port, sender) of a packet that gets through."""
        z3 = self.z3
        solver = z3.SolverFor("QF_BV")
        solver.add(z3.Or([self._in(self.sender, span, 32) for span in PUBLIC[4].spans]))
        solver.add(self._passes(self.graph.filters[class_.inward], self.port))
        solver.add(z3.Or([self._passes(self.graph.filters[id_], self.port) for id_ in class_.groups]))
        answered = z3.And(self._passes(self.graph.filters[class_.outward], self.client), z3.UGE(self.client, 1024))
        solver.add(z3.Or(self.protocol != TCP, answered))
        if solver.check() != z3.sat:
            return None
        model = solver.model()
        return tuple(model.eval(one, model_completion=True).as_long() for one in (self.protocol, self.port, self.sender))  # type: ignore[return-value]

    def _passes(self, filter_: Filter, port: Any) -> Any:
        z3 = self.z3
        passes = z3.BoolVal(False)
        for allows, held in reversed(list(matching(filter_))):
            matches = z3.Or([self._row(row, port) for row in held])
            if filter_.ordered:
                passes = z3.If(matches, z3.BoolVal(allows), passes)
            elif allows:
                passes = z3.Or(matches, passes)
        return passes

    def _row(self, row: Row, port: Any) -> Any:
        protocols, ports, who = row
        within = self.z3.Or([self._in(self.sender, span, 32) for span in who])
        return self.z3.And(self._in(self.protocol, protocols, 8), self._in(port, ports, 16), within)

    def _in(self, value: Any, span: Span, bits: int) -> Any:
        z3, (low, high) = self.z3, span
        if low == high:
            return value == low
        bounds = [z3.UGE(value, low)] if low else []
        return z3.And([*bounds, z3.ULE(value, high)] if high < 2**bits - 1 else bounds)


@dataclass
class Diagrams:
    """CUDD: the whole set for each class, every filter made into a diagram once."""

    graph: Graph
    _known: dict[tuple[str, str], Any] = field(default_factory=dict)
    _spans: dict[tuple[str, Span], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from dd import cudd

        self.bdd: Any = cudd.BDD()
        self.bits = {"protocol": 8, "port": 16, "client": 16, "sender": 32}
        self.bdd.declare(*[f"{name}{bit}" for name, bits in self.bits.items() for bit in range(bits)])

    def reached(self, class_: Class) -> Any:
        bdd = self.bdd
        held = self._passes(class_.inward, "port")
        groups = bdd.false
        for id_ in class_.groups:
            groups |= self._passes(id_, "port")
        client = self._passes(class_.outward, "client") & self._in("client", (1024, 65535))
        answered = bdd.exist([f"client{bit}" for bit in range(16)], client)
        return held & groups & (answered | ~self._in("protocol", (TCP, TCP))) & self._any(PUBLIC[4].spans)

    def size(self, held: Any) -> int:
        return int(self.bdd.count(held, nvars=56))

    def _passes(self, id_: str, port: str) -> Any:
        key = (id_, port)
        if key not in self._known:
            filter_ = self.graph.filters[id_]
            passes = self.bdd.false
            for allows, held in reversed(list(matching(filter_))):
                matches = self.bdd.false
                for protocols, ports, who in held:
                    matches |= self._in("protocol", protocols) & self._in(port, ports) & self._any(who)
                if filter_.ordered:
                    passes = passes | matches if allows else passes & ~matches
                elif allows:
                    passes |= matches
            self._known[key] = passes
        return self._known[key]

    def _any(self, spans: Iterable[Span]) -> Any:
        found = self.bdd.false
        for span in spans:
            found |= self._in("sender", span)
        return found

    def _in(self, name: str, span: Span) -> Any:
        key = (name, span)
        if key not in self._spans:
            self._spans[key] = self._bound(name, span[0], low=True) & self._bound(name, span[1], low=False)
        return self._spans[key]

    def _bound(self, name: str, value: int, *, low: bool) -> Any:
        """At least, or at most, a value: from its lowest bit up."""
        found = self.bdd.true
        for bit in reversed(range(self.bits[name])):
            var = self.bdd.var(f"{name}{bit}")
            one = value >> (self.bits[name] - 1 - bit) & 1
            if low:  # noqa: SIM108 (four cases read better in two)
                found = var & found if one else var | found
            else:
                found = ~var | found if one else ~var & found
        return found
