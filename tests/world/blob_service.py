"""A double of Azure's blob service on loopback: one container, as much of the REST API as reading logs takes.

Source: Azure Storage REST API reference, "List Blobs", "Get Blob", "Get Blob Properties", "Status and error codes".
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

CONTAINER = "insights-logs-vnet"
WRITTEN = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
PORTAL = b"<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>"


@dataclass
class Blob:
    """One blob; `written` is its Last-Modified, `created` its Creation-Time."""

    raw: bytes
    kind: str = "BlockBlob"
    written: datetime = WRITTEN
    created: datetime = WRITTEN
    metadata: Mapping[str, str] = field(default_factory=dict)
    revision: int = 1

    @property
    def etag(self) -> str:
        return f"0x8DE{self.revision:012X}"


@dataclass
class Reply:
    """An answer; `cut` is how many bytes of the body arrive under the Content-Length of the whole. With `drip`, a byte at a time, until
    that is set."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    cut: int | None = None
    drip: threading.Event | None = None


Fault = Callable[["Asked", Reply], Reply | None]
"""What becomes of an answer; None leaves it."""


@dataclass(frozen=True)
class Asked:
    """One request: `operation` is list, get or head; `blob` its name, `query` and `headers` as sent."""

    operation: str
    blob: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class BlobService:
    """The container's blobs by name, the requests that came in, the size of a page, and the fault in force."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self.asked: list[Asked] = []
        self.page = 5000
        self.fault: Fault | None = None
        self.denied = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/mblogs"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.thread.join()

    def put(self, name: str, raw: bytes = b"x", **more: Any) -> Blob:
        before = self.blobs.get(name)
        self.blobs[name] = Blob(raw, revision=before.revision + 1 if before else 1, **more)
        return self.blobs[name]

    def append(self, name: str, raw: bytes) -> None:
        blob = self.blobs[name]
        blob.raw, blob.revision, blob.written = blob.raw + raw, blob.revision + 1, datetime(2026, 11, 20, 6, 0, tzinfo=UTC)

    def clear(self) -> None:
        self.blobs.clear()
        self.asked.clear()
        self.page, self.fault = 5000, None

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = self._list(asked) if asked.operation == "list" else self._blob(asked)
        reply.headers.setdefault("x-ms-request-id", "5b5c2f0e-001e-0000-0000-000000000000")
        return (self.fault(asked, reply) if self.fault else None) or reply

    def _list(self, asked: Asked) -> Reply:
        prefix, delimiter = asked.query.get("prefix", ""), asked.query.get("delimiter")
        entries: dict[str, Blob | None] = {}
        for name in sorted(self.blobs):
            if name.startswith(prefix):
                rest = name[len(prefix) :]
                folded = delimiter and delimiter in rest
                entries[prefix + rest.partition("/")[0] + "/" if folded else name] = None if folded else self.blobs[name]
        start = int(asked.query.get("marker", "0"))
        names = sorted(entries)[start : start + self.page]
        more = start + self.page < len(entries)
        items = "".join(_item(name, entries[name]) for name in names)
        body = (
            f'\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="{self.url}/" ContainerName="{CONTAINER}">'
            f"<Prefix>{escape(prefix)}</Prefix>{f'<Delimiter>{delimiter}</Delimiter>' if delimiter else ''}"
            f"<Blobs>{items}</Blobs><NextMarker>{start + self.page if more else ''}</NextMarker></EnumerationResults>"
        )
        return Reply(200, {"Content-Type": "application/xml"}, body.encode())

    def _blob(self, asked: Asked) -> Reply:
        blob = self.blobs.get(asked.blob)
        if blob is None:
            return error(404, "BlobNotFound", "The specified blob does not exist.")
        if (wanted := asked.headers.get("if-match")) and wanted.strip('"') != blob.etag:
            return error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
        headers = {
            "ETag": f'"{blob.etag}"',
            "Last-Modified": format_datetime(blob.written, usegmt=True),
            "x-ms-creation-time": format_datetime(blob.created, usegmt=True),
            "x-ms-blob-type": blob.kind,
            "Content-Type": "application/octet-stream",
            **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
        }
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("x-ms-range", asked.headers.get("range", "")))
        if not found:
            return Reply(200, headers, blob.raw)
        first, last = int(found[1]), min(int(found[2]), len(blob.raw) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(blob.raw)}"
        return Reply(206, headers, blob.raw[first : last + 1])


def error(status: int, code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, {"Content-Type": "application/xml", "x-ms-error-code": code}, body.encode())


def _item(name: str, blob: Blob | None) -> str:
    if blob is None:
        return f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
    held = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    written, created = (format_datetime(at, usegmt=True) for at in (blob.written, blob.created))
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Creation-Time>{created}</Creation-Time><Last-Modified>{written}</Last-Modified>"
        f"<Etag>{blob.etag}</Etag><Content-Length>{len(blob.raw)}</Content-Length><BlobType>{blob.kind}</BlobType></Properties>"
        f"<Metadata>{held}</Metadata></Blob>"
    )


def _handler(service: BlobService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            split = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            blob = unquote(split.path).removeprefix(f"/mblogs/{CONTAINER}").lstrip("/")
            operation = "list" if query.get("comp") == "list" else self.command.lower()
            reply = service.answer(Asked(operation, blob, query, headers))
            self.send_response_only(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.drip is not None:
                with suppress(OSError):
                    for byte in reply.body:
                        if reply.drip.wait(0.05):
                            break
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                self.close_connection = True
            elif self.command != "HEAD":
                self.wfile.write(reply.body[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        do_GET = do_HEAD = _serve

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
            """Nothing: the requests are in `BlobService.asked`."""

    return Handler


@contextmanager
def blob_service() -> Iterator[BlobService]:
    service = BlobService()
    service.thread.start()
    try:
        yield service
    finally:
        service.close()
