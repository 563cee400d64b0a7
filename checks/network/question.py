"""Which packets a question is about."""

from __future__ import annotations

from dataclasses import dataclass

from checks.network.graph import Graph
from checks.network.packet import TCP, UDP
from checks.network.packets import EVERYBODY, PORTS, PROTOCOLS, PacketSet, Span, packets, union
from checks.network.walk import EPHEMERAL


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which packets a question is about: spans of protocols, of the ports they arrive at, and of the ports they come from.

    Without the last, those that clients use are meant, and all where some rule tells source ports apart.
    """

    protocols: tuple[Span, ...] = ((0, PROTOCOLS),)
    ports: tuple[Span, ...] = ((0, PORTS),)
    source_ports: tuple[Span, ...] = ()

    def packets(self, family: int) -> PacketSet:
        everybody = EVERYBODY[family]
        return union(packets(everybody, protocols, ports) for protocols in self.protocols for ports in self.ports)

    def sent_from(self, graph: Graph) -> tuple[Span, ...]:
        """The ports that packets of the question may come from."""
        return self.source_ports or ((EPHEMERAL, (0, EPHEMERAL[0] - 1)) if graph.tells_source_ports else (EPHEMERAL,))

    def protocols_only(self, family: int) -> PacketSet:
        return union(packets(EVERYBODY[family], protocols) for protocols in self.protocols)


PORTED_ONLY = ((TCP, TCP), (UDP, UDP))
ANY = Wanted()
