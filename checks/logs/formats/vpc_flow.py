"""VPC flow logs as text, versions 2 to 8, in any order of fields: the first line names them.

Source: VPC user guide, "Flow log records" (fields; `-` for what does not apply; the default format is that of version 2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.columns import addresses, batch, integers, seconds
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Chunk, Fields, chunks, split
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
    "reject-reason": "reject_reason",
}  # fmt: skip
_INTEGERS: Final = {
    "version": "version", "srcport": "source_port", "dstport": "destination_port", "protocol": "protocol", "packets": "packets",
    "bytes": "bytes", "tcp-flags": "tcp_flags", "traffic-path": "traffic_path",
}  # fmt: skip
_ADDRESSES: Final = {
    "srcaddr": "source", "dstaddr": "destination", "pkt-srcaddr": "packet_source", "pkt-dstaddr": "packet_destination"
}  # fmt: skip
_TIMES: Final = {"start": "time", "end": "end"}
_UNUSED: Final = re.compile(r"ecs-[a-z0-9-]+|sublocation-(type|id)|resource-id|encryption-status")
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
    """Record batches of VPC_FLOW. `wanted` names columns (None: all); others may be null, but not `time` and `log_status`."""
    asked = {name for name, column in _NAMED.items() if wanted is None or column in {*wanted, *_ALWAYS}}
    names: tuple[str, ...] | None = None
    for whole in chunks(pieces, faults):
        chunk: Chunk | None = whole
        if names is None:
            names = header(whole.data[: whole.breaks[0]] if len(whole.breaks) else whole.data)
            if names is None:
                names = DEFAULT
            else:
                _unknown(names, faults)
                chunk = whole.rest()
        if chunk is None:
            continue
        fields = _split(chunk, names, asked, faults)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _split(chunk: Chunk, names: tuple[str, ...], asked: Collection[str], faults: Faults) -> Fields | None:
    """Files that were put together have the first line more than once; in a column of numbers it is none."""

    def again(odd: Chunk) -> Chunk:
        return _without_headers(odd, names)

    typed = {name: pa.int64() for name in (*_INTEGERS, *_TIMES)}
    if typed.keys().isdisjoint(name for name in names if name in asked):
        chunk = again(chunk)
    return split(chunk, names, typed, faults, quotes=0, wanted=asked, again=again)


def _unknown(names: tuple[str, ...], faults: Faults) -> None:
    new = [name for name in names if name not in _NAMED and not _UNUSED.fullmatch(name)]
    if new:
        faults.add("unknown-column", 1, f"columns that are not known here: {', '.join(new)}", lost=False)


def _without_headers(chunk: Chunk, names: tuple[str, ...]) -> Chunk:
    """With empty lines where the first line stands again."""
    if b"\n" + names[0].encode() + b" " not in chunk.data and not chunk.data.startswith(names[0].encode() + b" "):
        return chunk
    return Chunk.of(chunk.first, b"\n".join(b"" if header(line) == names else line for line in chunk.data.split(b"\n")))


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns: dict[str, Any] = {}
    for name in table.column_names:
        held = table[name]
        if name in _TEXTS:
            columns[_TEXTS[name]] = held
        elif name in _INTEGERS:
            columns[_INTEGERS[name]] = integers(held, lines, name, faults)
        elif name in _TIMES:
            columns[_TIMES[name]] = seconds(held, lines, name, faults)
        elif name in _ADDRESSES:
            columns |= addresses(held, _ADDRESSES[name], lines, faults)
    if "log_status" in columns:
        skipped = pc.equal(columns["log_status"], "SKIPDATA")
        count = pc.sum(skipped).as_py() or 0
        if count:
            what = "SKIPDATA: records were lost before they were written"
            faults.add("skipdata", lines[pc.index(skipped, value=True).as_py()].as_py(), what, lost=True, count=count)
    return batch(VPC_FLOW, columns, object_, lines)
