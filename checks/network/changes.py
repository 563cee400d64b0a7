"""What to change: the fewest rules whose removal closes what may not be open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checks.network.answer import Answer
from checks.network.graph import Filter, Graph

MOST = 8


@dataclass(frozen=True, slots=True)
class Change:
    """Rules of a filter (a security group, a network ACL) to remove. `enough` says that nothing stays open then."""

    filter: str
    kind: str
    rules: tuple[str, ...]
    enough: bool

    def __str__(self) -> str:
        rules = " and ".join(self.rules)
        return f"remove {rules}" + ("" if self.enough else ", and what else stands open")


def smallest(graph: Graph, answer: Answer, still_open: Callable[[], bool]) -> Change | None:
    """The change nearest to the target that closes everything; else the first of those that the packet shows.

    `still_open` asks the question again under the graph as it is then; the graph is left as it was.
    """
    candidates = _candidates(graph, answer)
    for held, rules in candidates:
        if _closes(graph, held, rules, still_open):
            return Change(held.id, held.kind, rules, enough=True)
    if not candidates:
        return None
    held, rules = candidates[0]
    return Change(held.id, held.kind, rules, enough=False)


def _candidates(graph: Graph, answer: Answer) -> list[tuple[Filter, tuple[str, ...]]]:
    """The filters that the packet passed, nearest to its target first, with the rules that let it."""
    by_id = {(held.id, rule.id): held for held in graph.filters.values() for rule in held.rules if rule.allows}
    found = []
    for hop in reversed(answer.hops):
        filters = {by_id[hop.id, rule].id: by_id[hop.id, rule] for rule in hop.allowed_by if (hop.id, rule) in by_id}
        found += [(held, hop.allowed_by) for held in filters.values()]
    return found[:MOST]


def _closes(graph: Graph, held: Filter, rules: tuple[str, ...], still_open: Callable[[], bool]) -> bool:
    keys = [key for key, one in graph.filters.items() if one.id == held.id]
    before = {key: graph.filters[key] for key in keys}
    try:
        for key, one in before.items():
            left = tuple(rule for rule in one.rules if rule.id not in rules)
            graph.filters[key] = Filter(one.id, one.kind, one.reads, one.stateful, one.ordered, left)
        return not still_open()
    finally:
        graph.filters.update(before)
