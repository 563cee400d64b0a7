"""A format of JSON records, declared: its table, and which members each of its columns holds.

How a member is read follows from its column: free texts may be anything and become JSON text, numbers and truth values may stand there
as texts, `source_port` is what follows the address in `source`, and `source_name` is what stands there in an address's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from re import Pattern
from typing import Any

import pyarrow as pa

from checks.logs.formats import json_values
from checks.logs.formats.columns import batch
from checks.logs.formats.faults import Faults
from checks.logs.formats.json_records import Members, Records, objects, records
from checks.logs.table import Column, Table

Path = tuple[str, ...]
Paths = Mapping[str, tuple[Path, ...]]
"""Of each column, where its value may stand; the first place with one counts."""
Derive = Callable[[Members, Mapping[str, Any]], Mapping[str, Any]]
"""Further columns, made of the members of the records and of the columns that were read."""


def paths(lines: str, names: Mapping[str, str] | None = None) -> Paths:
    """One column a line: its name, and members with points between them. Several places stand with `|` between them.

    `names`: what stands for a member whose own name has points.
    """
    found = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        column, places = line.split(maxsplit=1)
        found[column] = tuple(tuple((names or {}).get(one, one) for one in place.strip().split(".")) for place in places.split("|"))
    return found


def _nothing(_members: Members, _columns: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


def _itself(record: dict[str, Any]) -> Any:
    return record


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """`mark`: what only files of this format hold. `lists`: see `records`. `inner`: the record that a record wraps."""

    table: Table
    mark: Pattern[bytes]
    paths: Paths
    derive: Derive = _nothing
    lists: tuple[str, ...] = ("records",)
    inner: Callable[[dict[str, Any]], Any] = _itself

    def read(self, pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
        """Record batches of the table. Raises NotRecords."""
        for found in records(pieces, self.lists, faults):
            held = found if self.inner is _itself else self._inner(found, faults)
            yield self._batch(held, object_, faults)

    def _inner(self, found: Records, faults: Faults) -> Records:
        return objects([*zip(found.numbers, map(self.inner, found.values), strict=True)], faults)

    def _batch(self, found: Records, object_: str, faults: Faults) -> Any:
        members = Members(found, faults)
        held = dict(columns(self.table, self.paths, members))
        held |= self.derive(members, held)
        return batch(self.table, held, object_, pa.array(found.numbers, pa.int64()))


def columns(table: Table, wanted: Paths, members: Members) -> Mapping[str, Any]:
    """The Arrow columns of a table that are read from members."""
    held: dict[str, Any] = {}
    for name, places in wanted.items():
        more = frozenset(part for part in ("port", "name") if f"{name}_{part}" in table and f"{name}_{part}" not in wanted)
        held |= _column(table[name], places, members, more)
    return held


def _column(column: Column, places: tuple[Path, ...], members: Members, more: AbstractSet[str]) -> Mapping[str, Any]:
    values = first(members, places)
    numbers, name, faults = members.numbers, ".".join(places[0]), members.faults
    match column.kind:
        case "address":
            return json_values.addresses(values, numbers, name, column.name, faults, ports="port" in more, names="name" in more)
        case "timestamp":
            return {column.name: json_values.times(values, numbers, name, faults, required=column.name == "time")}
        case "integer":
            return {column.name: json_values.integers(values, numbers, name, faults)}
        case "boolean":
            return {column.name: json_values.booleans(values, numbers, name, faults)}
    read = json_values.json_texts if column.care == "free" else json_values.texts
    return {column.name: read(values, numbers, name, faults)}


def first(members: Members, places: tuple[Path, ...]) -> list[Any]:
    """Of each record, the value in the first of the places that has one."""
    held = members.values(places[0])
    for place in places[1:]:
        held = [other if value is None or value == "" else value for value, other in zip(held, members.values(place), strict=True)]
    return held
