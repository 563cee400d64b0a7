"""What other protocols say before TLS: asking a mail, directory, database or chat server to go over to it.

RFC 3207 (SMTP), RFC 9051 (IMAP), RFC 2595 (POP3), RFC 4217 (FTP), RFC 4511 (LDAP), RFC 6120 (XMPP); the PostgreSQL
frontend/backend protocol, SSLRequest; the MySQL client/server protocol, SSLRequest.

Nothing of the hello is sent before the server has agreed: what arrives early is lost to some servers.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable

_MOST_LINES, _MOST_LINE = 64, 4096


class NoStartTls(Exception):
    """The server speaks the protocol, and does not offer TLS or refuses it; the message says what it said."""


class WrongProtocol(Exception):
    """The server does not speak the protocol, or not to us: whether it would offer TLS is not known."""


async def upgrade(protocol: str, host: str, reader: StreamReader, writer: StreamWriter) -> None:
    """Bring a connection to where TLS begins. Raises NoStartTls, WrongProtocol, and whatever the connection does."""
    await PROTOCOLS[protocol](host, reader, writer)


async def _line(reader: StreamReader) -> str:
    try:
        line = await reader.readline()
    except ValueError as error:
        raise WrongProtocol("a line without an end") from error
    if not line.endswith(b"\n"):
        raise IncompleteReadError(line, None)
    return line[:_MOST_LINE].decode("latin-1").rstrip("\r\n")


async def _reply(reader: StreamReader) -> list[str]:
    """A reply of SMTP or FTP: lines `250-...`, the last `250 ...`."""
    lines = []
    for _ in range(_MOST_LINES):
        lines.append(await _line(reader))
        if lines[-1][3:4] != "-":
            return lines
    raise WrongProtocol("a reply without an end")


async def _say(writer: StreamWriter, text: str) -> None:
    writer.write(text.encode("ascii") + b"\r\n")
    await writer.drain()


def _greeted(line: str, start: str) -> None:
    if not line.upper().startswith(start):
        raise WrongProtocol(f"expected {start.strip()}, got {line[:80]!r}")


def _agreed(line: str, start: str) -> None:
    if not line.upper().startswith(start):
        raise NoStartTls(f"TLS is refused: {line[:80]!r}")


async def _smtp(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    _greeted((await _reply(reader))[0], "220")
    await _say(writer, "EHLO upheld.invalid")
    offered = await _reply(reader)
    _greeted(offered[0], "250")
    if not any(line[4:].strip().upper() == "STARTTLS" for line in offered):
        raise NoStartTls("the server does not offer STARTTLS")
    await _say(writer, "STARTTLS")
    _agreed((await _reply(reader))[0], "220")


async def _imap(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    _greeted(await _line(reader), "* OK")
    await _say(writer, "a STARTTLS")
    for _number in range(_MOST_LINES):
        line = await _line(reader)
        if line.startswith("a "):
            _agreed(line, "A OK")
            return
    raise WrongProtocol("a reply without an end")


async def _pop3(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    _greeted(await _line(reader), "+OK")
    await _say(writer, "STLS")
    _agreed(await _line(reader), "+OK")


async def _ftp(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    _greeted((await _reply(reader))[0], "220")
    await _say(writer, "AUTH TLS")
    _agreed((await _reply(reader))[0], "234")


async def _ldap(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    oid = b"1.3.6.1.4.1.1466.20037"
    request = b"\x77" + bytes([len(oid) + 2]) + b"\x80" + bytes([len(oid)]) + oid
    message = b"\x02\x01\x01" + request
    writer.write(b"\x30" + bytes([len(message)]) + message)
    await writer.drain()
    head = await reader.readexactly(2)
    length = head[1] if head[1] < 0x80 else int.from_bytes(await reader.readexactly(head[1] & 0x7F), "big")
    answer = await reader.readexactly(min(length, _MOST_LINE))
    at = answer.find(b"\x0a\x01")  # the result code, an enumerated of one byte
    if head[0] != 0x30 or at < 0:
        raise WrongProtocol(f"an answer that is not of LDAP: {(head + answer)[:40]!r}")
    if answer[at + 2 : at + 3] != b"\x00":
        raise NoStartTls("the directory refuses the StartTLS operation")


async def _postgres(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
    await writer.drain()
    answer = await reader.readexactly(1)
    if answer == b"N":
        raise NoStartTls("the database does not offer TLS")
    if answer != b"S":
        raise WrongProtocol(f"the database answers {answer!r} to the request for TLS")


async def _mysql(_: str, reader: StreamReader, writer: StreamWriter) -> None:
    head = await reader.readexactly(4)
    greeting = await reader.readexactly(min(int.from_bytes(head[:3], "little"), _MOST_LINE))
    if greeting[:1] != b"\x0a":
        raise WrongProtocol(f"a greeting that is not of MySQL: {greeting[:40]!r}")
    version_end = greeting.find(b"\x00", 1)
    if version_end < 0 or len(greeting) < version_end + 16:
        raise WrongProtocol(f"a greeting that breaks off: {greeting[:40]!r}")
    capabilities = int.from_bytes(greeting[version_end + 14 : version_end + 16], "little")
    if not capabilities & 0x0800:
        raise NoStartTls("the database does not offer TLS")
    flags = 0x0001 | 0x0200 | 0x0800 | 0x8000  # long password, protocol 4.1, TLS, secure connection
    writer.write(b"\x20\x00\x00\x01" + flags.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little") + b"\x21" + bytes(23))
    await writer.drain()


async def _xmpp(host: str, reader: StreamReader, writer: StreamWriter) -> None:
    await _say(
        writer,
        f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{host}' version='1.0'>",
    )
    heard = await _until(reader, (b"</stream:features>", b"<stream:features/>"))
    if b"urn:ietf:params:xml:ns:xmpp-tls" not in heard:
        raise NoStartTls("the server does not offer STARTTLS")
    await _say(writer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    if b"<proceed" not in await _until(reader, (b"/>", b"</failure>")):
        raise NoStartTls("the server refuses STARTTLS")


async def _until(reader: StreamReader, ends: tuple[bytes, ...]) -> bytes:
    heard = b""
    while not any(end in heard for end in ends):
        more = await reader.read(4096)
        if not more:
            raise IncompleteReadError(heard, None)
        if len(heard) > 1 << 16:
            raise WrongProtocol("a reply without an end")
        heard += more
    return heard


PROTOCOLS: dict[str, Callable[[str, StreamReader, StreamWriter], Awaitable[None]]] = {
    "ftp": _ftp, "imap": _imap, "ldap": _ldap, "mysql": _mysql, "pop3": _pop3, "postgres": _postgres, "smtp": _smtp, "xmpp": _xmpp,
}  # fmt: skip
