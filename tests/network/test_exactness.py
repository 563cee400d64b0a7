"""The short forms of the harnesses; `make network` runs the long ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

from checks.network.graph import Link
from checks.network.packet import INTERNET, Delivery, Packet, Trace
from tests.network.exactness import CLOUDS, Case, Tally, aws, compared, run


@pytest.mark.parametrize(("cloud", "seed"), [("aws", 1), ("azure", 9000)])
def test_the_prover_brings_packets_where_the_simulator_does_and_nowhere_else(cloud: str, seed: int) -> None:
    assert cloud in CLOUDS
    tally = run(1500, seed, [cloud])
    assert tally.cases >= 1500
    assert tally.disagreements == []
    assert tally.counts["answered"] > 50
    assert tally.counts["not answered"] > 5
    assert tally.counts["dropped"] > 500


def told(case: Case) -> list[str]:
    tally = Tally()
    compared(tally, case)
    return tally.disagreements


def delivering(case: Case) -> tuple[str, Packet, Delivery]:
    """A packet that a simulator delivers."""
    return next((at, packet, one) for at, packet in case.packets for one in case.send(packet, at).deliveries)


def test_the_harness_sees_what_the_prover_misses() -> None:
    case = aws(1, 200)
    at, packet, _ = delivering(case)
    for station in case.graph.stations.values():
        station.links = {4: [], 6: []}
    assert any("the prover does not" in line for line in told(Case("", case.graph, case.send, [(at, packet)])))


def test_the_harness_sees_what_the_prover_makes_up() -> None:
    case = aws(1, 200)
    at, packet, _ = delivering(case)
    nothing = Case("", case.graph, lambda *_: Trace(dropped=("all",)), [(at, packet)])
    assert any("the simulator does not" in line for line in told(nothing))


def test_the_harness_sees_an_answer_that_is_told_wrongly() -> None:
    case = aws(1, 200)
    at, packet, one = delivering(case)
    other = Delivery(one.at, one.arrives, one.hops, not one.reply)
    assert any("answered" in line for line in told(Case("", case.graph, lambda *_: Trace((other,)), [(at, packet)])))
    case.graph.link(INTERNET, Link(INTERNET), (4,))


def test_real_connections_through_linux_filters_end_as_the_prover_says() -> None:
    # In a process of its own: the tests' sockets stay on loopback, and namespaces are a thread's.
    done = subprocess.run(
        [sys.executable, "-m", "tests.network.netfilter", "--connects", "200"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 connects" in done.stdout
