"""Access logs of Application Load Balancers: fields between spaces, some of them quoted; AWS appends new ones at the end.

Source: ELB user guide, "Access logs for your Application Load Balancer" (names and order of the fields; file names).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import request_line
from checks.logs.formats.columns import TIME, addresses, batch, integers, times
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, chunks, split, usual
from checks.logs.tables.alb import ALB

FIELDS: Final = (
    "type", "time", "elb", "client:port", "target:port", "request_processing_time", "target_processing_time",
    "response_processing_time", "elb_status_code", "target_status_code", "received_bytes", "sent_bytes", "request", "user_agent",
    "ssl_cipher", "ssl_protocol", "target_group_arn", "trace_id", "domain_name", "chosen_cert_arn", "matched_rule_priority",
    "request_creation_time", "actions_executed", "redirect_url", "error_reason", "target:port_list", "target_status_code_list",
    "classification", "classification_reason", "conn_trace_id", "transformed_host", "transformed_uri", "request_transform_status",
)  # fmt: skip
TYPES: Final = ("http", "https", "h2", "grpcs", "ws", "wss")
_OLDEST: Final = FIELDS.index("trace_id") + 1
"""The fields of the oldest logs; with fewer it is another format."""
_TEXTS: Final = {
    "type": "type", "elb": "balancer", "ssl_cipher": "cipher", "ssl_protocol": "tls_version", "target_group_arn": "target_group",
    "trace_id": "trace_id", "domain_name": "server_name", "chosen_cert_arn": "certificate", "actions_executed": "actions",
    "redirect_url": "redirect_url", "error_reason": "error_reason", "classification": "classification", "conn_trace_id": "connection",
    "user_agent": "user_agent",
}  # fmt: skip
_INTEGERS: Final = {
    "elb_status_code": "status", "target_status_code": "target_status", "received_bytes": "received_bytes", "sent_bytes": "sent_bytes"
}  # fmt: skip
_TIMES: Final = {"time": "time", "request_creation_time": "request_time"}
_ENDPOINTS: Final = {"client:port": "source", "target:port": "target"}
_REQUEST: Final = ("method", "host", "path", "http_version", "listener_port")
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    **{column: (field,) for field, column in (_TEXTS | _INTEGERS | _TIMES).items()},
    **{column: (field,) for field, name in _ENDPOINTS.items() for column in (name, f"{name}_port")},
    **dict.fromkeys(_REQUEST, ("request",)), "listener": ("elb", "request"), "account": (), "region": (),
}  # fmt: skip
"""The fields that each column is made of."""
_OBJECT: Final = re.compile(r"(?P<account>[0-9]{12})_elasticloadbalancing_(?P<region>[a-z0-9-]+)_(app|net)\.")
_FIRST: Final = re.compile(rb"(http|https|h2|grpcs|ws|wss) [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z app/")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None and usual(line)[0] >= _OLDEST


def read(pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None) -> Iterator[Any]:
    """Record batches of ALB. `wanted` names columns (None: all); others may be null, but not `time`."""
    asked = frozenset(_NEEDS) if wanted is None else frozenset(wanted) & _NEEDS.keys() | {"time"}
    fields = {field for column in asked for field in _NEEDS[column]}
    types = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_TIMES, TIME)}
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            count, quotes = usual(chunk.data)
            names = _names(count, faults)
        held = split(chunk, names, types, faults, quotes=quotes, wanted=fields)
        if held is not None:
            yield _batch(held, asked, object_, faults)


def _names(count: int, faults: Faults) -> tuple[str, ...]:
    if count < _OLDEST:
        return FIELDS[:_OLDEST]  # so that every line is counted as a short one
    if count > len(FIELDS):
        faults.add("unknown-column", 1, f"{count - len(FIELDS)} columns that are not known here", lost=False)
    return FIELDS[:count] + tuple(f"unknown_{index}" for index in range(len(FIELDS), count))


def _batch(fields: Fields, asked: frozenset[str], object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    names = table.column_names
    columns: dict[str, Any] = {column: table[name] for name, column in _TEXTS.items() if name in names}
    for name, column in _INTEGERS.items():
        if name in names:
            columns[column] = integers(table[name], lines, name, faults)
    for name, column in _TIMES.items():
        if name in names:
            columns[column] = times(table[name], lines, name, faults)
    for field, name in _ENDPOINTS.items():
        if field in names:
            columns |= _endpoint(table[field], name, lines, faults)
    if "request" in names:
        columns |= _request(table["request"], columns.get("balancer"), lines, faults)
    if "type" in columns:
        strange = pc.invert(pc.is_in(columns["type"], pa.array(TYPES)))
        count = pc.sum(strange).as_py() or 0
        if count:
            line = lines[pc.index(strange, value=True).as_py()].as_py()
            faults.add("value", line, "a type that is not known here", lost=False, count=count)
    if found := _OBJECT.search(object_):
        for part in asked & {"account", "region"}:
            columns[part] = pa.repeat(pa.scalar(found[part], pa.string()), len(lines))
    return batch(ALB, columns, object_, lines)


def _endpoint(array: Any, name: str, lines: Any, faults: Faults) -> dict[str, Any]:
    """An address, in brackets or not, a colon and a port."""
    coded = array.combine_chunks().dictionary_encode()  # a load balancer has few targets
    halves = pc.split_pattern(coded.dictionary, ":", max_splits=1, reverse=True)
    two = pc.equal(pc.list_value_length(halves), 2)
    both = pc.filter(halves, two)
    nothing = pa.nulls(len(halves), pa.string())
    address = pc.take(pc.replace_with_mask(nothing, two, pc.utf8_trim(pc.list_element(both, 0), "[]")), coded.indices)
    port = pc.take(pc.replace_with_mask(nothing, two, pc.list_element(both, 1)), coded.indices)
    _unread(array, port, name, lines, faults)
    return {**addresses(address, name, lines, faults), f"{name}_port": integers(port, lines, f"{name} port", faults)}


def _request(array: Any, balancer: Any | None, lines: Any, faults: Faults) -> dict[str, Any]:
    """The parts of the request line, and the listener. A request that could not be parsed has `-` for what there is none of."""
    parts = request_line.parts(array.combine_chunks())
    _unread(array, parts["port"], "request", lines, faults)
    version = pc.utf8_trim_whitespace(parts["version"])
    return {
        "method": _or_null(parts["method"], "-"),
        "host": parts["host"],
        "path": parts["path"],
        "http_version": _or_null(_or_null(version, "-"), ""),
        "listener_port": integers(parts["port"], lines, "port", faults),
    } | ({} if balancer is None else {"listener": pc.binary_join_element_wise(balancer.combine_chunks(), parts["port"], ":")})


def _unread(array: Any, parts: Any, name: str, lines: Any, faults: Faults) -> None:
    bad = pc.and_(pc.is_null(parts), pc.is_valid(array.combine_chunks()))
    count = pc.sum(bad).as_py() or 0
    if count:
        what = f"{name} does not have the form it must"
        faults.add("value", lines[pc.index(bad, value=True).as_py()].as_py(), what, lost=False, count=count)


def _or_null(array: Any, text: str) -> Any:
    return pc.if_else(pc.equal(array, text), pa.scalar(None, pa.string()), array)
