"""What to change: the fewest rules whose removal closes what may not be open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from checks.network.answer import Answer
from checks.network.graph import Filter, Graph
from checks.network.packet import Hop

MOST = 8


@dataclass(frozen=True, slots=True)
class Change:
    """Rules to remove, of a filter (a security group, a network ACL) first of all. `enough`: nothing stays open then."""

    filter: str
    kind: str
    rules: tuple[str, ...]
    enough: bool

    def __str__(self) -> str:
        rules = " and ".join(self.rules)
        return f"remove {rules}" + ("" if self.enough else ", and what else stands open")


def smallest(graph: Graph, answer: Answer, again: Callable[[], Answer | None]) -> Change | None:
    """Rules of one filter, the nearest to the target, that close everything; else of as many as it takes, packet by packet.

    `again` asks the question under the graph as it is then: another packet, or None where nothing stays open. The graph is
    left as it was.
    """
    candidates = _candidates(graph, answer)
    if not candidates:
        return None
    for held, rules in candidates:
        with _without(graph, held, rules):
            if again() is None:
                return Change(held.told, held.kind, rules, enough=True)
    with ExitStack() as removed:
        taken: list[str] = []
        now: Answer | None = answer
        while now is not None and candidates and len(taken) < MOST:
            held, rules = candidates[0]
            removed.enter_context(_without(graph, held, rules))
            taken += rules
            now = again()
            candidates = _candidates(graph, now) if now is not None else []
        first = _hop(answer, taken[0])
        return Change(first.id, first.kind, tuple(dict.fromkeys(taken)), enough=now is None)


def _hop(answer: Answer, rule: str) -> Hop:
    return next(hop for hop in reversed(answer.hops) if rule in hop.allowed_by)


def _candidates(graph: Graph, answer: Answer) -> list[tuple[Filter, tuple[str, ...]]]:
    """The filters that the packet passed, nearest to its target first, with the rules that let it: groups, and only where
    there are none, network ACLs, whose rules hold for whole subnets."""
    by_id = {(held.told, rule.id): held for held in graph.filters.values() for rule in held.rules if rule.allows}
    found = []
    for hop in reversed(answer.hops):
        filters = {by_id[hop.id, rule].id: by_id[hop.id, rule] for rule in hop.allowed_by if (hop.id, rule) in by_id}
        found += [(held, hop.allowed_by) for held in filters.values()]
    return ([one for one in found if one[0].stateful] or found)[:MOST]


@contextmanager
def _without(graph: Graph, held: Filter, rules: tuple[str, ...]) -> Iterator[None]:
    """The graph without some rules of a filter, wherever it stands."""
    before = {key: one for key, one in graph.filters.items() if one.id == held.id}
    try:
        for key, one in before.items():
            left = tuple(rule for rule in one.rules if rule.id not in rules)
            graph.filters[key] = Filter(one.id, one.kind, one.reads, one.stateful, one.ordered, left, one.of)
        yield
    finally:
        graph.filters.update(before)
