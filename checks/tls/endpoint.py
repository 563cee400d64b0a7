"""What was seen of one endpoint, as the data of a `tls.endpoint`: what was asked and refused is a fact, what was not asked is absent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from checks.model import GLOBAL, Look, digest
from checks.tls.names import is_address

TYPE = "tls.endpoint"
ACCOUNT = "tls"
"""Endpoints are in nobody's account: they are seen from outside."""
DAYS_180, YEAR = 15_552_000, 31_536_000


def headers_of(headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What an answer's headers say about transport: HSTS, cookies, what the server tells of itself."""
    found: dict[str, Any] = {"hsts": hsts([value for name, value in headers if name == "strict-transport-security"])}
    cookies = [value for name, value in headers if name == "set-cookie"]
    found["cookies"] = [{"name": value.partition("=")[0].strip(), "secure": _is_secure(value)} for value in cookies]
    found["discloses"] = sorted(f"{name}: {value}"[:200] for name, value in headers if name in _TELLING and any(map(str.isdigit, value)))
    return found


_TELLING = frozenset({"server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator"})
"""Headers that name a product; with a digit in it, its version, too."""


def _is_secure(cookie: str) -> bool:
    return any(part.strip().lower() == "secure" for part in cookie.split(";")[1:])


def hsts(values: Sequence[str]) -> dict[str, Any] | None:
    """The policy of Strict-Transport-Security (RFC 6797, 6.1): the first header counts; one without max-age is none."""
    if not values:
        return None
    directives: dict[str, str] = {}
    for part in values[0].split(";"):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    age = directives.get("max-age", "")
    if not re.fullmatch("[0-9]{1,18}", age):
        return None
    return {"max_age": int(age), "include_subdomains": "includesubdomains" in directives, "preload": "preload" in directives}


def redirects(status: int | None, headers: Sequence[tuple[str, str]], host: str) -> bool:
    """Whether an answer over plain HTTP sends the client to HTTPS at the same host."""
    where = next((value for name, value in headers if name == "location"), "")
    if status not in {301, 302, 303, 307, 308} or not where.lower().startswith("https://"):
        return False
    from urllib.parse import urlsplit

    try:
        return (urlsplit(where).hostname or "") == host.lower().rstrip(".")
    except ValueError:
        return False


def listing(ids: Sequence[str], at: str) -> Look:
    """The look that shows which endpoints there are: all that were named or derived, as an estate's listing of the type."""
    return Look(digest(TYPE, sorted(ids)), ACCOUNT, GLOBAL, TYPE, "endpoints", None, 1, len(ids), at, None, digest(sorted(ids)))


def data(host: str, port: int, starttls: str | None, mode: str, addresses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The data of an endpoint: what was seen at each of its addresses. Of CAA, that it was not asked for."""
    told = {"host": host, "named": not is_address(host), "port": port, "starttls": starttls, "mode": mode, "caa": {"asked": False}}
    return {**told, "addresses": list(addresses)}


def time(moment: datetime) -> str:
    """A moment as it stands in the data, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
