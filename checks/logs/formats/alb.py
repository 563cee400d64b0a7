"""Access logs of Application Load Balancers: fields between spaces, some of them quoted; AWS appends new ones at the end.

Source: ELB user guide, "Access logs for your Application Load Balancer" (names and order of the fields; file names).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import balancers
from checks.logs.formats.columns import TIME, batch, times
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
_FIRST: Final = re.compile(rb"(http|https|h2|grpcs|ws|wss) [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z app/")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None and usual(line)[0] >= _OLDEST


def read(pieces: Iterable[bytes], object_: str, faults: Faults, wanted: Collection[str] | None = None) -> Iterator[Any]:
    """Record batches of ALB. `wanted` names columns (None: all); others may be null, but not `time`."""
    asked = _NEEDS.keys() if wanted is None else {*wanted, "time"} & _NEEDS.keys()
    needed = {field for column in asked for field in _NEEDS[column]}
    types = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_TIMES, TIME)}
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            names, quotes = balancers.names(chunk.data, FIELDS, _OLDEST, faults)
        fields = split(chunk, names, types, faults, quotes=quotes, wanted=needed)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines, names = fields.table, fields.lines, fields.table.column_names
    columns = balancers.told_by_name(object_, len(lines)) | balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    for name, column in _TIMES.items():
        if name in names:
            columns[column] = times(table[name], lines, name, faults)
    for name, column in _ENDPOINTS.items():
        if name in names:
            columns |= balancers.endpoint(table[name], column, lines, faults)
    if "request" in names:
        columns |= balancers.request(table["request"], table["elb"] if "elb" in names else None, lines, faults)
    if "type" in names:
        _tell_strange(columns["type"], lines, faults)
    return batch(ALB, columns, object_, lines)


def _tell_strange(types: Any, lines: Any, faults: Faults) -> None:
    strange = pc.invert(pc.is_in(types, pa.array(TYPES)))
    count = pc.sum(strange).as_py() or 0
    if count:
        faults.add("value", lines[pc.index(strange, value=True).as_py()].as_py(), "a type that is not known here", lost=False, count=count)
