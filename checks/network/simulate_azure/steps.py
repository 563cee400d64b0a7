"""The places a packet can be at next, and what is known everywhere on its way.

Following a packet is a loop over these: what stands at a place takes the packet and says at which places it is next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from checks.network.packet import Packet
from checks.network.simulate_azure.answers import Allowed, Answer, Denied, Doubt, agree
from checks.network.simulate_azure.application_gateways import Listening
from checks.network.simulate_azure.filters import judge_card
from checks.network.simulate_azure.firewalls import Firewall
from checks.network.simulate_azure.gateways import Gateway
from checks.network.simulate_azure.platform import Service
from checks.network.simulate_azure.travel import Let, Memory, Travel, Turned
from checks.network.simulate_azure.wire import answer_to
from checks.network.simulate_azure.world import Card, Network, Subnet, World

Sender = Card | Firewall | Gateway | Listening | Service
"""Who puts a packet onto a subnet's routes."""


@dataclass(frozen=True, slots=True)
class OnInternet:
    """On its way to a public address."""

    travel: Travel


@dataclass(frozen=True, slots=True)
class Routed:
    """About to be routed out of a subnet."""

    travel: Travel
    subnet: Subnet
    sender: Sender


@dataclass(frozen=True, slots=True)
class InNetwork:
    """In a virtual network, for whoever has the destination's address there."""

    travel: Travel
    network: Network


@dataclass(frozen=True, slots=True)
class BeforeCard:
    """Before the inbound filters of an IP configuration. `closed`: it came over a Standard public address; `floating`: its
    destination is still the load balancer's frontend."""

    travel: Travel
    card: Card
    closed: bool = False
    floating: bool = False


@dataclass(frozen=True, slots=True)
class AtFirewall:
    travel: Travel
    firewall: Firewall


@dataclass(frozen=True, slots=True)
class Arrived:
    """Taken in at `at`. `by`: who answers for it there, and what it got. `onward`: what goes on if the sender is answered."""

    at: str
    travel: Travel
    by: tuple[str, Packet] | None = None
    onward: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    why: str


Step = OnInternet | Routed | InNetwork | BeforeCard | AtFirewall | Arrived | Dropped | Unknown
Steps = Iterator[Step]


def stopped(answer: Answer, where: str) -> Step:
    """The packet goes no further from here."""
    match answer:
        case Denied(why):
            return Dropped(f"{where}: {why}")
        case Doubt(why):
            return Unknown(f"{where}: {why}")
        case Allowed():
            raise AssertionError("a packet that is let through is not stopped")


@dataclass(frozen=True, slots=True)
class Scenery:
    """The world, and, where an answer is followed, the `past`: what the network remembers of the packet it answers, which
    came from `origin`."""

    world: World
    past: Memory = ()
    origin: str = ""

    @property
    def answering(self) -> bool:
        return bool(self.past)

    def turned(self, kind: str) -> list[Turned]:
        """The translations of a kind in the past, the last first."""
        return [record for record in reversed(self.past) if isinstance(record, Turned) and record.kind == kind]

    def remembers(self, where: str, travel: Travel) -> bool:
        return Let(where, answer_to(travel.packet)) in self.past

    def judge(self, travel: Travel, card: Card, direction: str, *, closed: bool = False, floating: bool = False) -> Answer:
        """What an IP configuration's filters say. A flow record comes before all rules (network-security-groups-overview)."""
        if self.remembers(card.id, travel):
            return Allowed(("flow record",))
        answer = judge_card(self.world, card, direction, travel.packet, closed=closed)
        if not floating:
            return answer
        other = judge_card(self.world, card, direction, replace(travel.packet, destination=card.address), closed=closed)
        return agree([answer, other], "whether filters see the frontend's or the backend's address with floating IP is not documented")
