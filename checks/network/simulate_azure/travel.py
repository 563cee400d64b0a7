"""A packet on its way, and what the network remembers of it so that the answer passes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from checks.network.packet import Hop, Packet
from checks.network.simulate_azure.wire import answer_to

ENTRY, EXIT, BALANCER, DEVICE, SERVICE = "entry", "exit", "balancer", "device", "service"


@dataclass(frozen=True, slots=True)
class Let:
    """A flow record: a stateful filter let this packet through, and so lets its answer through."""

    where: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Turned:
    """A translation, undone for the answer. ENTRY (public to private) is undone on the way out to the internet, EXIT
    (private to public) on the way in, BALANCER (an internal load balancer's) as the backend answers, DEVICE when the answer
    comes back to the firewall or application gateway `where`. SERVICE changes nothing: it remembers that a packet left by a
    service endpoint. `holder` is who went out by an EXIT or a SERVICE."""

    kind: str
    where: str
    before: Packet
    after: Packet
    holder: str = ""

    def undo(self, packet: Packet) -> Packet | None:
        """As what a packet goes on if it answers `after`; None where it does not."""
        return answer_to(self.before) if answer_to(self.after) == packet else None


Memory = tuple[Let | Turned, ...]


@dataclass(frozen=True, slots=True)
class Travel:
    packet: Packet
    hops: tuple[Hop, ...] = ()
    made: Memory = ()
    doubts: tuple[str, ...] = ()
    """What could not be told on the way here. They count only if the packet arrives: what is dropped further on is dropped
    whatever the doubt."""
    meant: str = ""
    """Which of the services that share one address is meant; empty for each of them."""

    def doubting(self, why: str) -> Travel:
        return replace(self, doubts=(*self.doubts, why))

    def over(self, identifier: str, kind: str, allowed_by: tuple[str, ...] = ()) -> Travel:
        return replace(self, hops=(*self.hops, Hop(identifier, kind, allowed_by)))

    def let(self, where: str) -> Travel:
        return replace(self, made=(*self.made, Let(where, self.packet)))

    def turned(self, kind: str, where: str, after: Packet, holder: str = "") -> Travel:
        return replace(self, packet=after, made=(*self.made, Turned(kind, where, self.packet, after, holder)))

    def as_packet(self, packet: Packet) -> Travel:
        return replace(self, packet=packet)
