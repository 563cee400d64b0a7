"""Examples of a written rule, found by trying the values that its detection names: rows that it breaks, upholds and leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, permutations, product
from typing import Any, Final

from agent.sigma.fields import Value
from agent.sigma.values import NotImported
from checks.example import NOW
from checks.logs.runtime import of_row
from checks.logs.table import Column, Kind
from checks.rule import Rule

Row = dict[str, Any]
_OTHER: Final[Mapping[Kind, tuple[Value, ...]]] = {
    "string": ("another",),
    "boolean": (True, False),
    "integer": (0, 1),
    "address": ("203.0.113.7", "2001:db8::7"),
    "timestamp": (NOW,),
}
_MOST: Final = 5_000
"""Rows that are tried before it is given up; each takes some 30 microseconds."""
_SHOWN: Final = 3
"""Examples of each kind that are written."""
_JOINED: Final = 6
"""Texts of one column that are tried put together."""


def examples(rule: Rule, tried: Iterable[tuple[str, Value]]) -> dict[str, list[Row]]:
    """`rule` is the written one, with whatever examples. Raises NotImported where no row is found that would break or uphold it."""
    assert rule.terms is not None
    table = rule.terms.table
    names = sorted({reference.path[0] for reference in rule.references}, key=[one.name for one in table.columns].index)
    values = {name: _values(table[name], [value for column, value in tried if column == name]) for name in names}

    def first(rows: Iterable[Row], verdict: str) -> Row | None:
        return next((row for row in islice(rows, _MOST) if of_row(rule, table, row, {}, NOW)[0] == verdict), None)

    everything = [dict(zip(names, chosen, strict=True)) for chosen in islice(product(*values.values()), _MOST)]
    broken = first(everything, "broken")
    if broken is None:
        raise NotImported("no row was found that it would detect")
    upheld = [row for name in names if (row := first(_changed(broken, name, values[name]), "upheld")) is not None]
    if not upheld and (other := first(everything, "upheld")) is not None:
        upheld = [other]
    if not upheld:
        raise NotImported("no row was found that it would not detect")
    open_ = [row for name in names if (row := first([_without(broken, name)], "unproven")) is not None]
    return {"upheld": upheld[:_SHOWN], "broken": [broken], "unproven": open_[:_SHOWN] or [{}]}


def _values(column: Column, named: list[Value]) -> list[Value]:
    """What is tried of a column: what tests name of it, all of that put together (it begins so and ends so), and something else."""
    found = list(dict.fromkeys(named))
    texts = [value for value in found if isinstance(value, str)][:_JOINED]
    if column.kind == "string":
        longest = 2 if len(texts) > 3 else len(texts)
        found += ["".join(chosen) for size in range(2, longest + 1) for chosen in permutations(texts, size)]
    return [*found, *(value for value in _OTHER[column.kind] if value not in found)]


def _changed(row: Row, name: str, values: Iterable[Value]) -> Iterator[Row]:
    """Rows that differ in one column, the least likely value first: it is the one that nobody asks for."""
    yield from ({**row, name: value} for value in reversed([*values]))


def _without(row: Row, name: str) -> Row:
    return {column: value for column, value in row.items() if column != name}
