"""Protocols and ports as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.graph import Graph
from checks.network.packet import ICMP, TCP, UDP
from checks.network.walk import EPHEMERAL
from checks.network.wanted import Unclear, wanted


def test_nothing_said_is_every_packet_from_the_ports_of_clients() -> None:
    assert wanted() == wanted("any", "any", "any")
    assert wanted().protocols == ((0, 255),)
    assert wanted().sent_from(Graph()) == (EPHEMERAL,)


@pytest.mark.parametrize(("name", "number"), [("tcp", 6), ("UDP", 17), ("icmp", 1), ("icmpv6", 58), ("gre", 47), ("132", 132), ("0", 0)])
def test_a_protocol_is_named_or_numbered(name: str, number: int) -> None:
    assert wanted(name).protocols == ((number, number),)


def test_ports_alone_mean_tcp_and_udp() -> None:
    assert wanted(ports="443").protocols == ((TCP, TCP), (UDP, UDP))


def test_ports_are_lists_of_numbers_and_ranges() -> None:
    assert wanted("tcp", "443, 8000-8100", "1-21,23-65535").ports == ((443, 443), (8000, 8100))
    assert wanted("tcp", "443", "1-21,23-65535").source_ports == ((1, 21), (23, 65535))


@pytest.mark.parametrize("protocol", ["tpc", "256", "-2", "", "6.0", "six"])
def test_an_unknown_protocol_is_refused_with_what_would_do(protocol: str) -> None:
    with pytest.raises(Unclear, match="any, a number from 0 to 255"):
        wanted(protocol)


@pytest.mark.parametrize("ports", ["65536", "80-", "-80", "90-80", "http", "80,,90", "1.5", "٣"])
def test_an_unreadable_port_is_refused(ports: str) -> None:
    with pytest.raises(Unclear, match="443,8000-8100"):
        wanted("tcp", ports)


def test_a_protocol_without_ports_takes_none() -> None:
    with pytest.raises(Unclear, match="icmp has no ports"):
        wanted("icmp", "80")


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535))
def test_a_port_is_wanted_if_it_lies_in_the_range(low: int, high: int, port: int) -> None:
    low, high = min(low, high), max(low, high)
    asked = wanted("tcp", f"{low}-{high}").packets(4)
    held = asked.at(TCP)
    assert held is not None
    assert (held.at(port) is not None) == (low <= port <= high)  # type: ignore[union-attr]
    assert asked.at(ICMP) is None
