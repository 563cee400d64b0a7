"""CloudFront's standard logs: fields between tabs that a line `#Fields:` names, or a JSON object in each line.

Source: CloudFront developer guide, "Standard logging reference" (the fields; what a client sent is URL-encoded), "Configure
standard logging (legacy)" (the two lines at the head, the file's name), "Configure standard logging (v2)" (which fields there
are is chosen; the formats of the output) and "Use real-time access logs" (fields that v2 may have, too).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.columns import addresses, batch, integers, times, written
from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import Chunk, Fields, chunks, peek, split
from checks.logs.formats.objects import objects
from checks.logs.tables.cloudfront import CLOUDFRONT

_TEXTS: Final = {
    "DistributionId": "distribution", "x-edge-location": "edge", "cs-protocol": "scheme", "ssl-protocol": "tls_version",
    "ssl-cipher": "cipher", "x-host-header": "host", "cs(Host)": "listener", "cs-method": "method", "cs-uri-stem": "path",
    "cs-uri-query": "query", "cs-protocol-version": "http_version", "x-edge-result-type": "result",
    "x-edge-response-result-type": "response_result", "x-edge-detailed-result-type": "detailed_result",
    "sc-content-type": "content_type", "cs(Referer)": "referer", "cs(User-Agent)": "user_agent", "cs(Cookie)": "cookie",
    "x-forwarded-for": "forwarded_for", "fle-status": "field_encryption", "x-edge-request-id": "request_id",
}  # fmt: skip
_INTEGERS: Final = {
    "c-port": "source_port", "sc-status": "status", "sc-bytes": "sent_bytes", "cs-bytes": "received_bytes",
    "fle-encrypted-fields": "encrypted_fields",
}  # fmt: skip
_TIMES: Final = ("timestamp(ms)", "timestamp")
_NAMED: Final = frozenset((*_TEXTS, *_INTEGERS, *_TIMES, "date", "time", "c-ip"))
_UNUSED: Final = re.compile(
    "time-taken|time-to-first-byte|sc-content-len|sc-range-(start|end)|origin-[fl]bl|asn|connection-id|c-country|c-ip-version|cs-accept"
    "|cs-accept-encoding|cs-headers|cs-header-names|cs-headers-count|cache-behavior-path-pattern|cmcd-[a-z-]+"
)
_HEAD: Final = (b"#Version:", b"#Fields:")
_OBJECT: Final = re.compile(r"(?:^|/)(?P<distribution>E[A-Z0-9]{8,30})\.[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}\.")
_MEMBER: Final = re.compile(rb'"(x-edge-[a-z-]+|cs\([A-Za-z-]+\)|cs-[a-z-]+|sc-[a-z-]+|ssl-[a-z]+|c-ip)"')


def is_header(line: bytes) -> bool:
    return line.startswith(b"#Version:") or (line.startswith(b"#Fields:") and len(_NAMED & set(_fields(line))) >= 2)


def is_record(line: bytes) -> bool:
    """Whether a line is a record in JSON."""
    return line.startswith(b"{") and len(set(_MEMBER.findall(line))) >= 2


def read(pieces: Iterable[bytes], object_: str, faults: Faults) -> Iterator[Any]:
    """Record batches of CLOUDFRONT."""
    head, whole = peek(pieces)
    for fields in _of_json(whole, faults) if head.lstrip().startswith(b"{") else _of_text(whole, faults):
        yield _batch(fields, object_, faults)


def _of_text(pieces: Iterable[bytes], faults: Faults) -> Iterator[Fields]:
    names: tuple[str, ...] = ()
    for whole in chunks(pieces, faults):
        for header, chunk in _sections(whole, faults):
            if header and header != names:
                names = header
                _told(names, faults)
            if chunk is None:
                continue
            if names:
                fields = split(chunk, names, {name: pa.int64() for name in _INTEGERS}, faults, quotes=0, delimiter="\t")
                if fields is not None:
                    yield fields
            else:
                rows = sum(bool(line.strip()) for line in chunk.data.split(b"\n"))
                faults.add("malformed", chunk.first, "lines before the one that names the fields", lost=True, count=rows)


def _sections(chunk: Chunk, faults: Faults) -> Iterator[tuple[tuple[str, ...], Chunk | None]]:
    """The fields that a line names, if one does, and the records behind it. Files that were put together have such lines inside."""
    if not chunk.data.startswith(b"#") and b"\n#" not in chunk.data:
        yield (), chunk
        return
    header: tuple[str, ...] = ()
    kept: list[bytes] = []
    first = chunk.first
    for number, line in enumerate(chunk.data.split(b"\n"), chunk.first):
        if not line.startswith(b"#"):
            kept.append(line)
            continue
        if kept:
            yield header, Chunk(first, b"\n".join(kept))
        if not line.startswith(_HEAD):
            faults.add("malformed", number, "a line with # that is neither #Version nor #Fields", lost=True)
        header = _fields(line) if line.startswith(b"#Fields:") else header
        kept, first = [], number + 1
    yield header, Chunk(first, b"\n".join(kept)) if kept else None


def _fields(line: bytes) -> tuple[str, ...]:
    names = line.removeprefix(b"#Fields:").decode("utf-8", "replace").split()
    return tuple(name if name not in names[:index] else f"{name} {index}" for index, name in enumerate(names))


def _of_json(pieces: Iterable[bytes], faults: Faults) -> Iterator[Fields]:
    seen: set[str] = set()
    for found in objects(pieces, faults):
        new = {str(name) for value in found.held for name in value} - seen
        _told(sorted(new), faults)
        seen |= new
        columns = {name: written(found.values(name), found.lines, name, faults) for name in sorted(_NAMED & seen)}
        yield Fields(pa.table(columns), pa.array(found.lines, pa.int64()))


def _told(names: Iterable[str], faults: Faults) -> None:
    new = [name for name in names if name not in _NAMED and not _UNUSED.fullmatch(name)]
    if new:
        faults.add("unknown-column", 1, f"columns that are not known here: {', '.join(new[:20])}", lost=False)


def _batch(fields: Fields, object_: str, faults: Faults) -> Any:
    lines = fields.lines
    held = {name: fields.table[name].combine_chunks() for name in fields.table.column_names}
    columns: dict[str, Any] = {}
    if found := _OBJECT.search(object_):
        columns["distribution"] = pa.repeat(pa.scalar(found["distribution"], pa.string()), len(lines))
    columns |= {column: held[name] for name, column in _TEXTS.items() if name in held}
    columns |= {column: integers(held[name], lines, name, faults) for name, column in _INTEGERS.items() if name in held}
    if "c-ip" in held:
        columns |= addresses(held["c-ip"], "source", lines, faults)
    moments = [times(held[name], lines, name, faults) for name in _TIMES if name in held]
    if "date" in held and "time" in held:
        at = pc.binary_join_element_wise(pc.binary_join_element_wise(held["date"], held["time"], "T"), "Z", "")
        moments.insert(0, times(at, lines, "date and time", faults))
    if moments:
        columns["time"] = pc.coalesce(*moments)
    return batch(CLOUDFRONT, columns, object_, lines)
