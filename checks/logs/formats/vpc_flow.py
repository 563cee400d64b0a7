"""VPC flow logs, versions 2 to 10, in any order of fields: as text whose first line names them, or as Parquet.

Source: VPC user guide, "Flow log records" (fields; `-` for what does not apply; the default format is that of version 2) and
"Publish flow logs to Amazon S3" (file names; Parquet, where names are written with underscores).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import parquet
from checks.logs.formats.columns import addresses, batch, integers, seconds
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Chunk, Fields, chunks, peek, split
from checks.logs.table import address_columns
from checks.logs.tables.vpc_flow import VPC_FLOW

DEFAULT: Final = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start",
    "end", "action", "log-status",
)  # fmt: skip
"""The fields of the default format, in their order."""
_TEXTS: Final = {
    "log-status": "log_status", "action": "action", "account-id": "account", "region": "region", "az-id": "zone", "vpc-id": "vpc",
    "subnet-id": "subnet", "instance-id": "instance", "interface-id": "interface", "type": "type",
    "pkt-src-aws-service": "source_service", "pkt-dst-aws-service": "destination_service", "flow-direction": "direction",
    "reject-reason": "reject_reason", "ecs-cluster-arn": "ecs_cluster", "ecs-service-name": "ecs_service", "ecs-task-arn": "ecs_task",
    "resource-id": "resource",
}  # fmt: skip
_INTEGERS: Final = {
    "version": "version", "srcport": "source_port", "dstport": "destination_port", "protocol": "protocol", "packets": "packets",
    "bytes": "bytes", "tcp-flags": "tcp_flags", "traffic-path": "traffic_path", "encryption-status": "encryption",
}  # fmt: skip
_ADDRESSES: Final = {
    "srcaddr": "source", "dstaddr": "destination", "pkt-srcaddr": "packet_source", "pkt-dstaddr": "packet_destination"
}  # fmt: skip
_TIMES: Final = {"start": "time", "end": "end"}
_UNUSED: Final = re.compile(r"ecs-[a-z0-9-]+|sublocation-(type|id)")
_OBJECT: Final = re.compile(r"[0-9]{12}_vpcflowlogs_(?P<region>[a-z0-9-]+)_fl-")
_NAMED: Final = {**_TEXTS, **_INTEGERS, **_ADDRESSES, **_TIMES}
_ALWAYS: Final = ("time", "log_status")
"""What says of which hour a row is, and whether rows were lost."""


def header(line: bytes) -> tuple[str, ...] | None:
    """The fields that a first line names, as they are written with hyphens; None where it is no such line."""
    try:
        names = tuple(name.replace("_", "-") for name in line.strip().decode("ascii").split(" "))
    except UnicodeDecodeError:
        return None
    known = sum(name in _NAMED for name in names)
    telling = known >= 3 or (known >= 1 and known == len(names))
    return names if telling and len(set(names)) == len(names) and all(re.fullmatch("[a-z][a-z0-9-]*", name) for name in names) else None


def is_default(line: bytes) -> bool:
    """Whether a line is a record of the default format."""
    fields = line.strip().split(b" ")
    return len(fields) == len(DEFAULT) and fields[0] == b"2" and fields[2].startswith(b"eni-")


def read(pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None) -> Iterator[Any]:
    """Record batches of VPC_FLOW. `wanted` names columns (None: all); others may be null, but not `time` and `log_status`.

    Raises NotRecords for Parquet that cannot be read, or not to its end.
    """
    asked = {name for name, column in _NAMED.items() if wanted is None or column in {*wanted, *_ALWAYS}}
    head, whole = peek(pieces)
    if head.startswith(parquet.MAGIC):
        rows: Iterator[Fields] = (fields for fields, _ in parquet.read(whole, lambda line: _told(header(line), faults)))
    else:
        rows = _of_text(whole, asked, faults)
    for fields in rows:
        yield _batch(fields, asked, object_, faults)


def _of_text(pieces: Iterable[bytes], asked: Collection[str], faults: Faults) -> Iterator[Fields]:
    names: tuple[str, ...] | None = None
    for whole in chunks(pieces, faults):
        chunk = whole
        if names is None:
            first, _, rest = whole.data.partition(b"\n")
            names = _told(header(first), faults)
            if names is None:
                names = DEFAULT
            else:
                if not rest:
                    continue
                chunk = Chunk(whole.first + 1, rest)
        fields = _split(chunk, names, asked, faults)
        if fields is not None:
            yield fields


def _split(chunk: Chunk, names: tuple[str, ...], asked: Collection[str], faults: Faults) -> Fields | None:
    """Files that were put together have the first line more than once; in a column of numbers it is none."""

    def again(odd: Chunk) -> Chunk:
        return _without_headers(odd, names)

    typed = {name: pa.int64() for name in (*_INTEGERS, *_TIMES)}
    if typed.keys().isdisjoint(name for name in names if name in asked):
        chunk = again(chunk)
    return split(chunk, names, typed, faults, quotes=0, wanted=asked, again=again)


def _told(names: tuple[str, ...] | None, faults: Faults) -> tuple[str, ...] | None:
    new = [name for name in names or () if name not in _NAMED and not _UNUSED.fullmatch(name)]
    if new:
        faults.add("unknown-column", 1, f"columns that are not known here: {', '.join(new)}", lost=False)
    return names


def _without_headers(chunk: Chunk, names: tuple[str, ...]) -> Chunk:
    """With empty lines where the first line stands again."""
    if b"\n" + names[0].encode() + b" " not in chunk.data and not chunk.data.startswith(names[0].encode() + b" "):
        return chunk
    return Chunk(chunk.first, b"\n".join(b"" if header(line) == names else line for line in chunk.data.split(b"\n")))


def _same(table: Any, name: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an address that another field says as well, as those of a packet mostly do; none where there are none yet."""
    for other, read in _ADDRESSES.items():
        held = columns.get(address_columns(read)[0])
        if held is not None and held.null_count == table[other].null_count and table[name].equals(table[other]):
            return dict(zip(address_columns(_ADDRESSES[name]), (columns[part] for part in address_columns(read)), strict=True))
    return {}


def _batch(fields: Fields, asked: Collection[str], object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns: dict[str, Any] = {}
    if found := _OBJECT.search(object_):
        columns["region"] = pa.repeat(pa.scalar(found["region"], pa.string()), len(lines))
    for name in table.column_names:
        held = table[name]
        if name not in asked:
            continue
        if name in _TEXTS:
            columns[_TEXTS[name]] = held
        elif name in _INTEGERS:
            columns[_INTEGERS[name]] = integers(held, lines, name, faults)
        elif name in _TIMES:
            columns[_TIMES[name]] = seconds(held, lines, name, faults)
        elif name in _ADDRESSES:
            columns |= _same(table, name, columns) or addresses(held, _ADDRESSES[name], lines, faults)
    if "log_status" in columns:
        skipped = pc.equal(columns["log_status"], "SKIPDATA")
        count = pc.sum(skipped).as_py() or 0
        if count:
            what = "SKIPDATA: records were lost before they were written"
            faults.add("skipdata", lines[pc.index(skipped, value=True).as_py()].as_py(), what, lost=True, count=count)
    return batch(VPC_FLOW, columns, object_, lines)
