"""Which endpoints to inspect, as they are written in the configuration, a file or on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address, ip_address

import idna

from agent.collect.tls.inspecting import Target
from agent.collect.tls.starttls import PROTOCOLS
from checks.tls.names import is_address

USUAL = {"smtp": 25, "imap": 143, "pop3": 110, "ftp": 21, "ldap": 389, "postgres": 5432, "mysql": 3306, "xmpp": 5222}
"""The port of each protocol that goes over to TLS (IANA service names)."""


class BadTarget(ValueError):
    """A host or port that cannot be one; the message says which, and why."""


def read(text: str, *, starttls: str | None = None, server_name: str | None = None) -> Target:
    """`HOST`, `HOST:PORT`, `ADDRESS`, `[ADDRESS]:PORT`; an https:// address; or `smtp://HOST`, with the protocol before TLS.

    Raises BadTarget.
    """
    rest = text.strip()
    scheme, found, after = rest.partition("://")
    if found:
        rest = after.partition("/")[0]
        if scheme.lower() not in {"https", *PROTOCOLS}:
            raise BadTarget(f"{text}: {scheme!r} is none of https, {', '.join(sorted(PROTOCOLS))}")
        starttls = None if scheme.lower() == "https" else scheme.lower()
    if starttls is not None and starttls not in PROTOCOLS:
        raise BadTarget(f"{text}: STARTTLS is known for {', '.join(sorted(PROTOCOLS))}, and not for {starttls!r}")
    host, port = _split(rest, text, USUAL.get(starttls or "", 443))
    return Target(name(host, text), port, starttls, name(server_name, text) if server_name else None)


def _split(rest: str, text: str, usual: int) -> tuple[str, int]:
    if rest.startswith("["):
        host, bracket, after = rest[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise BadTarget(f"{text}: an IPv6 address with a port is written [2001:db8::1]:443")
        return host, _port(after[1:], text) if after else usual
    if rest.count(":") > 1:
        return rest, usual
    host, colon, after = rest.partition(":")
    return host, _port(after, text) if colon else usual


def _port(text: str, whole: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise BadTarget(f"{whole}: {text!r} is no port: it is a number from 1 to 65535")
    return int(text)


def name(host: str, text: str) -> str:
    """A host name as it goes on the wire (IDNA 2008), or an address in its usual form. Raises BadTarget."""
    if is_address(host):
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.scope_id:
            raise BadTarget(f"{text}: an address with a zone is of one machine only")
        return str(address)
    plain = host.rstrip(".")
    if not plain or len(plain) > 253:
        raise BadTarget(f"{text}: there is no host in it")
    try:
        encoded = plain if plain.isascii() else idna.encode(plain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise BadTarget(f"{text}: {host!r} is no host name: {error}") from error
    labels = encoded.lower().split(".")
    if not all(label and len(label) < 64 and all(one.isalnum() or one in "-_" for one in label) and label[0] != "-" for label in labels):
        raise BadTarget(f"{text}: {host!r} is no host name")
    if labels[-1].isdecimal():
        raise BadTarget(f"{text}: {host!r} is neither a name nor an address")
    return ".".join(labels)


def pinned(targets: Iterable[Target], pins: Iterable[str]) -> list[Target]:
    """Targets with the addresses that `HOST:PORT:ADDRESS` gives them, as curl's --resolve does. Raises BadTarget."""
    at: dict[tuple[str, int], list[str]] = {}
    for pin in pins:
        host, _, rest = pin.partition(":")
        port, _, addresses = rest.partition(":")
        for address in addresses.split(","):
            if not is_address(address.strip("[]")):
                raise BadTarget(f"--resolve {pin}: {address!r} is no address; it is given as HOST:PORT:ADDRESS")
            at.setdefault((name(host, pin), _port(port, pin)), []).append(address.strip("[]"))
    held = list(targets)
    known = {(one.host, one.port) for one in held}
    if unknown := sorted(set(at) - known):
        raise BadTarget(f"--resolve {unknown[0][0]}:{unknown[0][1]}: that endpoint is not asked for")
    return [replace(one, at=tuple(at.get((one.host, one.port), ()))) for one in held]
