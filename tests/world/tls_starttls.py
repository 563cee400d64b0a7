"""Doubles of servers that go over to TLS: what each protocol says before it, and then TLS in earnest.

A double that refuses says what a real server of its protocol says.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.world.tls_responders import Handler

Preface = Callable[[socket.socket, Any, bool], bool]
"""Speaks with a client up to where TLS begins, and says whether it does; the flag: whether TLS is offered."""


def double(protocol: str, context: ssl.SSLContext, *, offers: bool = True) -> Handler:
    """A server of a protocol that goes over to TLS, or refuses."""

    def handler(connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as lines:  # unbuffered: what follows is TLS's
            agreed = PREFACES[protocol](connection, lines, offers)
        if agreed:
            with suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)

    return handler


def _say(connection: socket.socket, text: str) -> None:
    connection.sendall(text.replace("\n", "\r\n").encode() + b"\r\n")


def _smtp(connection: socket.socket, lines: Any, offers: bool) -> bool:
    _say(connection, "220-bed.test\n220 ESMTP")
    lines.readline()
    _say(connection, "250-bed.test\n250-PIPELINING\n250-STARTTLS\n250 8BITMIME" if offers else "250-bed.test\n250 PIPELINING")
    line = lines.readline()
    if offers and line:
        _say(connection, "220 Ready to start TLS")
    return offers


def _imap(connection: socket.socket, lines: Any, offers: bool) -> bool:
    _say(connection, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready" if offers else "* OK [CAPABILITY IMAP4rev1] ready")
    tag = lines.readline().split(b" ")[0].decode()
    _say(connection, f"* CAPABILITY IMAP4rev1\n{tag} OK Begin TLS negotiation now" if offers else f"{tag} BAD Unknown command")
    return offers


def _pop3(connection: socket.socket, lines: Any, offers: bool) -> bool:
    _say(connection, "+OK ready")
    lines.readline()
    _say(connection, "+OK Begin TLS negotiation" if offers else "-ERR unknown command")
    return offers


def _ftp(connection: socket.socket, lines: Any, offers: bool) -> bool:
    _say(connection, "220-bed\n220 FTP")
    lines.readline()
    _say(connection, "234 AUTH TLS successful" if offers else "500 AUTH not understood")
    return offers


def _ldap(connection: socket.socket, lines: Any, offers: bool) -> bool:
    connection.recv(4096)
    result = b"\x00" if offers else b"\x02"
    connection.sendall(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01" + result + b"\x04\x00\x04\x00")
    return offers


def _postgres(connection: socket.socket, lines: Any, offers: bool) -> bool:
    connection.recv(8)
    connection.sendall(b"S" if offers else b"N")
    return offers


def _mysql(connection: socket.socket, lines: Any, offers: bool) -> bool:
    capabilities = 0xF7FF | (0x0800 if offers else 0)
    greeting = b"\x0a8.0.36\x00" + bytes([9, 0, 0, 0]) + b"12345678\x00" + capabilities.to_bytes(2, "little")
    greeting += b"\x21\x02\x00\xff\xc1\x15" + bytes(10) + b"123456789012\x00" + b"mysql_native_password\x00"
    connection.sendall(len(greeting).to_bytes(3, "little") + b"\x00" + greeting)
    return offers and len(connection.recv(36)) == 36


def _xmpp(connection: socket.socket, lines: Any, offers: bool) -> bool:
    connection.recv(4096)
    feature = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" if offers else "<mechanisms/>"
    stream = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>"
    connection.sendall(f"<?xml version='1.0'?>{stream}<stream:features>{feature}</stream:features>".encode())
    if offers:
        connection.recv(4096)
        connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    return offers


PREFACES: dict[str, Preface] = {
    "smtp": _smtp, "imap": _imap, "pop3": _pop3, "ftp": _ftp, "ldap": _ldap, "postgres": _postgres, "mysql": _mysql, "xmpp": _xmpp,
}  # fmt: skip


def busy(protocol: str) -> Handler:
    """A server that has no time for us: it says so, and hangs up. Whether it would offer TLS is not known."""
    said = {
        "smtp": b"421 4.3.2 Too many connections\r\n",
        "postgres": b"E\x00\x00\x00\x09SFATAL\x00\x00",
        "mysql": b"\x17\x00\x00\x00\xff\x10\x04Too many connections",
    }

    def handler(connection: socket.socket) -> None:
        if protocol == "postgres":
            connection.recv(8)
        connection.sendall(said[protocol])
        with suppress(OSError):
            connection.recv(4096)

    return handler
