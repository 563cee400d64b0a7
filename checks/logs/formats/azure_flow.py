"""Flow logs of Azure's virtual networks and network security groups: in each record groups of tuples, fields between commas.

A row stands for a tuple, and its `line` is the number of the record.
Source: Azure Network Watcher documentation, "Virtual network flow logs" (version 4) and "Flow logging for network security groups"
(versions 1 and 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from re import Pattern
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import json_values
from checks.logs.formats.azure_resource import resource
from checks.logs.formats.columns import TIME, addresses, batch, integers, plausible
from checks.logs.formats.faults import Faults
from checks.logs.formats.json_format import Path, Paths, columns, paths
from checks.logs.formats.json_records import Members, Records, records
from checks.logs.table import Table
from checks.logs.tables.azure_nsg_flow import AZURE_NSG_FLOW
from checks.logs.tables.azure_vnet_flow import AZURE_VNET_FLOW

_ROWS: Final = 100_000
_MILLISECONDS: Final = 10**11
"""Times from here on are in milliseconds: as seconds they would be beyond the year 5000."""
_MANY: Final = 1 << 46
"""Of more, a thousandfold is beyond 64 bits, or may be."""
_ADDRESSES: Final = ("source", "destination")
_INTEGERS: Final = ("source_port", "destination_port", "protocol", "packets", "bytes", "reply_packets", "reply_bytes")
_DIRECTIONS: Final[Mapping[str, str]] = {"I": "ingress", "O": "egress"}
_STATISTICS: Final = ("packets", "bytes", "reply_packets", "reply_bytes")


@dataclass(frozen=True, slots=True)
class _Tuples:
    """Tuples of some groups, and of each the place of its record in the batch and what its groups say."""

    texts: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    outer: list[Any] = field(default_factory=list)
    inner: list[Any] = field(default_factory=list)


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
            for tuples in self._tuples(found, faults):
                yield self._batch(tuples, held, found.numbers, object_, faults)

    def _tuples(self, found: Records, faults: Faults) -> Iterator[_Tuples]:
        held = _Tuples()
        for place, (number, record) in enumerate(zip(found.numbers, found.values, strict=True)):
            groups: Any = record
            for member in self.outer:
                groups = _member(groups, member)
            for outer in _listed(groups, ".".join(self.outer), number, faults):
                for inner in _listed(_member(outer, self.inner), self.inner, number, faults):
                    texts = _texts(_listed(_member(inner, "flowTuples"), "flowTuples", number, faults), number, faults)
                    held.texts.extend(texts)
                    held.places.extend([place] * len(texts))
                    held.outer.extend([_member(outer, self.outer_label[1])] * len(texts))
                    held.inner.extend([_member(inner, self.inner_label[1])] * len(texts))
            if len(held.texts) >= _ROWS:
                yield held
                held = _Tuples()
        if held.texts:
            yield held

    def _batch(self, tuples: _Tuples, around: Mapping[str, Any], numbers: list[int], object_: str, faults: Faults) -> Any:
        lines = pc.take(pa.array(numbers, pa.int64()), pa.array(tuples.places, pa.int64()))
        known, fields = self._fields(pa.array(tuples.texts, pa.string()), lines, faults)
        kept = pc.filter(lines, known)
        plain = kept.to_pylist()
        places = pc.filter(pa.array(tuples.places, pa.int64()), known)
        found = {name: pc.take(array, places) for name, array in around.items()}
        for (column, member), labels in ((self.outer_label, tuples.outer), (self.inner_label, tuples.inner)):
            found[column] = pc.filter(json_values.texts(labels, lines.to_pylist(), member, faults), known)
        for name, values in fields.items():
            if name in _ADDRESSES:
                found |= addresses(values, name, kept, faults)
            elif name in _INTEGERS and name not in self.codes:
                found[name] = integers(values, kept, name, faults)
            elif name == "time":
                found[name] = _times(values, kept, faults)
            elif name in self.table:
                found[name] = values
        for column, (name, meanings) in self.codes.items():
            found[column] = _meant(fields[name], meanings, name, plain, faults)
        return batch(self.table, found, object_, kept)

    def _fields(self, texts: Any, lines: Any, faults: Faults) -> tuple[Any, dict[str, Any]]:
        """Which tuples have the fields, and the fields of those, null where they are empty."""
        wanted = len(self.fields)
        lengths = pc.add(pc.count_substring(texts, pattern=","), 1)
        missing = "," * (wanted - self.shortest)
        whole = pc.if_else(pc.equal(lengths, self.shortest), pc.binary_join_element_wise(texts, missing, ""), texts)
        known = pc.or_(pc.equal(lengths, self.shortest), pc.greater_equal(lengths, wanted))
        _tell(pc.invert(known), lines, "short-line", f"a flow tuple of less than {wanted} fields", faults, lost=True)
        _tell(pc.greater(lengths, wanted), lines, "unknown-column", "fields of a flow tuple that are not known here", faults, lost=False)
        parts = pc.split_pattern(pc.filter(whole, known), ",")
        found = {name: pc.list_element(parts, index) for index, name in enumerate(self.fields)}
        return known, {name: pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values) for name, values in found.items()}


def _texts(values: list[Any], number: int, faults: Faults) -> list[str]:
    found = [value for value in values if isinstance(value, str)]
    faults.add("malformed", number, "a flow tuple that is not a text", lost=True, count=len(values) - len(found))
    return found


def _tell(bad: Any, lines: Any, kind: str, what: str, faults: Faults, *, lost: bool) -> None:
    if count := pc.sum(bad).as_py() or 0:
        faults.add(kind, lines[pc.index(bad, value=True).as_py()].as_py(), what, lost=lost, count=count)


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
    few = pc.if_else(pc.and_(pc.greater(held, 0), pc.less(held, _MANY)), held, pa.scalar(None, pa.int64()))
    found = plausible(pc.multiply(few, pc.if_else(pc.less(few, _MILLISECONDS), 1_000_000, 1_000)).cast(TIME))
    _tell(found.is_null(), lines, "time", "a time stamp that is missing or no time", faults, lost=False)
    return found


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
