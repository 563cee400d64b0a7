"""Events as syslog messages (RFC 5424), one each, over UDP (RFC 5426), TCP (RFC 6587, 3.4.1, octet counting) or a local socket.

No transport of syslog says that a message arrived. What can be noticed is: nobody listens, the connection breaks.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from agent.config.notify import Occasion
from agent.publish.notify import DeliveryError
from agent.publish.notify.events import Event
from agent.publish.notify.posting import limited, reason

SECONDS: Final = 20
"""How long one attempt may take."""
_GOODBYE: Final = 5
"""How long to wait for the other side to close, in seconds."""
_LARGEST: Final = 2048
"""What a receiver should take (RFC 5424, 6.1; RFC 5426, 3.2), in bytes."""
_SEVERITIES: Final = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 5}
"""Critical, error, warning, notice (RFC 5424, table 2)."""
_WARNING, _NOTICE = 4, 5
_BOM: Final = b"\xef\xbb\xbf"


def line(event: Event, facility: int, host: str, enterprise: int | None = None) -> bytes:
    """One message, without what frames it. `enterprise`: the number under which facts stand as structured data; without one of one's own,
    which IANA gives out, there is no name for them (RFC 5424, 6.3.2), and they stand in the text."""
    match event.occasion:
        case Occasion.BROKEN:
            severity = _SEVERITIES[event.severity]
        case Occasion.REPAIRED | Occasion.ENDED:
            severity = _NOTICE
        case _:
            severity = _WARNING
    origin = f'[origin software="upheld" swVersion="{version("upheld")}"]'
    facts = {
        "event": event.id,
        "finding": event.finding,
        "rule": event.rule,
        "promises": ",".join(promise.id for promise in event.promises),
        "resource": event.resource,
        "account": event.account,
        "region": event.region,
        "severity": event.severity,
    }
    structured = origin + ("" if enterprise is None else _element(f"upheld@{enterprise}", facts))
    head = f"<{facility * 8 + severity}>1 {event.at} {_name(host)} upheld - {event.occasion} {structured} ".encode()
    # What tells events apart stands before what may be cut off.
    said = " ".join(f"{name}={_quoted(value)}" for name, value in {**facts, "what": event.what}.items())
    quotes = " ".join(f"promised={_quoted(promise.quote)}" for promise in event.promises if promise.quote)
    whole = head + _BOM + f"{said} {quotes} do={_quoted(event.remedy)}".encode()
    return whole if len(whole) <= _LARGEST else whole[:_LARGEST].decode("utf-8", "ignore").encode()


def _element(name: str, facts: Mapping[str, str]) -> str:
    """An element of structured data (RFC 5424, 6.3), with as many facts as leave room for the text: cut off, it would be none."""
    params: list[str] = []
    for key, value in facts.items():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
        params.append(f'{key}="{escaped}"')
    while len("".join(params).encode()) > _LARGEST // 2:
        params.remove(max(params, key=len))
    return f"[{name} {' '.join(params)}]"


def send(lines: Sequence[bytes], url: str, *, seconds: float = SECONDS) -> str:
    """Send messages. Raises DeliveryError where that is known to have failed."""
    split = urlsplit(url)
    where = split.path if split.scheme == "unix" else f"{split.hostname}:{split.port}"
    try:
        with _connected(split, seconds) as one, limited(seconds, lambda: one):
            (_datagrams if one.type == socket.SOCK_DGRAM else _stream)(one, lines)
            return f"{len(lines)} sent"
    except OSError as error:
        raise DeliveryError(f"{where}: {reason(error)}") from error


def _connected(place: SplitResult, seconds: float) -> socket.socket:
    if place.scheme == "unix":
        return _local(place.path, seconds)
    if place.scheme == "tcp":
        return socket.create_connection((place.hostname, place.port), seconds)
    family, kind, protocol, _, address = socket.getaddrinfo(place.hostname, place.port, type=socket.SOCK_DGRAM)[0]
    return _open(socket.socket(family, kind, protocol), address, seconds)


def _open(one: socket.socket, address: Any, seconds: float) -> socket.socket:
    one.settimeout(seconds)
    try:
        one.connect(address)
    except OSError:
        one.close()
        raise
    return one


def _local(path: str, seconds: float) -> socket.socket:
    """A socket of this machine, which takes datagrams or a stream, as whoever listens has it."""
    try:
        return _open(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path, seconds)
    except OSError as error:
        if error.errno != errno.EPROTOTYPE:
            raise
        return _open(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path, seconds)


def _datagrams(one: socket.socket, lines: Iterable[bytes]) -> None:
    for held in lines:
        one.send(held)
        if number := one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # where nobody listens, this machine says so at once
            raise OSError(number, os.strerror(number))


def _stream(one: socket.socket, lines: Iterable[bytes]) -> None:
    """The other side closes when it has read all; a reset says that it has not."""
    for held in lines:
        one.sendall(b"%d %b" % (len(held), held))
    one.shutdown(socket.SHUT_WR)
    one.settimeout(_GOODBYE)
    try:
        while one.recv(1024):
            pass
    except TimeoutError:
        return  # one that keeps its end open has said nothing against it


def _name(host: str) -> str:
    """HOSTNAME: printable ASCII, or nothing (RFC 5424, 6.2.4)."""
    return host if re.fullmatch(r"[\x21-\x7e]{1,255}", host) else "-"


def _quoted(text: str) -> str:
    """A value that nothing in it can end."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
