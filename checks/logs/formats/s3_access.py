"""S3 server access logs: fields between spaces, those that a client wrote in quotes, and the time in brackets with a space in it.

Which fields are quoted differs from line to line: a request that S3 made itself has a bare `-` for the request-URI.
Source: S3 user guide, "Amazon S3 server access log format" (names and order of the fields; S3 appends new ones at the end) and
S3 API reference, "PartitionedPrefix" (keys that are partitioned by date).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import balancers, request_line
from checks.logs.formats.columns import addresses, batch, common_log_times
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Fields, chunks, split
from checks.logs.tables.s3_access import S3_ACCESS

FIELDS: Final = (
    "bucket owner", "bucket", "time", "zone", "remote IP", "requester", "request id", "operation", "key", "request-URI",
    "HTTP status", "error code", "bytes sent", "object size", "total time", "turn-around time", "referer", "user agent", "version id",
    "host id", "signature version", "cipher suite", "authentication type", "host header", "TLS version", "access point ARN",
    "aclRequired", "source region",
)  # fmt: skip
"""`zone` is the part of the time that stands behind its space."""
_OLDEST: Final = FIELDS.index("user agent") + 1
_TEXTS: Final = {
    "bucket owner": "owner", "bucket": "bucket", "requester": "principal", "request id": "request_id", "operation": "operation",
    "key": "key", "error code": "error_code", "referer": "referer", "user agent": "user_agent", "version id": "version_id",
    "signature version": "signature", "cipher suite": "cipher", "authentication type": "authentication", "host header": "host",
    "TLS version": "tls_version", "access point ARN": "access_point", "aclRequired": "acl_required", "source region": "region",
}  # fmt: skip
_INTEGERS: Final = {"HTTP status": "status", "bytes sent": "sent_bytes", "object size": "object_bytes"}
_FIRST: Final = re.compile(
    rb"[0-9a-f]{64} [a-z0-9.-]+ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}\] [^ ]+ [^ ]+ [^ ]+ [A-Z0-9]+\.[^ ]+ "
)
_PARTITIONED: Final = re.compile(r"(?<![0-9])(?P<account>[0-9]{12})/(?P<region>[a-z0-9-]+)/[^/]+/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^/]+$")


def is_record(line: bytes) -> bool:
    return _FIRST.match(line) is not None


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of S3_ACCESS."""
    names: tuple[str, ...] = ()
    quotes = 0
    for chunk in chunks(pieces, faults):
        if not names:
            names, quotes = balancers.names(chunk.data, FIELDS, _OLDEST, faults)
        fields = split(chunk, names, dict.fromkeys(_INTEGERS, pa.int64()), faults, quotes=quotes, varying=True)
        if fields is not None:
            yield _batch(fields, object_, faults)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    table, lines = fields.table.combine_chunks(), fields.lines
    held = {name: table[name].combine_chunks() for name in table.column_names}
    columns = balancers.texts(fields, _TEXTS) | balancers.numbers(fields, _INTEGERS, faults)
    at = pc.utf8_trim(pc.binary_join_element_wise(held["time"], held["zone"], " "), "[]")
    columns["time"] = common_log_times(at, lines, "time", faults)
    columns |= addresses(held["remote IP"], "source", lines, faults)
    columns |= request_line.plain(held["request-URI"])
    if "cipher suite" in held:
        plain = pc.if_else(pc.is_valid(held["request-URI"]), pa.scalar("http"), pa.scalar(None, pa.string()))
        columns["scheme"] = pc.if_else(pc.is_valid(held["cipher suite"]), pa.scalar("https"), plain)
    if found := _PARTITIONED.search(object_):
        told = {part: pa.repeat(pa.scalar(text, pa.string()), len(lines)) for part, text in found.groupdict().items()}
        columns["account"] = told["account"]
        columns.setdefault("region", told["region"])
    return batch(S3_ACCESS, columns, object_, lines)
