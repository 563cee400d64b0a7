"""Short ways to lower a world of AWS resources and ask it something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.model import Asserted, Estate, Gap, Look, Manifest, Place, Reason, Resource, Scope
from checks.network.answer import Wanted, arrivals
from checks.network.aws import lower
from checks.network.graph import Graph
from checks.network.packet import ICMP, INTERNET, TCP, UDP
from checks.network.packets import PORTS, PROTOCOLS
from checks.network.place import named
from checks.network.walk import EPHEMERAL
from tests.checks.network.simulate.aws_world import ACCOUNT, HERE

NOW = "2026-11-20T12:00:00Z"
BY = "ops@example.com"
PROTOCOL = {"tcp": (TCP, TCP), "udp": (UDP, UDP), "icmp": (ICMP, ICMP), "any": (0, PROTOCOLS)}


def estate(
    things: Iterable[Resource],
    *,
    gaps: Iterable[Gap] = (),
    looks: Iterable[Look] = (),
    asserted: str | None = BY,
    accounts: tuple[str, ...] = (ACCOUNT,),
) -> Estate:
    """What these resources are, complete but for the gaps; with `asserted` None only what was looked at is."""
    held: dict[str, list[Resource]] = {}
    for thing in things:
        held.setdefault(thing.type, []).append(thing)
    manifest = Manifest("upheld.estate/1", NOW, NOW, "test", {}, None, Scope(dict.fromkeys(accounts, (HERE,)), ()), asserted)
    return Estate(manifest, {type_: tuple(of) for type_, of in held.items()}, tuple(looks), tuple(gaps))


def lowered(of: Estate) -> Graph:
    graph = Graph()
    graph.station(INTERNET, "internet", ends=True)
    graph.outside[INTERNET] = "the internet"
    lower(of, graph)
    return graph


def denied(
    type_: str, *, region: str = HERE, account: str = ACCOUNT, id_: str | None = None, field: str | None = None, action: str = ""
) -> Gap:
    return Gap(type_, account, region, id_, field, Reason.DENIED, "Describe", code="AccessDenied", action=action or None)


@dataclass(frozen=True)
class Told:
    """What the graph says of a question: reachable, one-way, unknown or unreachable; and why it does not know."""

    verdict: str
    why: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return self.verdict == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.verdict)

    def because(self, part: str) -> bool:
        return any(part in one for one in self.why)


def ask(of: Estate | Graph, source: str, target: str, port: int | None = None, protocol: str = "tcp") -> Told:
    """Whether any such packet gets there; `one-way` if none that surely does is surely answered."""
    graph = of if isinstance(of, Graph) else lowered(of)
    ports = (port, port) if port is not None else (0, PORTS)
    wanted = Wanted((PROTOCOL[protocol],), (ports,), (EPHEMERAL,))
    sources, targets = named(graph, source), named(graph, target)
    why: list[str] = []
    arrived = False
    for found in arrivals(graph, sources.held, targets.held, wanted):
        if not found.flow.must:
            why += found.arrival.doubts
            continue
        arrived = True
        answers, _ = found.walker.answered(found.arrival.station, found.flow, found.arrival.leg)
        if answers and found.arrival.legs_answered:
            return Told("reachable")
    if arrived:
        return Told("one-way")
    return Told("unknown", tuple(dict.fromkeys(why))) if why else Told("unreachable")


__all__ = ["Asserted", "Place", "Told", "ask", "denied", "estate", "lowered"]
