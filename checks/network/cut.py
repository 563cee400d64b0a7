"""The proof that nothing gets through: all that may come by on the way there, told so that it can be checked again.

A cut is an invariant of the path graph. It holds what is sent, every link leads from what is held to what is held, and
nothing that is held at the end is what was asked for. `recheck` tells whether one is right; it shares nothing with the
walk that this is made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checks.network.boxes import Box
from checks.network.flow import Flow
from checks.network.graph import Graph, Labels
from checks.network.packets import Span, rows
from checks.network.walk import Walker


@dataclass(frozen=True, slots=True)
class Held:
    """Packets of one family that may come by a station, from senders with these labels and from these source ports.

    `silent` are links, by their place at the station, where a proxy would make a second connection, but for these
    packets never does: no reply to the first comes home. The check takes that from the walk, and it is printed.
    """

    station: str
    family: int
    labels: Labels
    ports: Span
    boxes: tuple[Box, ...]
    silent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Cut:
    """`held` at the stations that lie between, and the `aside`: stations that no link leads from to where was asked about.
    `assumed` is what the check takes from the walk, in words."""

    held: tuple[Held, ...]
    aside: frozenset[str]
    assumed: tuple[str, ...] = ()


def cut(graph: Graph, walkers: Iterable[Walker], goals: Iterable[str]) -> Cut:
    """What walks that are over have shown about the way to these stations."""
    between = graph.leading_to(goals)
    held = [
        Held(station, family, labels, ports, tuple(boxes(part)), frozenset(silent))
        for walker in walkers
        for (station, family, labels, ports), came in walker.came.items()
        if station in between
        for part, silent in came.items()
    ]
    return Cut(
        tuple(held), frozenset(graph.stations.keys() - between), tuple(sorted({text for one in held for text in _silent(graph, one)}))
    )


def _silent(graph: Graph, one: Held) -> Iterator[str]:
    for number in one.silent:
        via = graph.stations[one.station].links[one.family][number].via
        yield f"{via[0].id if via else one.station} passes on nothing of what comes to it: its answers do not find back"


def boxes(part: Flow) -> Iterator[Box]:
    """A flow as boxes."""
    for protocols, ports, sources in rows(part.source):
        for others, span, destinations in rows(part.destination):
            low, high = max(protocols[0], others[0]), min(protocols[1], others[1])
            first, last = max(ports[0], span[0]), min(ports[1], span[1])
            if low <= high and first <= last:
                yield (low, high), (first, last), sources.spans, destinations.spans
