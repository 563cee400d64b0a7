"""Access logs of Application Load Balancers: fields between spaces, some of them quoted; AWS appends new ones at the end.

Source: ELB user guide, "Access logs for your Application Load Balancer" (names and order of the fields; file names).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
_FIRST: Final = re.compile(rb"(http|https|h2|grpcs|ws|wss) [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z app/")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None and usual(line)[0] >= _OLDEST


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of ALB."""
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            names, quotes = balancers.names(chunk.data, FIELDS, _OLDEST, faults)
        fields = split(chunk, names, {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_TIMES, TIME)}, faults, quotes=quotes)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns = balancers.told_by_name(object_, len(lines)) | balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    for name, column in _TIMES.items():
        if name in table.column_names:
            columns[column] = times(table[name], lines, name, faults)
    columns |= balancers.endpoint(table["client:port"], "source", lines, faults)
    columns |= balancers.endpoint(table["target:port"], "target", lines, faults)
    columns |= balancers.request(table["request"], columns["balancer"], lines, faults)
    strange = pc.invert(pc.is_in(columns["type"], pa.array(TYPES)))
    count = pc.sum(strange).as_py() or 0
    if count:
        faults.add("value", lines[pc.index(strange, value=True).as_py()].as_py(), "a type that is not known here", lost=False, count=count)
    return batch(ALB, columns, object_, lines)
