"""An HTTP proxy in front of an AWS emulator that knows each call, keeps a list of them, and lets chosen ones go wrong.

    with FaultProxy(moto.endpoint) as proxy:
        proxy.inject(Fault("s3", "GetBucketPolicy", "deny", match="shop-logs"))
        s3 = client("s3", proxy.endpoint)
        ...
        assert proxy.struck        # the fault was really met

Clients use it as their endpoint URL. It also answers instead of the emulator where that differs from AWS: `answer`,
`paginate`, `amend` and `s3_defaults`; `tests.world.likeness` uses these to make moto answer as AWS does.
"""

from __future__ import annotations

import http.client
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from tests.world.faults import Fault, Faults, Kind
from tests.world.inflict import Pages, inflict
from tests.world.player import Tape
from tests.world.wire import Answer, Call, Cut, Drip, Request, UnknownCallError
from tests.world.wire_answers import render
from tests.world.wire_calls import recognise
from tests.world.wire_documents import Document
from tests.world.wire_models import operation_model

STALL_SECONDS = 120.0
"""The longest that a `timeout` fault keeps a client waiting."""
HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection", "expect"})
Reply = Answer | Mapping[str, Any] | Callable[[Call], "Answer | Mapping[str, Any] | None"]
"""What stands in for the emulator's answer: bytes, the SDK's view of it, or a function (None: ask the emulator)."""

Change = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Substitute:
    """An answer that is given instead of the emulator's."""

    service: str
    operation: str
    reply: Reply
    match: str | None
    is_lasting: bool = False

    def to(self, call: Call) -> Answer | None:
        """The answer to this call, or None where it is not meant."""
        if (self.service, self.operation) != (call.service, call.operation):
            return None
        if self.match is not None and self.match not in call.text:
            return None
        reply = self.reply(call) if callable(self.reply) else self.reply
        return reply if reply is None or isinstance(reply, Answer) else render(call, reply)


class FaultProxy:
    """The proxy: a context manager that listens on a free loopback port.

    `calls` lists every recognised call that came in, `unknown` the requests that were no AWS call, `struck` each call
    that met a fault, with it, `lacking` the calls that the emulator answered with a 5xx, as it does not know them. With
    a `tape`, each answer is recorded. With `s3_defaults`, a bucket made through the proxy starts as it does on AWS
    since 2023: encrypted with SSE-S3, public access blocked, ACLs off.

    An error of the proxy's own closes the connection, and is raised at the end of the `with` block.
    """

    def __init__(self, upstream: str, *, faults: Iterable[Fault] = (), tape: Tape | None = None, s3_defaults: bool = False) -> None:
        split = urlsplit(upstream)
        self._upstream = (split.hostname or "127.0.0.1", split.port or 80)
        self._connections = threading.local()
        self._substitutes: tuple[Substitute, ...] = ()
        self._amendments: dict[str, Change] = {}
        self._closing = threading.Event()
        self._over = threading.Event()
        self._faults = Faults(faults)
        self._pages = Pages()
        self._s3_defaults = s3_defaults
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.tape = tape
        self.accounts: dict[str, str] = {} if tape is None else tape.accounts
        self.calls: list[Call] = []
        self.struck: list[tuple[Call, Fault]] = []
        self.unknown: list[str] = []
        self.lacking: list[Call] = []
        self.errors: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.errors and error is None:
            raise self.errors[0]

    @cached_property
    def endpoint(self) -> str:
        """The URL that clients are given."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def inject(self, *faults: Fault) -> None:
        """Let calls go wrong from now on; of two faults that fit a call, the later one strikes."""
        for fault in faults:
            self._faults.add(fault)

    def answer(self, service: str, operation: str, reply: Reply, *, match: str | None = None, lasting: bool = False) -> Substitute:
        """Answer these calls instead of the emulator, the latest first; faults still come before.

        A `lasting` answer belongs to the world: `clear` leaves it.
        """
        operation_model(service, operation)
        substitute = Substitute(service, operation, reply, match, lasting)
        self._substitutes = (substitute, *self._substitutes)
        return substitute

    def withdraw(self, substitute: Substitute) -> None:
        """Let the emulator answer again."""
        self._substitutes = tuple(kept for kept in self._substitutes if kept is not substitute)

    def amend(self, service: str, operation: str, change: Change) -> None:
        """Change every answer of the emulator to this call; `clear` leaves that as it is.

        `change` alters the document in place: an `Element` with plain tag names where the service speaks XML, else what
        its JSON or CBOR holds.
        """
        operation_model(service, operation)
        self._amendments[f"{service}:{operation}"] = change

    def paginate(self, service: str, operation: str, size: int) -> None:
        """Cut this listing into pages of `size` items, as AWS does where moto answers with all."""
        self._pages.sizes[f"{service}:{operation}"] = size

    def enable_regions(self, enabled: Iterable[str], off: Iterable[str] = ()) -> Substitute:
        """Let the account have these regions; moto lists all it knows, opted in or not, whatever is asked."""
        on, not_on = tuple(enabled), tuple(off)

        def regions(call: Call) -> Mapping[str, Any]:
            every = call.params.get("AllRegions") == "true"
            listed = [(name, "opt-in-not-required") for name in on] + [(name, "not-opted-in") for name in not_on if every]
            return {
                "Regions": [{"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": status} for name, status in listed]
            }

        return self.answer("ec2", "DescribeRegions", regions)

    def clear(self) -> None:
        """Forget faults, substitutes, page sizes and all that was listed; amendments and lasting answers stay."""
        self._over.set()
        self._over = threading.Event()
        self._faults.clear()
        self._substitutes = tuple(kept for kept in self._substitutes if kept.is_lasting)
        self._pages = Pages()
        for kept in (self.calls, self.struck, self.unknown, self.lacking):
            kept.clear()

    # What follows is the road of one request; the handler below calls `handle`.

    def handle(self, request: Request) -> Answer | Kind:
        """The answer to a request, or the kind of silence that it meets."""
        try:
            call = recognise(request, self.accounts)
        except UnknownCallError:
            self.unknown.append(f"{request.method} {request.url}")
            return self._forward(request)
        self.calls.append(call)
        fault = self._faults.strike(call)
        if fault is None:
            return self._true_answer(call, request)
        self.struck.append((call, fault))
        kind = Kind(fault.kind)
        if kind.is_silence:
            return kind
        return inflict(fault, call, lambda: self._true_answer(call, request), self._pages)

    def _true_answer(self, call: Call, request: Request) -> Answer:
        kept = self._pages.recall(call)
        if kept is not None:
            return kept
        for substitute in self._substitutes:
            answer = substitute.to(call)
            if answer is not None:
                break
        else:
            answer = self._amended(call, self._forward(request))
            if answer.status >= 500:
                self.lacking.append(call)
        self._learn(call, answer)
        if self._s3_defaults and call.service == "s3" and answer.status < 300:
            self._set_s3_defaults(call, request)
        if self.tape is not None:
            self.tape.record(call, answer)
        return self._pages.first(call, answer)

    def _amended(self, call: Call, answer: Answer) -> Answer:
        change = self._amendments.get(call.action)
        if change is None or answer.status >= 300:
            return answer
        document = Document(call, answer)
        change(document.tree)
        return document.answer()

    def _learn(self, call: Call, answer: Answer) -> None:
        """Remember in which account the credentials act that AssumeRole hands out."""
        if call.action != "sts:AssumeRole" or answer.status >= 300:
            return
        key = ET.fromstring(answer.body).find(".//{*}Credentials/{*}AccessKeyId")
        if key is not None and key.text:
            self.accounts[key.text] = call.params["RoleArn"].split(":")[4]

    def _set_s3_defaults(self, call: Call, request: Request) -> None:
        settings = {"CreateBucket": S3_DEFAULTS, "DeleteBucketEncryption": S3_DEFAULTS[:1]}.get(call.operation, ())
        path = f"/{call.params.get('Bucket', '')}"
        headers = {name: value for name, value in request.headers.items() if name in {"authorization", "host", "x-amz-date"}}
        for subresource, body in settings:
            self._forward(Request("PUT", f"{path}?{subresource}", headers, body.encode()))

    def _forward(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name not in HOP_HEADERS}
        headers["content-length"] = str(len(request.body))
        for is_last_try in (False, True):
            connection = self._connection()
            try:
                connection.request(request.method, request.url, request.body, headers)
                response = connection.getresponse()
                body = response.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.hang_up()  # the server had closed a connection that was kept
                if is_last_try:
                    raise
                continue
            kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP_HEADERS}
            return Answer(response.status, kept, body)
        raise AssertionError

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._connections, "open", None)
        if connection is None:
            connection = self._connections.open = http.client.HTTPConnection(*self._upstream, timeout=300)
        return connection

    def hang_up(self) -> None:
        """Close the calling thread's connection to the emulator."""
        connection: http.client.HTTPConnection | None = getattr(self._connections, "open", None)
        if connection is not None:
            connection.close()
            self._connections.open = None

    def drip(self, client: socket.socket) -> None:
        """Send a blank now and then until the client hangs up, or the proxy is cleared or closes."""
        over = self._over
        while not over.wait(0.05):
            client.sendall(b" ")

    def wait_for_the_client_to_leave(self, client: socket.socket) -> None:
        """Say nothing until the client hangs up, the proxy closes, or STALL_SECONDS pass."""
        end = time.monotonic() + STALL_SECONDS
        while time.monotonic() < end and not self._closing.is_set():
            readable, _, _ = select.select([client], [], [], 0.05)
            if readable and not client.recv(1, socket.MSG_PEEK):
                return


PRIVATE = (
    "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
    "<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>"
)
SSE_S3 = "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
S3_DEFAULTS = (
    ("encryption", f"<ServerSideEncryptionConfiguration><Rule>{SSE_S3}</Rule></ServerSideEncryptionConfiguration>"),
    ("publicAccessBlock", f"<PublicAccessBlockConfiguration>{PRIVATE}</PublicAccessBlockConfiguration>"),
    (
        "ownershipControls",
        "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
    ),
)
"""What a new bucket has on AWS and not on moto: subresource and document."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error; any other is kept for the end of the proxy."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.proxy.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def finish(self) -> None:
        """End a client's connection, and with it the one to the emulator."""
        self.server.proxy.hang_up()
        super().finish()

    def handle_expect_100(self) -> bool:
        """Say at once that the body may come: a client that hears nothing waits a second."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._body())
        outcome = self.server.proxy.handle(request)
        if isinstance(outcome, Kind):
            self._fail(outcome)
        else:
            self._send(outcome)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _send(self, answer: Answer) -> None:
        sent = answer.arriving if isinstance(answer, Cut) else answer.body
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(1 << 20 if isinstance(answer, Drip) else len(answer.body)))
        self.end_headers()
        if isinstance(answer, Drip):
            self.wfile.flush()
            self.close_connection = True
            self.server.proxy.drip(self.connection)
            return
        if self.command != "HEAD":
            self.wfile.write(sent)
        self.wfile.flush()
        self.close_connection = self.close_connection or isinstance(answer, Cut)

    def _fail(self, kind: Kind) -> None:
        self.close_connection = True
        if kind is Kind.TIMEOUT:
            self.server.proxy.wait_for_the_client_to_leave(self.connection)
            return
        with suppress(OSError):  # no linger: closing sends a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Nothing: the calls are in `FaultProxy.calls`."""
