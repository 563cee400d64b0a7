"""What a name in a query or in JSON says is secret: passwords, tokens, session ids; and the password in an address."""

from __future__ import annotations

import re
from typing import Final

from checks.logs.personal.pattern import Candidate, Pattern, escaped, withheld

_VALUE: Final = rb"[^\x00-\x20&\"'<>;,]"
_IN_JSON: Final = rb"\\{0,3}[\"'] ?: ?\\{0,3}[\"']"
_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OPAQUE: Final = 20
"""Letters and digits in a row that no word has."""
_RUN: Final = re.compile(rb"[0-9A-Za-z]{%d,}" % _OPAQUE)
_VAGUE: Final = frozenset({b"sid", b"session", b"token", b"secret"})
"""Names under which something else may stand: a shop, a season, a place in a list."""


def _secret(candidate: Candidate) -> bytes | None:
    value = candidate.value
    return None if withheld(value) or escaped(value) or value[:1] == b"/" else value


def _session(candidate: Candidate) -> bytes | None:
    value = candidate.value
    if _secret(candidate) is None or not any(byte in b"0123456789" for byte in value):
        return None
    opaque = _UUID.fullmatch(value) or ((run := _RUN.search(value)) and re.search(rb"[A-Za-z]", run[0]) and re.search(rb"[0-9]", run[0]))
    return value if candidate.name not in _VAGUE or opaque else None


def _in_address(candidate: Candidate) -> bytes | None:
    value = candidate.value
    return None if value.isdigit() else _secret(candidate)


PASSWORD: Final = Pattern(
    "password",
    "a password under its name, in a query or in JSON",
    "credential",
    rb"(?i)(?:(?:password|passwd|passphrase|[?&;_]pwd|[?&;_]pass)=|(?:password|passwd|passphrase)"
    + _IN_JSON
    + rb")(?P<value>"
    + _VALUE
    + rb"{4,})",
    _secret,
    ("/login?user=m&password=Marker-of-upheld", '{"masterUserPassword":"Marker-of-upheld"}'),
    'OWASP, "Information exposure through query strings in URL" (CWE-598)',
)
TOKEN: Final = Pattern(
    "token",
    "a token or key under its name, in a query or in JSON",
    "credential",
    rb"(?i)[?&;#\"'](?P<name>(?:access|refresh|id|auth)_?token|token|(?:x[_-])?api[_-]?key|client_?secret|secret)(?:=|"
    + _IN_JSON
    + rb")(?P<value>[0-9A-Za-z._~+/=-]{16,})",
    _session,
    ("/cb?access_token=marker0of1upheld2token3", '{"apiKey":"marker0of1upheld2token3"}', "/reset?token=marker0of1upheld2token3"),
    "RFC 6750, 2.3; RFC 6749, 2.3.1",
    identifies=True,
)
SESSION: Final = Pattern(
    "session-id",
    "a session id in a query or path",
    "credential",
    rb"(?i)[?&;](?P<name>jsessionid|phpsessid|asp\.net_sessionid|aspsessionid[a-z]{8}|session_?id|sess_?id|session_?token|connect\.sid|session|sid)="
    rb"(?P<value>[0-9A-Za-z._~:+/%-]{8,})",
    _session,
    ("/cart;jsessionid=4D61726B65724F66557068656C64", "/cart?PHPSESSID=marker0of1upheld2a"),
    'OWASP, "Session Management Cheat Sheet" (names of session ids; ids in URLs)',
    identifies=True,
)
ADDRESS_PASSWORD: Final = Pattern(
    "address-password",
    "a password in an address, before the host",
    "credential",
    rb"://[^\x00-\x20/:@?#\"'<>]{1,64}:(?P<value>[^\x00-\x20/@?#\"'<>]{3,})@[0-9A-Za-z\[]",
    _in_address,
    ("?next=https://marker:of-upheld@shop.upheld.example/",),
    "RFC 3986, 3.2.1",
)
USER_ID: Final = Pattern(
    "user-id",
    "an id of a user in a query",
    "address",
    rb"(?i)[?&;](?P<name>user_?id|uid|customer_?id|member_?id|device_?id|visitor_?id)=(?P<value>[0-9A-Za-z._~:-]{1,128})",
    _secret,
    ("/cart?user_id=4711marker",),
    "Regulation (EU) 2016/679, article 4(1): an online identifier",
    identifies=True,
)
