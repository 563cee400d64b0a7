"""One type in one subscription while it is being collected, and what is written down of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agent.collect.aws.errors import Failure
from agent.collect.azure.client import Answer, Halt
from agent.collect.azure.reading import ReadItem
from agent.collect.azure.subscriptions import Entered
from agent.collect.estate import EstateWriter
from agent.collect.wire import rfc3339
from checks.arm import Arm, ArmDetail
from checks.catalogue import Kind
from checks.model import GLOBAL, Gap, Look, Reason, Resource, digest


@dataclass(slots=True, eq=False)
class Draft:
    """A resource, as far as it is read. `unsettled` are details that ARM says there is none of, until the resource still reads."""

    read: ReadItem
    details: dict[str, Any] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    unsettled: list[tuple[ArmDetail, Halt]] = field(default_factory=list)

    @property
    def id(self) -> str:
        assert self.read.id is not None
        return self.read.id

    def done(self, kind: Kind, account: str) -> Resource:
        region = self.read.region
        held: Mapping[str, Any] = self.read.held if self.read.held is not None else {}
        data = {**held, **self.details} if self.details else held
        return Resource(
            self.id, kind.name, account, region, data, self.read.tags, tuple(sorted(self.evidence)), GLOBAL if region != GLOBAL else None
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class Listing:
    """A type in a subscription: its resources by id, how many calls are under way, and the listings that wait for it."""

    kind: Kind
    entered: Entered
    details: list[ArmDetail]
    drafts: dict[str, Draft] = field(default_factory=dict)
    children: list[Listing] = field(default_factory=list)
    parts: list[Answer] = field(default_factory=list)
    pending: int = 0
    whole: bool = True
    """Whether it shows all that there is, as far as is known."""
    failures: list[tuple[Failure, str, str | None]] = field(default_factory=list)
    """What went wrong, in which call, and the action that would mend it."""

    @property
    def arm(self) -> Arm:
        assert self.kind.arm is not None
        return self.kind.arm

    @property
    def account(self) -> str:
        return self.entered.id

    @property
    def call(self) -> str:
        return f"GET {self.arm.path}"


@dataclass(frozen=True, slots=True)
class Record:
    """Writes looks and gaps. `now` is the wall clock."""

    writer: EstateWriter
    now: Callable[[], datetime]

    def look(self, type_: str, account: str, call: str, target: str | None, answer: Answer, count: int) -> str:
        id_ = digest(account, GLOBAL, type_, call, target)
        at = rfc3339(self.now())
        self.writer.add_look(Look(id_, account, GLOBAL, type_, call, target, answer.pages, count, at, answer.request_id, answer.sha256))
        return id_

    def listing_gap(self, listing: Listing, failure: Failure) -> None:
        """The list failed, and its own permission would mend it where it was refused."""
        self.lacking(listing, failure, listing.call, listing.arm.permission)

    def lacking(self, listing: Listing, failure: Failure, call: str, action: str | None) -> None:
        listing.whole = False
        listing.failures.append((failure, call, action))
        self._gap(listing, None, None, failure, call, action)

    def gap(self, listing: Listing, draft: Draft, member: str | None, failure: Failure, call: str, action: str | None) -> None:
        self._gap(listing, draft, member, failure, call, action)

    def _gap(self, listing: Listing, draft: Draft | None, member: str | None, failure: Failure, call: str, action: str | None) -> None:
        region, id_ = (draft.read.region, draft.id) if draft else (GLOBAL, None)
        needed = action if failure.reason is Reason.DENIED else None
        self.writer.add_gap(
            Gap(listing.kind.name, listing.account, region, id_, member, failure.reason, call, failure.code, failure.message, needed)
        )
