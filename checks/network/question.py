"""Which packets a question is about."""

from __future__ import annotations

from dataclasses import dataclass

from checks.network.packet import TCP, UDP
from checks.network.packets import EVERYBODY, PORTS, PROTOCOLS, PacketSet, Span, packets, union
from checks.network.walk import EPHEMERAL


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which packets a question is about: spans of protocols, of the ports they arrive at, and of the ports they come from."""

    protocols: tuple[Span, ...] = ((0, PROTOCOLS),)
    ports: tuple[Span, ...] = ((0, PORTS),)
    source_ports: tuple[Span, ...] = (EPHEMERAL,)

    def packets(self, family: int) -> PacketSet:
        everybody = EVERYBODY[family]
        return union(packets(everybody, protocols, ports) for protocols in self.protocols for ports in self.ports)

    def protocols_only(self, family: int) -> PacketSet:
        return union(packets(EVERYBODY[family], protocols) for protocols in self.protocols)


PORTED_ONLY = ((TCP, TCP), (UDP, UDP))
ANY = Wanted()
