"""Prover against simulator: random estates, random packets, no disagreement.

    python -m tests.network.exactness [--cases 100000] [--seed 1] [--cloud aws|azure]

A case is one packet in one estate. The simulator follows it; the prover lowers the estate, walks from where it is sent,
and must bring it where the simulator does and nowhere else, as the same packet, with an answer or without one. Where
the prover says that it does not know, it must at least not rule out what the simulator sees; how often that is so is
counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from checks.network.flow import Flow, flow
from checks.network.graph import NO_LABELS, Graph, Labels
from checks.network.internet import PUBLIC
from checks.network.packet import ICMP, ICMPV6, INTERNET, PORTED, Delivery, Packet, Trace
from checks.network.packets import EVERYBODY, Addresses, addresses, has, packets
from checks.network.walk import EPHEMERAL, Arrival, Start, Walker


@dataclass(frozen=True)
class Case:
    """One estate: its graph, what follows a packet in it, the packets, and how it is made again."""

    name: str
    graph: Graph
    send: Callable[[Packet, str], Trace]
    packets: list[tuple[str, Packet]]
    fronts: tuple[str, ...] = ()
    """Addresses of the estate that no interface has."""


@dataclass
class Tally:
    """What came of all cases."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return self.counts["cases"]


@dataclass(frozen=True)
class Sender:
    """Where a packet sets out, and what it is known as there."""

    sends: str
    home: str
    labels: Labels
    addresses: dict[int, Addresses]


def sender(graph: Graph, at: str, packet: Packet) -> Sender:
    if at in graph.interfaces:
        one = graph.interfaces[at]
        own = {family: addresses((value, value) for value in one.addresses.get(family, ())) for family in (4, 6)}
        return Sender(one.sends, one.station, one.labels, own)
    everything = PUBLIC if at == INTERNET else graph.networks.get(at, EVERYBODY)
    return Sender(graph.stations[at].sends or at, at, NO_LABELS, dict(everything))


def alone(packet: Packet) -> Flow:
    """The flow of one packet."""
    ports = (
        (packet.destination_port, packet.destination_port) if packet.protocol in PORTED or packet.protocol in {ICMP, ICMPV6} else (0, 65535)
    )
    protocol = (packet.protocol, packet.protocol)
    return flow(
        packet.family,
        packets(addresses([(packet.source, packet.source)]), protocol, ports),
        packets(addresses([(packet.destination, packet.destination)]), protocol, ports),
    )


def holds(part: Flow, packet: Packet) -> bool:
    return (
        part.family == packet.family
        and has(part.source, packet.protocol, packet.destination_port, packet.source)
        and has(part.destination, packet.protocol, packet.destination_port, packet.destination)
    )


def compared(tally: Tally, case: Case) -> None:
    """Every packet of a case, followed both ways."""
    owned = _owned(case.graph, case.fronts)
    wide: dict[tuple[str, int], list[Arrival]] = {}
    for at, packet in case.packets:
        tally.counts["cases"] += 1
        trace = case.send(packet, at)
        own = sender(case.graph, at, packet)
        ports = (packet.source_port, packet.source_port)
        walker = Walker(case.graph, ports)
        found = list(walker.arrivals(Start(own.sends, own.home, alone(packet), own.labels)))
        for line in disagreements(case, walker, found, trace, owned, tally.counts):
            tally.disagreements.append(f"{case.name}: {packet} from {at}: {line}")
        if trace.deliveries and packet.family in own.addresses:
            key = (at, packet.family)
            if key not in wide:
                everything = flow(packet.family, packets(own.addresses[packet.family]), packets(EVERYBODY[packet.family]))
                wide[key] = list(Walker(case.graph).arrivals(Start(own.sends, own.home, everything, own.labels)))
            for one in trace.deliveries:
                if packet.source_port in range(EPHEMERAL[0], EPHEMERAL[1] + 1) and not _brought(case.graph, wide[key], one):
                    tally.disagreements.append(f"{case.name}: {packet} from {at}: not in all that is sent from there")


def disagreements(case: Case, walker: Walker, found: list[Arrival], trace: Trace, owned: Addresses, counts: Counter[str]) -> Iterator[str]:
    graph = case.graph
    counts["delivered" if trace.deliveries else "dropped"] += 1
    if trace.unknown:
        counts["simulator unsure"] += 1
    for one in trace.deliveries:
        there = [arrival for arrival in _at(graph, found, one.at) if holds(arrival.flow.may, one.arrives)]
        if not there:
            yield f"the simulator delivers {one.arrives} at {one.at}, the prover does not"
            continue
        surely = [arrival for arrival in there if holds(arrival.flow.must, one.arrives)]
        if not surely:
            counts["prover unsure"] += 1
            continue
        yes, maybe = _answered(walker, surely, one)
        counts["answered" if one.reply else "not answered"] += 1
        if one.reply and not maybe:
            yield f"{one.arrives} at {one.at} is answered, the prover says that it is not"
        if not one.reply and yes and not trace.unknown:
            yield f"{one.arrives} at {one.at} is not answered, the prover says that it is"
    if trace.unknown:
        return
    for arrival in found:
        for at, senders, packet in _points(graph, arrival, owned):
            if not any(one.at == at and one.arrives.source in senders and _same(one.arrives, packet) for one in trace.deliveries):
                yield f"the prover brings {packet} to {at}, the simulator does not: {trace.dropped}"


def _at(graph: Graph, found: Iterable[Arrival], at: str) -> list[Arrival]:
    station = graph.interfaces[at].station if at in graph.interfaces else at
    return [one for one in found if one.station == station]


def _brought(graph: Graph, found: Iterable[Arrival], one: Delivery) -> bool:
    return any(holds(arrival.flow.may, one.arrives) for arrival in _at(graph, found, one.at))


def _answered(walker: Walker, found: Iterable[Arrival], one: Delivery) -> tuple[bool, bool]:
    surely = maybe = False
    for arrival in found:
        yes, perhaps = walker.answered(arrival.station, arrival.flow, arrival.leg)
        surely = surely or (
            arrival.legs_answered and any(holds(part.flow, one.arrives) and _from_here(part.ports, one.arrives) for part in yes)
        )
        maybe = maybe or any(holds(part.flow, one.arrives) for part in perhaps)
    return surely, maybe


def _from_here(ports: tuple[int, int], packet: Packet) -> bool:
    """A second leg is made from any port; what is answered may be only from some."""
    return packet.protocol not in PORTED or ports[0] <= packet.source_port <= ports[1]


def _points(graph: Graph, arrival: Arrival, owned: Addresses) -> Iterator[tuple[str, Addresses, Packet]]:
    """The packets that surely arrive, one for each interface or outside, and who could be its sender."""
    must = arrival.flow.must
    for low, _, ports in must.source.spans:
        port, _, senders = ports.spans[0]  # type: ignore[union-attr]
        receivers: Any = must.destination.at(low)
        there: Addresses = receivers.at(port)
        inside = [
            (id_, value)
            for id_, one in graph.interfaces.items()
            if one.station == arrival.station
            for value in one.addresses.get(must.family, ())
            if value in there
        ]
        if arrival.station in graph.outside:
            # What the estate's own addresses are sent over the internet, the internet does not keep.
            inside = [(arrival.station, low) for low, _ in (there - owned).spans[:1]]
        for at, value in inside:
            if senders.spans == ((value, value),):  # type: ignore[union-attr]
                continue  # what an interface sends itself by way of a balancer
            told = port if low in PORTED or low in {ICMP, ICMPV6} else 0
            yield at, senders, Packet(must.family, senders.spans[0][0], value, low, 0, told)  # type: ignore[union-attr,arg-type,index,misc]


def _owned(graph: Graph, fronts: Iterable[str]) -> Addresses:
    """Every address that something in the estate has, of both families."""
    held = [value for one in graph.interfaces.values() for values in (one.public, *one.addresses.values()) for value in values]
    return addresses((value, value) for value in (*held, *(int(ip_address(one)) for one in fronts)))


def _same(one: Packet, other: Packet) -> bool:
    """But for the sender, and the source port, which a second leg chooses."""
    return (one.destination, one.protocol, one.destination_port) == (other.destination, other.protocol, other.destination_port)


def aws(seed: int, count: int) -> Case:
    from checks.network.simulate.aws import Simulator
    from tests.checks.network.aws.asking import estate, lowered
    from tests.network.aws_estates import Estates

    made = Estates(seed)
    held = estate(made.things)
    return Case(f"aws {seed}", lowered(held), Simulator(held).send, list(made.packets(count)))


def azure(seed: int, count: int) -> Case:
    from checks.network.simulate_azure.simulator import AzureSimulator
    from tests.checks.network.azure.arm_world import lowered
    from tests.checks.network.simulate_azure.azure_world import estate
    from tests.network.azure_estates import Estates

    made = Estates(seed)
    graph = lowered(*made.things)
    graph.interfaces = {id_.lower(): one for id_, one in graph.interfaces.items()}
    return Case(f"azure {seed}", graph, AzureSimulator(estate(*made.things)).send, list(made.packets(count)), tuple(made.fronts))


CLOUDS = {"aws": aws, "azure": azure}
PER_ESTATE = 40


def run(cases: int, seed: int, clouds: Iterable[str] = tuple(CLOUDS)) -> Tally:
    """As many cases, from as many estates as that takes."""
    tally = Tally()
    while tally.cases < cases:
        for cloud in clouds:
            compared(tally, CLOUDS[cloud](seed, PER_ESTATE))
            tally.counts["estates"] += 1
        seed += 1
    return tally


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cloud", choices=sorted(CLOUDS), action="append")
    options = parser.parse_args()
    started = time.monotonic()
    tally = run(options.cases, options.seed, options.cloud or tuple(CLOUDS))
    for line in tally.disagreements[:20]:
        print(line)
    told = ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items()))
    print(f"{told}; {len(tally.disagreements)} disagreements, {time.monotonic() - started:.0f} s")
    return 1 if tally.disagreements or tally.cases < options.cases else 0


if __name__ == "__main__":
    sys.exit(main())
