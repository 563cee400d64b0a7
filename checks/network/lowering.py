"""An estate's networks as one path graph, and the simulators that replay what is found in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from checks.model import GLOBAL, Estate
from checks.network import aws, azure
from checks.network.graph import Graph
from checks.network.packet import INTERNET, Packet, Trace
from checks.network.simulate.aws import Simulator
from checks.network.simulate_azure import AZURE, AzureSimulator


def lowered(estate: Estate) -> Graph:
    """The path graph of everything in an estate, of every provider; the internet is one."""
    graph, estate = Graph(), certain(estate)
    graph.station(INTERNET, "internet", ends=True)
    graph.outside[INTERNET] = "the internet"
    aws.lower(estate, graph)
    azure.lower(estate, graph)
    return graph


def certain(estate: Estate) -> Estate:
    """An estate without what is in doubt as a whole, as what was listed twice with different data: neither of the two is taken for true,
    and what there is of its type is then not known either, for whoever asks for all of it."""
    doubted = [key for key, gaps in estate.resource_gaps.items() if any(gap.field is None for gap in gaps)]
    if not doubted:
        return estate
    unsure = set(doubted)
    held = {
        type_: tuple(one for one in estate.of(type_) if (type_, one.account, one.id, one.region) not in unsure)
        for type_ in estate.resources
    }
    lists = tuple(
        replace(gap, id=None, region=GLOBAL if gap.type.startswith("azure.") else gap.region)  # where listings stand
        for key in doubted
        for gap in estate.resource_gaps[key]
        if gap.field is None
    )
    return replace(estate, resources=held, gaps=(*estate.gaps, *lists))


_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
"""What the simulators, which read wire JSON as the provider writes it, come upon in what is not so."""


class Simulators:
    """Replays a packet in the provider's network that it is sent into; from the internet, in every one."""

    def __init__(self, estate: Estate) -> None:
        self._estate = certain(estate)

    @cached_property
    def _aws(self) -> Simulator:
        return Simulator(self._estate)

    @cached_property
    def _azure(self) -> AzureSimulator:
        return AzureSimulator(self._estate)

    def send(self, packet: Packet, at: str) -> Trace:
        if at != INTERNET:
            return self._azure_trace(packet, at) if at.startswith("/") or at == AZURE else self._aws_trace(packet, at)
        traces = [self._aws_trace(packet, at), self._azure_trace(packet, at)]
        return Trace(
            tuple(one for trace in traces for one in trace.deliveries),
            tuple(one for trace in traces for one in trace.dropped),
            tuple(one for trace in traces for one in trace.unknown),
        )

    def _aws_trace(self, packet: Packet, at: str) -> Trace:
        try:
            return self._aws.send(packet, at)
        except _MALFORMED as error:
            return _lost(packet, "AWS", error)

    def _azure_trace(self, packet: Packet, at: str) -> Trace:
        try:
            return self._azure.send(packet, at)
        except _MALFORMED as error:
            return _lost(packet, "Azure", error)


def _lost(packet: Packet, provider: str, error: Exception) -> Trace:
    return Trace((), (), (f"{packet} cannot be followed: what there is of {provider} on its way cannot be read ({error!r})",))
