"""Format strings of web servers, nginx's `log_format` and Apache's `LogFormat`, as what stands in a line in which order.

Source: nginx documentation, ngx_http_log_module (log_format; `-` for what has no value), ngx_http_core_module and
ngx_http_ssl_module (variables); Apache HTTP Server documentation, mod_log_config (format strings, modifiers, `%%`; the time in
brackets), mod_logio and mod_ssl (`%{VARIABLE}x`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TIMES: Final = ("common", "iso", "seconds", "milliseconds", "microseconds")
"""How a time is written: `20/Nov/2026:14:01:02 +0000`, ISO 8601, or since 1970; nginx writes 1763647262.123 for milliseconds."""
_NGINX: Final = {
    "time_local": "common", "time_iso8601": "iso", "msec": "milliseconds", "remote_addr": "source", "remote_port": "source_port",
    "remote_user": "principal", "server_name": "virtual_host", "server_port": "listener_port", "scheme": "scheme",
    "ssl_protocol": "tls_version", "ssl_cipher": "cipher", "ssl_curve": "key_exchange", "ssl_server_name": "server_name",
    "ssl_client_verify": "client_verified", "ssl_client_s_dn": "client_subject", "host": "host", "http_host": "host",
    "request": "request", "request_method": "method", "request_uri": "path", "uri": "path", "args": "query", "query_string": "query",
    "server_protocol": "http_version", "status": "status", "bytes_sent": "sent_bytes", "body_bytes_sent": "body_bytes",
    "request_length": "received_bytes", "http_referer": "referer", "http_user_agent": "user_agent",
    "http_x_forwarded_for": "forwarded_for", "request_id": "request_id", "connection": "connection",
}  # fmt: skip
_APACHE: Final = {
    "t": "common", "begin:sec t": "seconds", "begin:msec t": "milliseconds", "begin:usec t": "microseconds",
    "begin:%d/%b/%y:%h:%m:%s %z t": "common", "begin:%y-%m-%dt%h:%m:%s%z t": "iso", "begin:%ft%t%z t": "iso", "h": "name or source",
    "a": "source", "c a": "source", "u": "principal", "v": "virtual_host", "p": "listener_port", "canonical p": "listener_port",
    "local p": "listener_port", "remote p": "source_port", "ssl_protocol x": "tls_version", "ssl_cipher x": "cipher",
    "ssl_tls_sni x": "server_name", "ssl_client_verify x": "client_verified", "ssl_client_s_dn x": "client_subject", "host i": "host",
    "r": "request", "m": "method", "U": "path", "q": "query", "H": "http_version", "s": "status", "O": "sent_bytes", "B": "body_bytes",
    "b": "body_bytes", "I": "received_bytes", "referer i": "referer", "user-agent i": "user_agent",
    "x-forwarded-for i": "forwarded_for", "unique_id e": "request_id",
}  # fmt: skip
"""A letter; before it, what stands in its braces, in lower case."""
_VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>[A-Za-z0-9_]+)\}|(?P<bare>[A-Za-z0-9_]+))")
_DIRECTIVE: Final = re.compile(r"%(?:!?[0-9]{3}(?:,[0-9]{3})*)?[<>]?(?:\{(?P<argument>[^}]*)\})?(?P<letter>\^[a-z]{2}|[A-Za-z%])")
_ESCAPES: Final = {'\\"': '"', "\\'": "'", "\\t": "\t", "\\\\": "\\"}
_SPACED: Final = frozenset({"common", "request", "user_agent"})
"""What nearly always holds spaces."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`named` as in the format; `holds` is a column of log.web, one of TIMES, `request`, `name or source`, or empty."""

    named: str
    holds: str


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A line is literals[0], a value, literals[1], a value, ... and the last literal; only the first and last may be empty."""

    literals: tuple[str, ...]
    variables: tuple[Variable, ...]


def parse(text: str) -> LogFormat:
    """A format string as it stands in the server's configuration, without the quotes around it.

    Raises ValueError: it names nothing, or no time; or its lines could not be split so that it is clear what belongs to what.
    """
    literals, variables = [""], list[Variable]()
    for part in _nginx(text) if _VARIABLE.search(text) else _apache(text):
        if isinstance(part, str):
            literals[-1] += part
        else:
            variables.append(part)
            literals.append("")
    if not variables:
        raise ValueError(f"the log format {text!r} names no variable: write it as the server's configuration has it")
    if not any(one.holds in TIMES for one in variables):
        raise ValueError(f"the log format {text!r} has no time that is known here: its lines could not be placed in an hour")
    _check(literals, variables)
    return LogFormat(tuple(literals), tuple(variables))


def _check(literals: list[str], variables: list[Variable]) -> None:
    for index, variable in enumerate(variables):
        before, behind = literals[index : index + 2]
        if index and not before:
            raise ValueError(f"nothing stands between {variables[index - 1].named} and {variable.named}: put a space between them")
        if "\n" in before + behind:
            raise ValueError(f"a line break stands beside {variable.named}: a record must be one line")
        if variable.holds in _SPACED and " " in {behind, before if index else ""}:
            raise ValueError(f"{variable.named} holds spaces, and a space stands beside it: put it in quotes")


def _nginx(text: str) -> Iterator[str | Variable]:
    at = 0
    for found in _VARIABLE.finditer(text):
        yield _literal(text[at : found.start()])
        yield Variable(found[0], _NGINX.get(found["braced"] or found["bare"], ""))
        at = found.end()
    yield _literal(text[at:])


def _apache(text: str) -> Iterator[str | Variable]:
    at = 0
    for found in _DIRECTIVE.finditer(text):
        yield _literal(text[at : found.start()])
        at = found.end()
        letter, argument = found["letter"], found["argument"]
        if letter == "%":
            yield "%"
        elif letter == "t" and argument is None:
            yield from ("[", Variable(found[0], _APACHE["t"]), "]")
        else:
            yield Variable(found[0], _APACHE.get(letter if argument is None else _argued(letter, argument.lower()), ""))
    yield _literal(text[at:])


def _argued(letter: str, argument: str) -> str:
    return f"begin:{argument.removeprefix('begin:').removeprefix('end:')} t" if letter == "t" else f"{argument} {letter}"


def _literal(text: str) -> str:
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)
