"""What was found, without a part of it: counts, first places and keyed hashes, which can be put together in any order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from checks.logs.personal.pattern import KINDS, Kind
from checks.verdict import Verdict

HASHES: Final = 8
"""How many hashes of distinct values are kept of each pattern in each column: the smallest."""


@dataclass(frozen=True, slots=True)
class Key:
    """A pattern of a kind in a column of a table."""

    table: str
    column: str
    pattern: str
    kind: Kind

    @property
    def order(self) -> tuple[str, ...]:
        return self.table, self.column, self.pattern, self.kind


@dataclass(frozen=True, slots=True)
class Place:
    """An object (file or key) and a line or record in it, from 1; None where the row does not say."""

    object_: str | None
    line: int | None

    @property
    def order(self) -> tuple[bool, str, bool, int]:
        return self.object_ is None, self.object_ or "", self.line is None, self.line or 0


@dataclass(frozen=True, slots=True)
class Hit:
    """`count`: distinct values of each row, summed over rows; `rows`: those with at least one; `hashes`: 16 hex digits each."""

    count: int
    rows: int
    first: Place
    hashes: tuple[str, ...]

    def __add__(self, other: Hit) -> Hit:
        return Hit(
            self.count + other.count,
            self.rows + other.rows,
            min(self.first, other.first, key=lambda place: place.order),
            tuple(sorted({*self.hashes, *other.hashes})[:HASHES]),
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What was looked at of a column: `values` that are not null, and whether each pattern could be relied on in all of them.

    A pattern can be relied on if it found its marker in the same run and its check did not fail.
    """

    values: int
    patterns: Mapping[str, bool]

    def __add__(self, other: Look) -> Look:
        names = {*self.patterns, *other.patterns}
        return Look(
            self.values + other.values, {name: self.patterns.get(name, False) and other.patterns.get(name, False) for name in names}
        )


@dataclass(frozen=True, slots=True)
class Found:
    """`rows`: how many were scanned of each table; `looks`: by table and column; `hits`: where there are any."""

    rows: Mapping[str, int] = field(default_factory=dict)
    looks: Mapping[tuple[str, str], Look] = field(default_factory=dict)
    hits: Mapping[Key, Hit] = field(default_factory=dict)


def merge(parts: Iterable[Found]) -> Found:
    """All of them together: in any order, in any grouping, with the same result."""
    rows: dict[str, int] = {}
    looks: dict[tuple[str, str], Look] = {}
    hits: dict[Key, Hit] = {}
    for one in parts:
        for table, count in one.rows.items():
            rows[table] = rows.get(table, 0) + count
        for column, look in one.looks.items():
            looks[column] = looks[column] + look if column in looks else look
        for key, hit in one.hits.items():
            hits[key] = hits[key] + hit if key in hits else hit
    return Found(rows, looks, hits)


def unproven(found: Found) -> tuple[tuple[str, str, str], ...]:
    """The patterns that could not be relied on somewhere: table, column, pattern."""
    return tuple(sorted((*column, name) for column, look in found.looks.items() for name, proved in look.patterns.items() if not proved))


def verdict(found: Found, kinds: Collection[Kind] = KINDS) -> Verdict | None:
    """Broken where something of these kinds was found, else unproven where a pattern could not be relied on; None without a look.

    Whether every row there was has been seen, completeness says: an upheld of this function is only of these rows.
    """
    if any(key.kind in kinds for key in found.hits):
        return Verdict.BROKEN
    if unproven(found):
        return Verdict.UNPROVEN
    return Verdict.UPHELD if found.looks else None


def plain(found: Found) -> dict[str, Any]:
    """As JSON holds it, in one order: equal results give equal bytes."""
    return {
        "rows": dict(sorted(found.rows.items())),
        "looks": [
            {"table": table, "column": column, "values": look.values, "patterns": dict(sorted(look.patterns.items()))}
            for (table, column), look in sorted(found.looks.items(), key=lambda one: one[0])
        ],
        "hits": [
            {
                "table": key.table, "column": key.column, "pattern": key.pattern, "kind": key.kind, "count": hit.count, "rows": hit.rows,
                "first": {"object": hit.first.object_, "line": hit.first.line}, "hashes": list(hit.hashes),
            }
            for key, hit in sorted(found.hits.items(), key=lambda one: one[0].order)
        ],
    }  # fmt: skip


def restore(held: Mapping[str, Any]) -> Found:
    """The result of which `plain` made this. Raises KeyError, TypeError or ValueError for what is none."""
    return Found(
        dict(held["rows"]),
        {(one["table"], one["column"]): Look(one["values"], dict(one["patterns"])) for one in held["looks"]},
        {
            Key(one["table"], one["column"], one["pattern"], one["kind"]): Hit(
                one["count"], one["rows"], Place(one["first"]["object"], one["first"]["line"]), tuple(one["hashes"])
            )
            for one in held["hits"]
        },
    )
