"""Flow logs of Azure's virtual networks and network security groups: in each record groups of tuples, fields between commas.

A row stands for a tuple, and its `line` is the number of the record.
Source: Azure Network Watcher documentation, "Virtual network flow logs" (version 4) and "Flow logging for network security groups"
(versions 1 and 2).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from re import Pattern
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.azure_resource import resource
from checks.logs.formats.columns import TIME, addresses, batch, integers
from checks.logs.formats.faults import Faults
from checks.logs.formats.json_format import Path, Paths, columns, paths
from checks.logs.formats.json_records import Members, Records, records
from checks.logs.formats.json_values import texts
from checks.logs.table import Table
from checks.logs.tables.azure_nsg_flow import AZURE_NSG_FLOW
from checks.logs.tables.azure_vnet_flow import AZURE_VNET_FLOW

_ROWS: Final = 100_000
_MILLISECONDS: Final = 10**11
"""Times from here on are in milliseconds: as seconds they would be beyond the year 5000."""
_LATEST: Final = 1 << 46
"""Milliseconds since 1970 beyond any log: the year 4199."""
_ADDRESSES: Final = ("source", "destination")
_INTEGERS: Final = ("source_port", "destination_port", "packets", "bytes", "reply_packets", "reply_bytes")
_DIRECTIONS: Final[Mapping[str, str]] = {"I": "ingress", "O": "egress"}
_STATISTICS: Final = ("packets", "bytes", "reply_packets", "reply_bytes")


@dataclass(frozen=True, slots=True)
class _Tuple:
    """A tuple that was found: the record it is in, by its place in the batch, and the texts around it and in it."""

    record: int
    outer: Any
    inner: Any
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class FlowFormat:
    """`outer`: where a record has its groups, and `inner` where these have those of the tuples; each with the column that a member of
    the group gives. `fields`: of a tuple, in their order; `shortest`: how many the oldest version has."""

    table: Table
    mark: Pattern[bytes]
    paths: Paths
    outer: Path
    outer_label: tuple[str, str]
    inner: str
    inner_label: tuple[str, str]
    fields: tuple[str, ...]
    shortest: int
    codes: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Columns whose values are codes in a field: the field, and what each code means."""

    def read(self, pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
        """Record batches of the table. Raises NotRecords."""
        for found in records(pieces, ("records",), faults):
            members = Members(found, faults)
            held = dict(columns(self.table, self.paths, members))
            held |= resource(held["resource"])
            tuples = self._tuples(found, faults)
            while rows := [*itertools.islice(tuples, _ROWS)]:
                yield self._batch(rows, held, pa.array(found.numbers, pa.int64()), object_, faults)

    def _tuples(self, found: Records, faults: Faults) -> Iterator[_Tuple]:
        for place, (number, record) in enumerate(zip(found.numbers, found.values, strict=True)):
            groups: Any = record
            for member in self.outer:
                groups = groups.get(member) if isinstance(groups, dict) else None
            for outer in _listed(groups, ".".join(self.outer), number, faults):
                for inner in _listed(_member(outer, self.inner), self.inner, number, faults):
                    for one in _listed(_member(inner, "flowTuples"), "flowTuples", number, faults):
                        if fields := self._fields(one, number, faults):
                            yield _Tuple(place, _member(outer, self.outer_label[1]), _member(inner, self.inner_label[1]), fields)

    def _fields(self, one: Any, number: int, faults: Faults) -> Sequence[str] | None:
        if not isinstance(one, str):
            faults.add("malformed", number, "a flow tuple that is not a text", lost=True)
            return None
        fields = one.split(",")
        if len(fields) == self.shortest < len(self.fields):
            return fields + [""] * (len(self.fields) - self.shortest)
        if len(fields) < len(self.fields):
            faults.add("short-line", number, f"{len(fields)} fields in a flow tuple of {len(self.fields)}", lost=True)
            return None
        if len(fields) > len(self.fields):
            faults.add("unknown-column", number, f"{len(fields) - len(self.fields)} fields that are not known here", lost=False)
        return fields[: len(self.fields)]

    def _batch(self, rows: list[_Tuple], held: Mapping[str, Any], numbers: Any, object_: str, faults: Faults) -> Any:
        places = pa.array([row.record for row in rows], pa.int64())
        lines = pc.take(numbers, places)
        plain = lines.to_pylist()
        found = {name: pc.take(array, places) for name, array in held.items()}
        for (column, member), labels in (
            (self.outer_label, [row.outer for row in rows]),
            (self.inner_label, [row.inner for row in rows]),
        ):
            found[column] = texts(labels, plain, member, faults)
        fields = {
            name: texts(values, plain, name, faults)
            for name, values in zip(self.fields, zip(*(row.fields for row in rows), strict=True), strict=True)
        }
        for name in self.fields:
            if name in _ADDRESSES:
                found |= addresses(fields[name], name, lines, faults)
            elif name in _INTEGERS:
                found[name] = integers(fields[name], lines, name, faults)
            elif name == "time":
                found[name] = _times(fields[name], lines, faults)
            elif name in self.table:
                found[name] = fields[name]
        for column, (field, meanings) in self.codes.items():
            found[column] = _meant(fields[field], meanings, field, plain, faults)
        if "protocol" not in self.codes:
            found["protocol"] = integers(fields["protocol"], lines, "protocol", faults)
        return batch(self.table, found, object_, lines)


def _listed(value: Any, name: str, number: int, faults: Faults) -> list[Any]:
    """A list of a record; what is none may have held rows."""
    if isinstance(value, list):
        return value
    faults.add("malformed", number, f"{name} is not a list", lost=True)
    return []


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _times(values: Any, lines: Any, faults: Faults) -> Any:
    """Times in seconds or, since version 4, milliseconds since 1970."""
    held = integers(values, lines, "time stamp", faults)
    known = pc.fill_null(pc.and_(pc.greater(held, 0), pc.less(held, _LATEST)), fill_value=False)
    if bad := len(held) - (pc.sum(known).as_py() or 0):
        faults.add(
            "time", lines[pc.index(known, value=False).as_py()].as_py(), "a time stamp that is missing or no time", lost=False, count=bad
        )
    plain = pc.if_else(known, held, pa.scalar(None, pa.int64()))
    return pc.multiply(plain, pc.if_else(pc.less(plain, _MILLISECONDS), 1_000_000, 1_000)).cast(TIME)


def _meant(values: Any, meanings: Mapping[str, Any], name: str, numbers: list[int], faults: Faults) -> Any:
    """What codes mean; one that is not known is null, and told."""
    held = values.to_pylist()
    bad = [number for number, value in zip(numbers, held, strict=True) if value is not None and value not in meanings]
    if bad:
        faults.add("value", bad[0], f"{name} is none of {', '.join(meanings)}", lost=False, count=len(bad))
    return pa.array([meanings.get(value) for value in held])


VNET: Final = FlowFormat(
    AZURE_VNET_FLOW,
    re.compile(rb'"category"\s*:\s*"FlowLogFlowEvent"|"flowLogVersion"\s*:'),
    paths("""
        logged    time
        version   flowLogVersion
        resource  targetResourceID
        flow_log  flowLogResourceID
        interface macAddress
    """),
    ("flowRecords", "flows"), ("acl", "aclID"), "flowGroups", ("rule", "rule"),
    ("time", "source", "destination", "source_port", "destination_port", "protocol", "direction", "flow_state", "encryption", *_STATISTICS),
    13,
    {
        "direction": ("direction", _DIRECTIONS),
        "action": ("flow_state", {"B": "ACCEPT", "C": "ACCEPT", "E": "ACCEPT", "D": "REJECT"}),
    },
)  # fmt: skip
NSG: Final = FlowFormat(
    AZURE_NSG_FLOW,
    re.compile(rb'"category"\s*:\s*"NetworkSecurityGroupFlowEvent"'),
    paths("""
        logged   time
        version  properties.Version
        resource resourceId
    """),
    ("properties", "flows"), ("rule", "rule"), "flows", ("interface", "mac"),
    ("time", "source", "destination", "source_port", "destination_port", "protocol", "direction", "decision", "flow_state", *_STATISTICS),
    8,
    {
        "direction": ("direction", _DIRECTIONS),
        "action": ("decision", {"A": "ACCEPT", "D": "REJECT"}),
        "protocol": ("protocol", {"T": 6, "U": 17}),
    },
)  # fmt: skip
