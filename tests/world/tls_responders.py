"""Servers that no library would be: TLS of old, odd or broken kinds, written byte by byte, and what is no TLS at all.

Each is a function of one accepted connection. They run in threads; a connection that breaks off ends its thread in peace.
"""

from __future__ import annotations

import itertools
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

Handler = Callable[[socket.socket], None]
SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303
AES_GCM = 0xC02F
HANDSHAKE_FAILURE, PROTOCOL_VERSION, UNRECOGNIZED_NAME, DECODE_ERROR = 40, 70, 112, 50


class Responder(socketserver.ThreadingTCPServer):
    """A server on a free loopback port that gives each connection to a handler, and counts them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: Handler, address: str = "127.0.0.1") -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.connections = 0
        self._handler = handler
        super().__init__((address, 0), socketserver.BaseRequestHandler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        with suppress(OSError, ValueError):
            request.settimeout(20)
            self._handler(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What a client's going away leaves behind is nobody's concern."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


# -- what is no TLS --------------------------------------------------------------------------------------------------


def plaintext_http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain")


def ssh_banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.recv(4096)


def garbage(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(bytes(range(64, 128)))


def silent(connection: socket.socket) -> None:
    """Take everything and say nothing, until the other hangs up."""
    while connection.recv(4096):
        pass


def dripping(connection: socket.socket) -> None:
    """A record of a handshake, one byte every half second."""
    connection.recv(4096)
    for byte in b"\x16\x03\x03\x40\x00" + bytes(200):
        connection.sendall(bytes([byte]))
        time.sleep(0.5)


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    hang_up_hard(connection)


def close(connection: socket.socket) -> None:
    _hello(connection)


def alert(code: int) -> Handler:
    def handler(connection: socket.socket) -> None:
        _hello(connection)
        connection.sendall(_alert(code))

    return handler


def hang_up_hard(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def flaky(port: int, every: int = 3) -> Handler:
    """A relay to a real server that resets each `every`th connection."""
    count = itertools.count(1)

    def handler(connection: socket.socket) -> None:
        if next(count) % every == 0:
            connection.recv(1)
            hang_up_hard(connection)
            return
        with socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_copy, args=(behind, connection), daemon=True)
            back.start()
            _copy(connection, behind)
            back.join()

    return handler


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


# -- TLS of old ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offered:
    """What a ClientHello offers."""

    version: int
    suites: list[int]
    versions: list[int] = field(default_factory=list)
    server_name: str | None = None


@dataclass(frozen=True)
class Actor:
    """Plays a TLS server up to ServerHelloDone: by version, the suites it takes, in its order.

    `most_suites`: a longer hello is hung up on. `refuses`: how it says no: an alert, or None for hanging up.
    `warns`: sends a warning before its hello. `invents`: a suite it chooses whatever was offered.
    """

    speaks: Mapping[int, Sequence[int]]
    chain: Sequence[bytes] = ()
    dh_bits: int = 0
    most_suites: int = 0
    refuses: int | None = HANDSHAKE_FAILURE
    warns: bool = False
    invents: int | None = None

    def __call__(self, connection: socket.socket) -> None:
        body = _hello(connection)
        if body is None:
            return
        offered = parse(body)
        version = max((one for one in self.speaks if one <= offered.version), default=None)
        suite = next((one for one in self.speaks.get(version or 0, ()) if one in offered.suites), None)
        if self.most_suites and len(offered.suites) > self.most_suites:
            return
        if version is not None and self.invents is not None:
            suite = self.invents
        if version is None or suite is None:
            if self.refuses is not None:
                connection.sendall(_alert(PROTOCOL_VERSION if version is None else self.refuses))
            return
        if self.warns:
            connection.sendall(_alert(UNRECOGNIZED_NAME, level=1))
        connection.sendall(self.flight(version, suite))
        connection.recv(4096)

    def flight(self, version: int, suite: int) -> bytes:
        hello = version.to_bytes(2, "big") + bytes(32) + b"\x00" + suite.to_bytes(2, "big") + b"\x00"
        messages = _message(2, hello) + _message(11, _vector(b"".join(_vector(one, 3) for one in self.chain), 3))
        if self.dh_bits:
            prime = (1 << self.dh_bits) - 1
            parts = prime.to_bytes(self.dh_bits // 8, "big"), b"\x02", prime.to_bytes(self.dh_bits // 8, "big")
            messages += _message(12, b"".join(_vector(one, 2) for one in parts) + _vector(bytes(256), 2))
        messages += _message(14, b"")
        return b"\x16" + version.to_bytes(2, "big") + _vector(messages, 2)


def ssl2_too(actor: Actor, ciphers: Sequence[int], *, in_pieces: bool = False) -> Handler:
    """An actor that answers the hello of SSL 2, too; `in_pieces`: the header of its answer first, the rest later."""

    def handler(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) != b"\x80":
            actor(connection)
            return
        connection.recv(4096)
        kinds = b"".join(one.to_bytes(3, "big") for one in ciphers)
        certificate = actor.chain[0]
        body = b"\x04\x00\x01\x00\x02" + b"".join(len(one).to_bytes(2, "big") for one in (certificate, kinds, bytes(16)))
        answer = (0x8000 | (len(body) + len(certificate) + len(kinds) + 16)).to_bytes(2, "big") + body + certificate + kinds + bytes(16)
        if in_pieces:
            connection.sendall(answer[:13])
            time.sleep(0.2)
            answer = answer[13:]
        connection.sendall(answer)
        connection.recv(4096)

    return handler


def parse(body: bytes) -> Offered:
    """A ClientHello's body."""
    version = int.from_bytes(body[:2], "big")
    at = 34 + 1 + body[34]
    size = int.from_bytes(body[at : at + 2], "big")
    suites = [int.from_bytes(body[i : i + 2], "big") for i in range(at + 2, at + 2 + size, 2)]
    at += 2 + size
    at += 1 + body[at] + 2
    versions, name = [], None
    while at + 4 <= len(body):
        code, length = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        held = body[at + 4 : at + 4 + length]
        at += 4 + length
        if code == 43:
            versions = [int.from_bytes(held[i : i + 2], "big") for i in range(1, len(held), 2)]
        elif code == 0:
            name = held[5:].decode("ascii")
    return Offered(version, suites, versions, name)


def _hello(connection: socket.socket) -> bytes | None:
    """The body of a ClientHello; None where it is no TLS record that came."""
    head = _exactly(connection, 5)
    if len(head) < 5 or head[0] != 22:
        return None
    record = _exactly(connection, int.from_bytes(head[3:5], "big"))
    return record[4:]


def _exactly(connection: socket.socket, count: int) -> bytes:
    held = b""
    while len(held) < count and (more := connection.recv(count - len(held))):
        held += more
    return held


def _alert(code: int, level: int = 2) -> bytes:
    return bytes([21, 3, 1, 0, 2, level, code])


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _vector(body, 3)


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data
