"""A listing and its resources while they come in: what is known of them so far, and what they still wait for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.collect.aws_client import Caller, Halt
from agent.collect.aws_parts import Doubt, Parts
from checks.catalogue import Detail, Kind, Per, TagCall
from checks.model import Place, Resource


@dataclass(slots=True)
class Draft:
    """A resource while its details come in."""

    resource: Resource
    data: dict[str, Any]
    item: Mapping[str, Any]
    tags: dict[str, str] | None
    evidence: list[str]
    answered: bool = False
    unsettled: list[tuple[Detail | TagCall, Halt, bool]] = field(default_factory=list)
    """(detail, answer, vanished): answers that count only once the resource is known to be still there."""

    @property
    def doubtful(self) -> bool:
        """Whether what is said of it counts only if the next listing still shows it."""
        return bool(self.unsettled) and (not self.answered or any(vanished for _, _, vanished in self.unsettled))

    def done(self) -> Resource:
        seen = self.resource
        return Resource(seen.id, seen.type, seen.account, seen.region, self.data, self.tags, tuple(sorted(self.evidence)), seen.listed_in)


@dataclass(slots=True)
class Listing:
    """One type in one place."""

    kind: Kind
    account: Caller
    place: Place
    details: list[Detail]
    tags: TagCall | None
    drafts: dict[str, Draft] = field(default_factory=dict)
    pending: int = 0
    confirming: bool = False
    parts: Parts | None = None
    """Of a type that is listed per another, until its listing is put together."""
    children: list[tuple[Listing, Per]] = field(default_factory=list)
    """The listings that this one's things are asked about for."""
    doubts: list[Doubt] = field(default_factory=list)
    """Why this listing may not show all there is."""


def related(listings: Iterable[Listing]) -> list[Listing]:
    """The listings, each knowing those that wait for it."""
    known = {(one.kind.name, one.place): one for one in listings}
    for child in known.values():
        if child.kind.list_ == "none" or not child.kind.list_.per:
            continue
        child.parts = Parts(len(child.kind.list_.per))
        for per in child.kind.list_.per:
            known[per.type, child.place].children.append((child, per))
    return list(known.values())
