"""What is seen and what is said about it: resources, looks, gaps, estates; evidence and findings.

Everything here is immutable. Identifiers are SHA-256 over canonical JSON, cut to 128 bits, so that they stay the same
from run to run and from machine to machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from checks.verdict import Verdict

Data = Mapping[str, Any]
Reading = Literal["literal", "substance"]
"""How a promise is read: word for word, or for what it is about."""
GLOBAL = "global"
LISTING = "*"
"""The resource id of a finding about a listing: what exists of a type could not be told."""


class Reason(StrEnum):
    """Why something was not seen."""

    DENIED = "denied"
    REFUSED_BY_SCP = "refused-by-scp"
    THROTTLED = "throttled"
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"
    EXPIRED_CREDENTIALS = "expired-credentials"
    CLOCK_SKEW = "clock-skew"
    MALFORMED = "malformed"
    VANISHED = "vanished"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    LATE = "late"
    STALE = "stale"
    CHANGING = "changing"
    """It changed, and no read is known to show how."""
    NOT_COLLECTED = "not-collected"


_PROVIDERS = (
    ("aws", re.compile(r"[0-9]{12}")),
    ("azure", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)),
    ("tls", re.compile("tls")),
    ("log", re.compile("log")),
    ("run", re.compile("run")),
)
"""Whose an account is, by its form: 12 digits are an account of AWS, a GUID is a subscription of Azure."""


def provider(account: str) -> str | None:
    """Who provides an account; None where its form does not tell."""
    return next((name for name, form in _PROVIDERS if form.fullmatch(account)), None)


def can_hold(account: str, type_: str) -> bool:
    """Whether resources of a type can be in an account: what is AWS's is in no subscription of Azure. In doubt, they can."""
    of, held = type_.partition(".")[0], provider(account)
    if of == "log":
        return held not in {"tls", "run"}  # every account of a cloud has logs
    return held is None or of == held or of not in {name for name, _ in _PROVIDERS}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a listing belongs: one account, one region (or `global`)."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that exists. `tags` is None where they could not be read or were not asked for."""

    id: str
    type: str
    account: str
    region: str
    data: Data
    tags: Mapping[str, str] | None = None
    evidence: tuple[str, ...] = ()
    listed_in: str | None = None
    """The region whose listing shows it, where that is not its own (a bucket is listed globally)."""

    @property
    def place(self) -> Place:
        return Place(self.account, self.region)


@dataclass(frozen=True, slots=True)
class Look:
    """One call that completed. `sha256` is over the raw response bodies; `target` is the resource of a detail call."""

    id: str
    account: str
    region: str
    type: str
    call: str
    target: str | None
    pages: int
    count: int
    at: str
    request_id: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not seen: a listing (id None), one resource (field None), or one member of its data."""

    type: str
    account: str
    region: str
    id: str | None
    field: str | None
    reason: Reason
    call: str
    code: str = ""
    message: str = ""
    action: str | None = None
    """The permission that would have been needed, where that is why."""

    def order(self) -> tuple[str, ...]:
        """What gaps are sorted by."""
        return (self.type, self.account, self.region, self.id or "", self.field or "", self.reason, self.call, self.code, self.message)


@dataclass(frozen=True, slots=True)
class Asserted:
    """In the place of a look: a person asserts that what is not in an imported estate does not exist."""

    by: str

    def __str__(self) -> str:
        return f"{self.by} asserts that the imported files hold all there is"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a collection set out to see: per account its regions, and the types asked for."""

    accounts: Mapping[str, tuple[str, ...]]
    types: tuple[str, ...]

    def places(self, *, everywhere: bool) -> Iterator[Place]:
        """Every account's regions, or with `everywhere` false each account once, as `global`."""
        for account in sorted(self.accounts):
            for region in sorted(self.accounts[account]) if everywhere else [GLOBAL]:
                yield Place(account, region)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The head of an estate. Times are RFC 3339 in UTC; judging takes its now from `finished`."""

    schema: str
    started: str
    finished: str
    tool: str
    identity: Mapping[str, str]
    endpoint: str | None
    scope: Scope
    asserted_complete_by: str | None = None
    source: str = "aws"

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.finished)

    @property
    def since(self) -> datetime:
        """When collecting began: no fact is older, and some are nearly as old."""
        return datetime.fromisoformat(self.started)


@dataclass(frozen=True)
class Estate:
    """All resources, looks and gaps of one collection, in an order of their own. `resources` may be read from disk, type by type."""

    manifest: Manifest
    resources: Mapping[str, tuple[Resource, ...]]
    looks: tuple[Look, ...]
    gaps: tuple[Gap, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "looks", tuple(sorted(self.looks, key=lambda look: look.id)))
        object.__setattr__(self, "gaps", tuple(sorted(self.gaps, key=Gap.order)))

    def of(self, type_: str) -> tuple[Resource, ...]:
        """The resources of a type, ordered by account, region and id."""
        if type_ not in self._ordered:
            held = self.resources.get(type_, ())
            self._ordered[type_] = tuple(sorted(held, key=lambda one: (one.account, one.region, one.id)))
        return self._ordered[type_]

    @cached_property
    def _ordered(self) -> dict[str, tuple[Resource, ...]]:
        return {}

    @cached_property
    def listings(self) -> Mapping[tuple[str, Place], Look]:
        """The completed listing of each type and place."""
        return {(look.type, Place(look.account, look.region)): look for look in self.looks if look.target is None}

    @cached_property
    def listing_gaps(self) -> Mapping[tuple[str, Place], tuple[Gap, ...]]:
        return _group((gap for gap in self.gaps if gap.id is None), lambda gap: (gap.type, Place(gap.account, gap.region)))

    @cached_property
    def resource_gaps(self) -> Mapping[tuple[str, str, str, str], tuple[Gap, ...]]:
        """Gaps of one resource, by (type, account, id, region)."""
        return _group((gap for gap in self.gaps if gap.id is not None), lambda gap: (gap.type, gap.account, gap.id, gap.region))

    @cached_property
    def looks_by_id(self) -> Mapping[str, Look]:
        return {look.id: look for look in self.looks}

    def listing(self, type_: str, place: Place) -> Look | Asserted | tuple[Gap, ...]:
        """The look that shows all there is of a type in a place, who asserts it, or the gaps that stand in its way."""
        key = (type_, place)
        if gaps := self.listing_gaps.get(key):
            return gaps
        if look := self.listings.get(key):
            return look
        if self.manifest.asserted_complete_by and provider(place.account) != "tls":
            return Asserted(self.manifest.asserted_complete_by)  # of the files; what endpoints there are stands in none of them
        return (Gap(type_, place.account, place.region, None, None, Reason.NOT_COLLECTED, "", message="nobody looked"),)


def _group(items: Iterable[Any], key: Any) -> dict[Any, tuple[Any, ...]]:
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {name: tuple(members) for name, members in groups.items()}


class NoEvidence(ValueError):
    """Law 1: an upheld outcome without a look behind it cannot be made."""


EvidenceKind = Literal["platform-guaranteed", "configured"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on: ids of looks, the values read, the gaps in the way, what a person asserts."""

    looks: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    assumptions: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    counterexample: str = ""
    """Digest of what broke it, which an exception is bound to."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    """When and from where, where that makes a difference to what is seen."""
    kind: EvidenceKind | Literal["customer-key", ""] = ""
    """Whether the platform guarantees what is upheld, it is configured, or the customer's own key is in use; where the rule tells."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about."""

    type: str
    id: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class OtherReading:
    """What the promised sentence comes to if it is read the other way (`literal` or `substance`), where that differs."""

    reading: Reading
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict of one rule on one resource. Raises NoEvidence for an upheld one without looks."""

    id: str
    rule: str
    control: str
    verdict: Verdict
    severity: str
    resource: Subject
    promises: tuple[str, ...]
    evidence: Evidence
    explanation: str
    remedy: str
    accepted: str | None = None
    """Why a person accepts it: `owner: reason (until date)`."""
    other_reading: OtherReading | None = None

    def __post_init__(self) -> None:
        if self.verdict is Verdict.UPHELD and not self.evidence.looks:
            raise NoEvidence(f"{self.rule} on {self.resource.id}: upheld needs a look")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no white space, ASCII only, so that equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def digest(*parts: Any) -> str:
    """128 bits of SHA-256 over the canonical JSON of the parts, in hexadecimal."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]
