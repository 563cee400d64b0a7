"""Connection logs of Application Load Balancers: fields between spaces, one of them quoted; AWS appends new ones at the end.

Source: ELB user guide, "Connection logs for your Application Load Balancer" (names and order of the fields; tls_verify_status
is `Success` or `Failed:` and a code; the file's name begins with `conn_log.`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import balancers
from checks.logs.formats.columns import TIME, addresses, batch, times
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, chunks, split
from checks.logs.tables.alb_connection import ALB_CONNECTION

FIELDS: Final = (
    "timestamp", "client_ip", "client_port", "listener_port", "tls_protocol", "tls_cipher", "tls_handshake_latency",
    "leaf_client_cert_subject", "leaf_client_cert_validity", "leaf_client_cert_serial_number", "tls_verify_status", "conn_trace_id",
    "tls_keyexchange",
)  # fmt: skip
_OLDEST: Final = FIELDS.index("tls_verify_status") + 1
_TEXTS: Final = {
    "tls_protocol": "tls_version", "tls_cipher": "cipher", "leaf_client_cert_subject": "client_subject",
    "leaf_client_cert_serial_number": "client_serial", "conn_trace_id": "connection", "tls_keyexchange": "key_exchange",
}  # fmt: skip
_INTEGERS: Final = {"client_port": "source_port", "listener_port": "listener_port"}
_STATUS: Final = r"^(?P<word>Success|Failed)(?::(?P<code>[^ ]*))?$"
_OUTCOMES: Final = {"Success": "success", "Failed": "failure"}
_VALIDITY: Final = r"^NotBefore=(?P<client_not_before>[^;]*);NotAfter=(?P<client_not_after>[^;]*)$"
_FIRST: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z [0-9a-fA-F.:]+ [0-9]+ [0-9]+ (-|(TLS|SSL)[^ ]*) ")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of ALB_CONNECTION."""
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            names, quotes = balancers.names(chunk.data, FIELDS, _OLDEST, faults)
        types = {"timestamp": TIME, **dict.fromkeys(_INTEGERS, pa.int64())}
        fields = split(chunk, names, types, faults, quotes=quotes, varying=True)  # a subject that is absent may stand unquoted
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns = balancers.told_by_name(object_, len(lines)) | balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    columns["time"] = times(table["timestamp"], lines, "timestamp", faults)
    columns |= addresses(table["client_ip"].combine_chunks(), "source", lines, faults)
    columns |= _verified(table["tls_verify_status"], lines, faults) | _validity(table["leaf_client_cert_validity"], lines, faults)
    if "balancer" in columns:
        port = columns["listener_port"]
        columns["listener"] = pc.binary_join_element_wise(columns["balancer"], _flat(port).cast(pa.string()), ":")
    return batch(ALB_CONNECTION, columns, object_, lines)


def _verified(array: Any, lines: Any, faults: Faults) -> dict[str, Any]:
    coded = _flat(array).dictionary_encode()
    found = pc.extract_regex(coded.dictionary, _STATUS)
    word, code = (pc.struct_field(found, part) for part in ("word", "code"))
    outcome = pc.take(pa.array(_OUTCOMES.values()), pc.index_in(word, pa.array(_OUTCOMES)))
    columns = {"outcome": pc.take(outcome, coded.indices), "error_code": pc.take(balancers.or_null(code, ""), coded.indices)}
    balancers.unread(array, columns["outcome"], "tls_verify_status", lines, faults)
    return columns


def _validity(array: Any, lines: Any, faults: Faults) -> dict[str, Any]:
    coded = _flat(array).dictionary_encode()
    found = pc.take(pc.extract_regex(coded.dictionary, _VALIDITY), coded.indices)
    balancers.unread(array, found, "leaf_client_cert_validity", lines, faults)
    return {name: times(pc.struct_field(found, name), lines, name, faults) for name in ("client_not_before", "client_not_after")}


def _flat(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
