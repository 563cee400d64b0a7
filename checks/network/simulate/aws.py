"""One concrete packet through an AWS estate, as the network of AWS would carry it.

Naive on purpose: rules, routes and interfaces are searched from top to bottom for every packet. What the estate does not
hold, or this file does not follow, is said in `Trace.unknown`, and nothing is delivered that way. Health, running state
and time are not looked at: what is configured counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from checks.network.packet import Delivery, Packet, Trace
from checks.network.simulate.aws_balancers import Closed, Leg, Relayed, answers_through, balancer_of, relay
from checks.network.simulate.aws_entrances import CONNECT, client_vpn_interfaces, connect_interface, start
from checks.network.simulate.aws_flight import (
    Crossing,
    Delivered,
    Dropped,
    Entering,
    Flight,
    Handed,
    Leaving,
    Online,
    Step,
    Steps,
    Unknown,
    answer,
)
from checks.network.simulate.aws_gateways import nat_port
from checks.network.simulate.aws_internet import online
from checks.network.simulate.aws_inventory import INTERFACE, Inventory, Source, group_ids, holds, private_address
from checks.network.simulate.aws_privatelink import behind, endpoint_of
from checks.network.simulate.aws_subnets import depart, enter, hand, leave
from checks.network.simulate.aws_transit import cross

_MOST_HOPS = 64
"""The customary time to live of a packet: what goes round in circles ends."""
_MOST_RELAYS = 4


@dataclass(slots=True)
class _Notes:
    """What a packet's way gives to note down."""

    deliveries: list[Delivery] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def trace(self) -> Trace:
        return Trace(_distinct(self.deliveries), tuple(dict.fromkeys(self.dropped)), tuple(dict.fromkeys(self.unknown)))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Who awaits the answer: the place, the packet it sent, and whether its own client gets one in turn."""

    at: str
    packet: Packet
    answered: bool = True
    preserving: Leg | None = None


class Simulator:
    """Follows packets through an estate. `estate` gives the resources of a type: `aws.ec2.network_interface` and so on."""

    def __init__(self, estate: Source) -> None:
        self._inventory = Inventory(estate)

    def send(self, packet: Packet, at: str) -> Trace:
        """What becomes of a packet that starts at `internet`, an interface (eni-) or a gateway to another network.

        Such gateways are vgw-, tgw-attach- of a VPN, Direct Connect gateway or unread peer, pcx- to an unread VPC, and
        cvpn-endpoint-; and EC2 Instance Connect endpoints, with the address of one of their interfaces. Deliveries are in the order in which they were found; behind a load balancer or an interface
        endpoint there is one more for each target. An ICMP message that nobody answers has no reply.
        """
        notes = _Notes()
        if at.startswith("cvpn-endpoint-"):
            self._send_by_client_vpn(notes, packet, at)
        elif self._inventory.find(CONNECT, at):
            self._send_by_instance_connect(notes, packet, at)
        else:
            flight = Flight(packet, Online(), groups=self._groups_at(packet, at))
            self._carry(notes, start(self._inventory, flight, at), _Origin(at, packet), 0)
        return notes.trace()

    def _groups_at(self, packet: Packet, at: str) -> frozenset[str]:
        """A reference to a security group stands for the addresses of its interfaces, not for what they forge."""
        interface = self._inventory.find(INTERFACE, at)
        return group_ids(interface) if interface and holds(interface, packet.family, packet.source) else frozenset()

    def _send_by_client_vpn(self, notes: _Notes, packet: Packet, at: str) -> None:
        flight = Flight(packet, Online())
        interfaces = client_vpn_interfaces(self._inventory, at, flight)
        if isinstance(interfaces, Dropped | Unknown):
            _note(notes, interfaces)
            return
        for interface in interfaces:
            own = private_address(interface, packet.family)
            if holds(interface, packet.family, packet.destination):
                # Client VPN administrator guide, How Client VPN works: the interface translates, and serves nothing.
                notes.dropped.append(f"{interface.id} sends nothing to itself: {packet}")
            elif own is None:
                notes.unknown.append(f"the IPv{packet.family} address of {interface.id} is not in the estate")
            else:
                sent = replace(packet, source=own, source_port=nat_port(packet))
                leg = Flight(sent, Online(), groups=group_ids(interface))
                self._carry(notes, depart(self._inventory, interface, leg), _Origin(interface.id, sent), 0)

    def _send_by_instance_connect(self, notes: _Notes, packet: Packet, at: str) -> None:
        interface = connect_interface(self._inventory, at, packet)
        if isinstance(interface, Dropped | Unknown):
            _note(notes, interface)
            return
        leg = Flight(packet, Online(), groups=group_ids(interface))
        self._carry(notes, depart(self._inventory, interface, leg), _Origin(interface.id, packet), 0)

    def _carry(self, notes: _Notes, steps: Steps, origin: _Origin, relays: int) -> None:
        """Follow a packet to its ends, and on behind what relays it."""
        for end in self._follow(steps):
            if isinstance(end, Dropped | Unknown):
                _note(notes, end)
            elif relays > _MOST_RELAYS:
                notes.unknown.append(f"{end.at} is the end of more relays than are followed")
            else:
                self._deliver(notes, end, origin, relays)

    def _deliver(self, notes: _Notes, end: Delivered, origin: _Origin, relays: int) -> None:
        known = len(notes.unknown)
        reply = self._answers(notes, end, origin)
        unheard = not reply and len(notes.unknown) == known
        relayed = list(self._relay(end))
        if not any(isinstance(one, Closed) for one in relayed):
            notes.deliveries.append(Delivery(end.at, end.flight.packet, end.flight.hops, reply))
        for one in relayed:
            if isinstance(one, Leg) and one.terminates and unheard:
                notes.dropped.append(f"{end.at} makes no connection of its own for {end.flight.packet}, which it cannot answer")
            elif isinstance(one, Leg):
                middle = _Origin(one.interface.id, one.flight.packet, reply, one if one.preserved else None)
                self._carry(notes, depart(self._inventory, one.interface, one.flight), middle, relays + 1)
            elif isinstance(one, Delivered):
                notes.deliveries.append(Delivery(one.at, one.flight.packet, one.flight.hops, reply))
            else:
                _note(notes, one.because if isinstance(one, Closed) else one)

    def _relay(self, end: Delivered) -> Relayed:
        """What the receiver sends on: a load balancer to its targets, an interface endpoint into its service."""
        interface = self._inventory.find(INTERFACE, end.at)
        if interface is None:
            return
        name = balancer_of(interface)
        endpoint = endpoint_of(self._inventory, interface)
        if name is not None:
            yield from relay(self._inventory, interface, name, end.flight)
        elif endpoint is not None:
            yield from behind(self._inventory, endpoint, end.flight)

    def _follow(self, steps: Steps) -> Iterator[Delivered | Dropped | Unknown]:
        """All ends of a packet's ways, each way to its end before the next."""
        ahead: list[Step] = list(steps)
        while ahead:
            step = ahead.pop(0)
            if not isinstance(step, Flight):
                yield step
            elif len(step.hops) > _MOST_HOPS:
                yield Dropped(f"{step.packet} goes round in circles")
            else:
                ahead = [*self._step(step), *ahead]

    def _step(self, flight: Flight) -> Steps:
        match flight.place:
            case Leaving() as place:
                return leave(self._inventory, flight, place)
            case Entering() as place:
                return enter(self._inventory, flight, place)
            case Handed() as place:
                return hand(self._inventory, flight, place)
            case Crossing() as place:
                return cross(self._inventory, flight, place)
            case Online() as place:
                return online(self._inventory, flight, place)

    def _answers(self, notes: _Notes, end: Delivered, origin: _Origin) -> bool:
        """Whether the answer of who was reached finds back to who sent, and looks as the sender awaits it."""
        arrived = end.flight.packet
        back, awaited = answer(arrived), answer(origin.packet)
        receiver = self._inventory.find(INTERFACE, end.at)
        if not origin.answered or back is None or awaited is None:
            return False
        if receiver is not None and not holds(receiver, arrived.family, arrived.destination):
            return False
        if origin.preserving is not None and receiver is not None:
            through = answers_through(self._inventory, origin.preserving.interface, receiver, arrived)
            if isinstance(through, Unknown):
                notes.unknown.append(f"the answer: {through.why}")
            return through is True
        memory = replace(end.flight, packet=back, hops=(), answering=True, groups=frozenset())
        answered = False
        unknown = []
        for one in self._follow(start(self._inventory, memory, end.at)):
            if isinstance(one, Delivered):
                answered = answered or (one.at == origin.at and one.flight.packet == awaited)
            elif isinstance(one, Unknown):
                unknown.append(f"the answer: {one.why}")
        if not answered:
            notes.unknown.extend(unknown)
        return answered


def _note(notes: _Notes, end: Dropped | Unknown) -> None:
    (notes.dropped if isinstance(end, Dropped) else notes.unknown).append(end.why)


def _distinct(deliveries: list[Delivery]) -> tuple[Delivery, ...]:
    """One delivery of each packet at each place; one that is answered stands for those that are not."""
    best: dict[tuple[str, Packet], Delivery] = {}
    for one in deliveries:
        held = best.get((one.at, one.arrives))
        if held is None or (one.reply and not held.reply):
            best[one.at, one.arrives] = one
    return tuple(best.values())
