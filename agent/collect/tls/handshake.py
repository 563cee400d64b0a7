"""One real handshake, as a client does it: the chain as sent, the staple, what was agreed, and over it one HTTP request."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from functools import cache

from OpenSSL import SSL, crypto

from agent.collect.tls.starttls import NoStartTls, WrongProtocol, upgrade
from agent.collect.tls.wire import SHOT_SECONDS, Door, connect
from checks.tls.flight import Kind

_MOST_HEADERS = 1 << 16
_AGENT = "upheld"


@dataclass(slots=True)
class Shaken:
    """What a handshake brought. `chain` is DER, leaf first, as sent; `headers` are those of the answer to GET /, in order."""

    kind: Kind
    detail: str = ""
    local: str | None = None
    """The address that it was made from."""
    version: str = ""
    suite: str = ""
    bits: int | None = None
    """Effective key length of the suite's cipher."""
    group: str | None = None
    alpn: str | None = None
    chain: list[bytes] = field(default_factory=list)
    staple: bytes | None = None
    client_certificate: bool | None = None
    """True where one is asked for by the names of its issuers, or missed; None where that cannot be told."""
    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    http: bool | None = None
    """Whether HTTP was spoken over it; None where it was not tried, or nothing came back."""


@cache
def _context() -> SSL.Context:
    """A client that is as modern as any, and takes what it gets: trust is judged afterwards, by our own means."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    context.set_alpn_protos([b"http/1.1"])
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_options(0x4)  # SSL_OP_LEGACY_SERVER_CONNECT: servers without secure renegotiation are to be seen, too
    context.set_ocsp_client_callback(_stapled)
    return context


def _stapled(connection: SSL.Connection, response: bytes, _: object) -> bool:
    connection.get_app_data().append(response)
    return True


async def shake(door: Door, server_name: str | None, *, http: bool, seconds: float = SHOT_SECONDS) -> Shaken:
    """Shake hands, and with `http` ask for /. Never raises for what a server or the network does."""
    writer: asyncio.StreamWriter | None = None
    session: _Session | None = None
    found = Shaken(Kind.UNREACHABLE)
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await connect(door)
            found.kind, found.local = Kind.SILENT, writer.get_extra_info("sockname")[0]
            if door.starttls is not None:
                await upgrade(door.starttls, door.host, reader, writer)
            session = _Session(reader, writer, server_name)
            await session.handshake(found)
            if http:
                await _request(session, door, found)
    except TimeoutError:
        found.detail = f"no end within {seconds:g} s"
        if found.kind is Kind.SILENT and session is not None and session.heard:
            found.kind, found.detail = Kind.DRIPPING, f"{session.heard} bytes within {seconds:g} s"
    except NoStartTls as error:
        found.kind, found.detail = Kind.NO_STARTTLS, str(error)
    except WrongProtocol as error:
        found.kind, found.detail = Kind.NOT_TLS, str(error)
    except ConnectionRefusedError as error:
        found.kind, found.detail = Kind.REFUSED, error.strerror or str(error)
    except (ConnectionResetError, BrokenPipeError) as error:
        if found.kind is not Kind.ACCEPTED:
            found.kind, found.detail = Kind.RESET, str(error)
    except asyncio.IncompleteReadError as error:
        found.kind, found.detail = Kind.CLOSED, f"closed after {len(error.partial)} bytes, before TLS"
    except _Closed as error:
        if found.kind is not Kind.ACCEPTED:
            found.kind, found.detail = Kind.CLOSED, str(error)
    except SSL.Error as error:
        if found.kind is not Kind.ACCEPTED:
            found.kind, found.detail = Kind.ALERT, _words(error)
        elif "certificate required" in _words(error):  # of TLS 1.3, where it comes after the client is done (RFC 8446, 4.4.2.4)
            found.client_certificate = True
    except OSError as error:
        if found.kind is not Kind.ACCEPTED:
            found.detail = error.strerror or str(error)
    finally:
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.transport.abort()
    return found


def _words(error: SSL.Error) -> str:
    parts = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(part[-1]) for part in parts if part) or "the handshake failed"


class _Closed(Exception):
    """The server hung up."""


class _Session:
    """pyOpenSSL over a stream: its memory BIO is fed and drained by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server_name: str | None) -> None:
        self._reader, self._writer = reader, writer
        self.heard = 0
        self._staples: list[bytes] = []
        self.connection = SSL.Connection(_context(), None)
        self.connection.set_app_data(self._staples)
        self.connection.set_connect_state()
        if server_name is not None:
            self.connection.set_tlsext_host_name(server_name.encode("ascii"))
        self.connection.request_ocsp()

    async def handshake(self, found: Shaken) -> None:
        while True:
            try:
                self.connection.do_handshake()
                break
            except SSL.WantReadError:
                await self._exchange()
        await self._flush()
        connection = self.connection
        found.kind = Kind.ACCEPTED
        found.version, found.suite = connection.get_protocol_version_name(), connection.get_cipher_name() or ""
        found.bits = connection.get_cipher_bits()
        with contextlib.suppress(AttributeError):
            found.group = connection.get_group_name()
        found.alpn = connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None
        found.chain = [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in connection.get_peer_cert_chain() or []]
        found.staple = next(filter(None, self._staples), None)
        found.client_certificate = bool(connection.get_client_ca_list()) or None

    async def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            while True:
                self._writer.write(self.connection.bio_read(1 << 16))
        await self._writer.drain()

    async def _exchange(self) -> None:
        await self._flush()
        data = await self._reader.read(1 << 14)
        if not data:
            raise _Closed("closed within the handshake")
        self.heard += len(data)
        self.connection.bio_write(data)

    async def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        await self._flush()

    async def receive(self) -> bytes:
        """Some of what comes; empty at the end."""
        while True:
            try:
                return self.connection.recv(1 << 14)
            except SSL.WantReadError:
                try:
                    await self._exchange()
                except _Closed:
                    return b""
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return b""


async def _request(session: _Session, door: Door, found: Shaken) -> None:
    """GET /, and read the head of the answer. Nothing is followed."""
    await session.send(request(door.host, door.port))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MOST_HEADERS:
        more = await session.receive()
        if not more:
            break
        head += more
    found.status, found.headers = read_head(head)
    found.http = found.status is not None if head else None


def request(host: str, port: int) -> bytes:
    named = f"[{host}]" if ":" in host else host
    where = named if port in {80, 443} else f"{named}:{port}"
    return f"GET / HTTP/1.1\r\nHost: {where}\r\nUser-Agent: {_AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode("ascii")


def read_head(data: bytes) -> tuple[int | None, list[tuple[str, str]]]:
    """Status and headers of an HTTP/1 answer; (None, []) for what is none."""
    head, _, _ = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    first = lines[0].split(" ", 2)
    if not first[0].upper().startswith("HTTP/") or len(first) < 2 or not re.fullmatch("[0-9]{3}", first[1]):
        return None, []
    headers = [line.partition(":") for line in lines[1:] if ":" in line]
    return int(first[1]), [(name.strip().lower(), value.strip()) for name, _, value in headers]
