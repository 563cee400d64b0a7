"""What a server sends back to a hello: parsed as far as it goes, whatever it is.

Nothing here raises on what a server sends: bytes that are no TLS are an outcome like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from checks.tls.hello import GROUPS, RECORD_HANDSHAKE, Version

_ALERT, _MAXIMUM_RECORD = 21, (1 << 14) + 2048
_WARNING, _CLOSE_NOTIFY = 1, 0
_HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446, 4.1.3)."""
_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _CERTIFICATE_REQUEST, _DONE, _STATUS = 2, 11, 12, 13, 14, 22

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure", 42: "bad_certificate",
    43: "unsupported_certificate", 46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
    50: "decode_error", 51: "decrypt_error", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""IANA, TLS Alerts."""


class Kind(StrEnum):
    """What came back. Only `accepted` and `alert` are answers about what was asked."""

    ACCEPTED = "accepted"
    ALERT = "alert"
    PLAINTEXT = "plaintext"
    NOT_TLS = "not-tls"
    CLOSED = "closed"
    RESET = "reset"
    SILENT = "silent"
    DRIPPING = "dripping"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_STARTTLS = "no-starttls"


@dataclass(slots=True)
class Flight:
    """A server's first flight. Certificates are DER, leaf first, as sent; they are there below TLS 1.3 only."""

    version: Version | None = None
    suite: int | None = None
    retry: bool = False
    group: int | None = None
    certificates: list[bytes] = field(default_factory=list)
    staple: bytes | None = None
    dh_bits: int | None = None
    client_certificate: bool = False
    extended_master_secret: bool = False
    secure_renegotiation: bool = False
    done: bool = False
    alert: int | None = None

    @property
    def group_name(self) -> str | None:
        return None if self.group is None else GROUPS.get(self.group, f"0x{self.group:04x}")


class Malformed(Exception):
    """Bytes that break off, or whose lengths contradict each other."""


def classify(data: bytes) -> Kind | None:
    """What the first bytes are; None while that cannot be told yet."""
    if not data:
        return None
    if data[0] in {RECORD_HANDSHAKE, _ALERT}:
        return None if len(data) < 3 else Kind.ACCEPTED if data[1] == 3 else Kind.NOT_TLS
    text = data[:12].lower()
    if text.startswith((b"http/", b"<!doctype", b"<html", b"220", b"* ok", b"+ok", b"ssh-")):
        return Kind.PLAINTEXT
    return (
        None if len(data) < 5 and any(start.startswith(text) for start in (b"http/", b"<html", b"* ok", b"+ok", b"ssh-")) else Kind.NOT_TLS
    )


def parse(data: bytes) -> tuple[Flight, bool]:
    """The flight so far, and whether it is whole: the hello of TLS 1.3, the end of the flight below it, or an alert.

    Raises Malformed.
    """
    flight = Flight()
    handshake = b""
    at = 0
    while at + 5 <= len(data):
        kind, length = data[at], int.from_bytes(data[at + 3 : at + 5], "big")
        if length > _MAXIMUM_RECORD or data[at + 1] != 3:
            raise Malformed("a record of no TLS version, or longer than TLS allows")
        if at + 5 + length > len(data):
            break
        content = data[at + 5 : at + 5 + length]
        at += 5 + length
        if kind == _ALERT and len(content) >= 2:
            if content[0] == _WARNING and content[1] != _CLOSE_NOTIFY:  # such as unrecognized_name, with which the server goes on
                continue
            flight.alert = content[1]
            return flight, True
        if kind == RECORD_HANDSHAKE:
            handshake += content
        elif kind not in {20, 23}:
            raise Malformed(f"a record of type {kind}")
        handshake = _messages(flight, handshake)
        if flight.done:
            return flight, True
    return flight, False


def _messages(flight: Flight, data: bytes) -> bytes:
    """Read whole messages; what is left of the last is given back."""
    while len(data) >= 4:
        length = int.from_bytes(data[1:4], "big")
        if length > 1 << 20:
            raise Malformed("a handshake message of more than a megabyte")
        if len(data) < 4 + length or flight.done:
            break
        kind, body, data = data[0], data[4 : 4 + length], data[4 + length :]
        match kind:
            case 2:
                _server_hello(flight, _Reader(body))
            case 11:
                flight.certificates = _certificates(_Reader(body))
            case 12:
                _key_exchange(flight, _Reader(body))
            case 13:
                flight.client_certificate = True
            case 14:
                flight.done = True
            case 22:
                reader = _Reader(body)
                flight.staple = reader.vector(3) if reader.take(1) == b"\x01" else None
    return data


def _server_hello(flight: Flight, reader: _Reader) -> None:
    version = reader.number(2)
    random = reader.take(32)
    reader.vector(1)
    flight.suite = reader.number(2)
    reader.take(1)
    if reader.left:
        extensions = _Reader(reader.vector(2))
        while extensions.left:
            code, inner = extensions.number(2), _Reader(extensions.vector(2))
            if code == 43:
                version = inner.number(2)
            elif code == 51:
                flight.group = inner.number(2)
            elif code == 23:
                flight.extended_master_secret = True
            elif code == 0xFF01:
                flight.secure_renegotiation = True
    if version not in Version._value2member_map_:
        raise Malformed(f"a hello of the unknown version 0x{version:04x}")
    flight.version, flight.retry = Version(version), random == _HELLO_RETRY
    flight.done = flight.version is Version.TLS13


def _certificates(reader: _Reader) -> list[bytes]:
    held, found = _Reader(reader.vector(3)), []
    while held.left:
        found.append(held.vector(3))
    return found


def _key_exchange(flight: Flight, reader: _Reader) -> None:
    from checks.tls.suites import SUITES

    suite = SUITES.get(flight.suite or 0)
    if suite is None:
        return
    if suite.exchange in {"dhe-psk", "ecdhe-psk"}:
        reader.vector(2)
    if suite.exchange in {"dhe", "dhe-psk"} or (suite.exchange == "rsa" and suite.export):
        flight.dh_bits = int.from_bytes(reader.vector(2), "big").bit_length() if suite.exchange != "rsa" else None
    elif suite.exchange in {"ecdhe", "ecdhe-psk"} and reader.number(1) == 3:
        flight.group = reader.number(2)


def ssl2_ciphers(data: bytes) -> list[int] | None:
    """The cipher kinds of an SSL 2 ServerHello, perhaps none; None for anything else, and for one that is not whole yet."""
    if len(data) < 13 or not data[0] & 0x80 or data[2] != 4 or len(data) < 2 + int.from_bytes(data[:2], "big") % 0x8000:
        return None
    certificate, ciphers = int.from_bytes(data[7:9], "big"), int.from_bytes(data[9:11], "big")
    held = data[13 + certificate : 13 + certificate + ciphers]
    return [int.from_bytes(held[at : at + 3], "big") for at in range(0, len(held) - 2, 3)]


def is_ssl2_error(data: bytes) -> bool:
    """Whether it is SSL 2's way to say no: an error message, of three bytes."""
    return len(data) >= 5 and data[0] & 0x80 != 0 and data[2] == 0


class _Reader:
    """Reads numbers and vectors off the front of bytes. Raises Malformed where they break off."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise Malformed("a message that breaks off")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))
