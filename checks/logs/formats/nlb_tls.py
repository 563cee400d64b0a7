"""Access logs of network load balancers, which they write for TLS listeners: fields between spaces.

No field holds a space, for what a client chose is URL-encoded; the quotes in alpn_client_preference_list stand between
commas and mean nothing here.
Source: ELB user guide, "Access logs for your Network Load Balancer" (names and order of the fields; tls_keyexchange was
tls_named_group before it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats import balancers
from checks.logs.formats.columns import batch, times, zoned
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, chunks, split
from checks.logs.tables.nlb_tls import NLB_TLS

FIELDS: Final = (
    "type", "version", "time", "elb", "listener", "client:port", "destination:port", "connection_time", "tls_handshake_time",
    "received_bytes", "sent_bytes", "incoming_tls_alert", "chosen_cert_arn", "chosen_cert_serial", "tls_cipher",
    "tls_protocol_version", "tls_keyexchange", "domain_name", "alpn_fe_protocol", "alpn_be_protocol", "alpn_client_preference_list",
    "tls_connection_creation_time",
)  # fmt: skip
_OLDEST: Final = FIELDS.index("domain_name") + 1
_TEXTS: Final = {
    "type": "type", "elb": "balancer", "listener": "listener", "chosen_cert_arn": "certificate", "tls_cipher": "cipher",
    "tls_protocol_version": "tls_version", "tls_keyexchange": "key_exchange", "domain_name": "server_name",
    "alpn_fe_protocol": "application", "alpn_be_protocol": "target_application",
}  # fmt: skip
_INTEGERS: Final = {
    "connection_time": "connection_ms", "tls_handshake_time": "handshake_ms", "received_bytes": "received_bytes",
    "sent_bytes": "sent_bytes", "incoming_tls_alert": "alert",
}  # fmt: skip
_TIMES: Final = {"time": "time", "tls_connection_creation_time": "start"}
_FIRST: Final = re.compile(rb"tls [0-9.]+ [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z? net/")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of NLB_TLS."""
    names: tuple[str, ...] = ()
    for chunk in chunks(pieces, faults):
        names = names or balancers.names(chunk.data.replace(b'"', b""), FIELDS, _OLDEST, faults)[0]
        fields = split(chunk, names, dict.fromkeys(_INTEGERS, pa.int64()), faults, quotes=0)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table, fields.lines
    columns = balancers.told_by_name(object_, len(lines)) | balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    for name, column in _TIMES.items():
        if name in table.column_names:
            columns[column] = times(zoned(table[name].combine_chunks()), lines, name, faults)
    columns |= balancers.endpoint(table["client:port"], "source", lines, faults)
    columns |= balancers.endpoint(table["destination:port"], "destination", lines, faults)
    return batch(NLB_TLS, columns, object_, lines)
