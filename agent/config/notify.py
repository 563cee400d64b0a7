"""`agent.notify` of upheld.yaml: who is told of transitions, which ones, and how."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from agent.config.values import Duration, Secret, Strict, plain
from checks.model import digest

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_DAY: Final = 86400


class Occasion(StrEnum):
    """What somebody may want to be told of."""

    BROKEN = "broken"
    """A finding is broken that was not, or by something else than before, or is accepted no longer."""
    REPAIRED = "repaired"
    ENDED = "ended"
    """What was broken is gone, out of scope or retired: it was not repaired, and is no longer there to be."""
    EVIDENCE_LOST = "evidence-lost"
    EXCEPTION_EXPIRING = "exception-expiring"


def loopback(host: str) -> bool:
    """Whether a host, as it is written, is this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _url(value: str) -> str:
    split = _split(value)
    if split.username or split.password or split.fragment:
        raise ValueError("a webhook's URL has no user, no password and no fragment: what is secret in it belongs into its path or `secret`")
    if split.scheme == "https" and split.hostname:
        return value
    if split.scheme == "http" and split.hostname and loopback(split.hostname):
        return value
    raise ValueError("a webhook is an https:// URL; http:// is for this machine (127.0.0.1, ::1, localhost)")


def _split(value: str) -> SplitResult:
    if not value.isascii() or any(ord(one) <= 32 or ord(one) == 127 for one in value):
        raise ValueError("a URL has neither blanks nor letters outside of ASCII: write them in percent-encoding")
    split = urlsplit(value)
    _ = split.port  # raises ValueError for one that is none
    return split


def _server(value: str) -> str:
    if (found := _HOST.fullmatch(value)) and 0 < int(found[2]) < 65536:
        return value
    raise ValueError(f"{value!r} is not a server: write host:port, such as mail.example:587")


def _address(value: str) -> str:
    if _ADDRESS.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is not an e-mail address")


def _syslog(value: str) -> str:
    split = _split(value)
    if split.scheme == "unix" and not split.netloc and split.path.startswith("/"):
        return value
    if split.scheme in {"udp", "tcp"} and split.hostname and split.port and split.path in {"", "/"}:
        return value
    raise ValueError(f"{value!r} is not a place for syslog: write udp://host:514, tcp://host:601 or unix:///dev/log")


def _listen(value: object) -> str:
    if isinstance(value, str) and (found := _HOST.fullmatch(value)) and int(found[2]) < 65536:
        return value
    raise ValueError(f"{value!r} is not an address to listen at: write 127.0.0.1:9464, or [::1]:9464")


Listen = Annotated[str, BeforeValidator(_listen, json_schema_input_type=str)]
Url = Annotated[str, AfterValidator(_url)]
Address = Annotated[str, AfterValidator(_address)]


class _Sink(Strict):
    """What all of them take. Times are in seconds."""

    transitions: Annotated[tuple[Occasion, ...], Field(min_length=1)] = tuple(Occasion)
    digest: Duration = 0
    """How long transitions are gathered into one message; 0 for a message after each run."""
    deadline: Annotated[Duration, Field(ge=60)] = 3 * _DAY
    """How long delivery of a message is tried."""


class _Http(_Sink):
    ca_file: str | None = None
    """Roots as PEM, in the place of the public ones."""


class WebhookSink(_Http):
    """A receiver of JSON, signed with a shared secret (Standard Webhooks 1.0.0)."""

    webhook: Url | Secret
    secret: Secret


class SlackSink(_Http):
    """An incoming webhook of Slack, whose URL is itself a secret."""

    slack: Url | Secret


class TeamsSink(_Http):
    """A workflow of Microsoft Teams that is started by a webhook request; its URL is itself a secret."""

    teams: Url | Secret


class Mail(Strict):
    """Where mail is handed in, and for whom."""

    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    from_: Address = Field(alias="from")
    server: Annotated[str, AfterValidator(_server)]
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`none` for a server on this machine only."""
    user: str | None = None
    password: Secret | None = None
    ca_file: str | None = None

    @property
    def host(self) -> str:
        return self.server.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.server.rpartition(":")[2])

    @model_validator(mode="after")
    def _safe(self) -> Mail:
        if self.tls == "none" and not loopback(self.host):
            raise ValueError("mail goes out in the clear to a server on this machine only: write tls: starttls, or implicit")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password stand together, or neither does")
        return self


class MailSink(_Sink):
    email: Mail


class SyslogSink(_Sink):
    """A collector of syslog messages (RFC 5424)."""

    syslog: Annotated[str, AfterValidator(_syslog)]
    facility: Annotated[int, Field(ge=0, le=23)] = 16
    """Of RFC 5424, table 1; 16 is local0."""
    enterprise: Annotated[int, Field(gt=0, lt=2**32)] | None = None
    """A private enterprise number (IANA) of one's own, under which what an event is about stands as structured data, too."""


_KINDS: Final = ("webhook", "slack", "teams", "email", "syslog")


def _kind(value: object) -> str | None:
    """Which sink an entry is about, by the one key that says where it goes."""
    held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    named = [kind for kind in _KINDS if kind in held]
    return named[0] if len(named) == 1 else None


Sink = Annotated[
    Annotated[WebhookSink, Tag("webhook")]
    | Annotated[SlackSink, Tag("slack")]
    | Annotated[TeamsSink, Tag("teams")]
    | Annotated[MailSink, Tag("email")]
    | Annotated[SyslogSink, Tag("syslog")],
    Discriminator(
        _kind,
        custom_error_type="sink",
        custom_error_message="an entry of notify has exactly one of webhook, slack, teams, email and syslog",
    ),
]


def kind(sink: _Sink) -> str:
    found = _kind(sink)
    assert found is not None
    return found


def name(sink: _Sink) -> str:
    """What tells a sink from all others, from start to start, and gives none of its secrets away: `slack-1f2e3d4c`."""
    where = getattr(sink, kind(sink))
    told: Any = where if isinstance(where, str) else where.model_dump(mode="json", include={"env", "credential", "to", "server"})
    return f"{kind(sink)}-{digest(told)[:8]}"


def address(value: str | Secret) -> str:
    """A URL that may be a secret. Raises ValueError where it is not there, or is none."""
    return _url(plain(value) or "")
