"""z3 as a second opinion: whether anything passes filters, and what does."""

from __future__ import annotations

import random
from typing import Any

import pytest
import z3

from checks.network.graph import Allowance, Filter, Labels, any_of
from checks.network.packet import TCP, UDP
from checks.network.packets import EVERYBODY, NOTHING, PacketSet, Span, has, packets, rows
from tests.checks.network.graphs import LABELS, Making, filter_

PROTOCOL, PORT, ADDRESS = z3.BitVec("protocol", 8), z3.BitVec("port", 16), z3.BitVec("address", 32)


def within(value: Any, span: Span) -> Any:
    return z3.And(z3.UGE(value, span[0]), z3.ULE(value, span[1]))


def member(held: PacketSet) -> Any:
    """That the packet is in a set, by its rows."""
    boxes = [
        z3.And(within(PROTOCOL, protocols), within(PORT, ports), z3.Or([within(ADDRESS, span) for span in who.spans]))
        for protocols, ports, who in rows(held)
    ]
    return z3.Or(boxes)


def passes(one: Filter, labels: Labels, source_port: int) -> Any:
    """That a filter lets the packet through, read from its rules."""
    verdict = z3.BoolVal(False)
    for rule in reversed(one.rules):
        applies = rule.sender is None or (labels is not None and rule.sender in labels)
        if not applies or not rule.source_ports[0] <= source_port <= rule.source_ports[1]:
            continue
        matches = member(rule.matches.get(4, NOTHING))
        if one.ordered:
            verdict = z3.If(matches, z3.BoolVal(rule.allows), verdict)
        elif rule.allows:
            verdict = z3.Or(matches, verdict)
    return verdict


def found(claim: Any) -> tuple[int, int, int] | None:
    solver = z3.SolverFor("QF_BV")
    solver.add(claim)
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    return tuple(model.eval(one, model_completion=True).as_long() for one in (PROTOCOL, PORT, ADDRESS))  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(40))
def test_what_passes_filters_is_what_z3_says(seed: int) -> None:
    chance = random.Random(seed)
    making = Making(doubts=False)
    labels: Labels = frozenset(chance.sample(LABELS, chance.randrange(3)))
    source_port = chance.choice([1024, 2000, 40000])
    first, second, third = (filter_(chance, f"filter-{number}", making) for number in range(3))

    def allowed(one: Filter) -> Allowance:
        return one.allowance(4, labels, source_port)

    held = any_of((allowed(first), allowed(second))).must & allowed(third).must
    claim = z3.And(z3.Or(passes(first, labels, source_port), passes(second, labels, source_port)), passes(third, labels, source_port))
    witness = found(claim)
    assert (witness is not None) == bool(held)
    assert witness is None or has(held, *witness)
    assert found(claim != member(held)) is None


@pytest.mark.parametrize("seed", range(20))
def test_emptiness_of_a_difference_is_what_z3_says(seed: int) -> None:
    chance = random.Random(seed)
    one, other = (filter_(chance, f"filter-{number}", Making(doubts=False)).allowance(4, frozenset(), 1024).must for number in range(2))
    narrow = packets(EVERYBODY[4], (TCP, UDP), (22, 8080))
    left = (one & narrow) - other
    assert (found(z3.And(member(one), member(narrow), z3.Not(member(other)))) is not None) == bool(left)
