"""Access logs of classic load balancers: fields between spaces, two of them quoted.

Source: ELB user guide for classic load balancers, "Access logs for your Classic Load Balancer" (names and order of the fields;
the request of a TCP or SSL listener is `- - - `).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats import balancers
from checks.logs.formats.columns import TIME, batch, times
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, chunks, split
from checks.logs.tables.elb import ELB

FIELDS: Final = (
    "timestamp", "elb", "client:port", "backend:port", "request_processing_time", "backend_processing_time",
    "response_processing_time", "elb_status_code", "backend_status_code", "received_bytes", "sent_bytes", "request", "user_agent",
    "ssl_cipher", "ssl_protocol",
)  # fmt: skip
_OLDEST: Final = FIELDS.index("request") + 1
"""The first logs ended with the request."""
_TEXTS: Final = {"elb": "balancer", "user_agent": "user_agent", "ssl_cipher": "cipher", "ssl_protocol": "tls_version"}
_INTEGERS: Final = {
    "elb_status_code": "status", "backend_status_code": "target_status", "received_bytes": "received_bytes", "sent_bytes": "sent_bytes"
}  # fmt: skip
_NO_REQUEST: Final = "- - - "
_FIRST: Final = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z [A-Za-z0-9-]+ [0-9a-fA-F.:\[\]]+:[0-9]+ (-|[0-9a-fA-F.:\[\]]+:[0-9]+) "
    rb'(-?[0-9.]+ ){3}(-|[0-9]+) (-|[0-9]+) [0-9]+ [0-9]+ "'
)


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of ELB."""
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            names, quotes = balancers.names(chunk.data, FIELDS, _OLDEST, faults)
        fields = split(chunk, names, {"timestamp": TIME, **dict.fromkeys(_INTEGERS, pa.int64())}, faults, quotes=quotes)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns = balancers.told_by_name(object_, len(lines)) | balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    columns["time"] = times(table["timestamp"], lines, "timestamp", faults)
    columns |= balancers.endpoint(table["client:port"], "source", lines, faults)
    columns |= balancers.endpoint(table["backend:port"], "target", lines, faults)
    columns |= balancers.request(balancers.or_null(table["request"], _NO_REQUEST), columns["balancer"], lines, faults)
    return batch(ELB, columns, object_, lines)
