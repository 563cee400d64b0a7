"""A listing and its resources while they come in: what is known of them so far, and what they still wait for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.collect.aws.client import Caller, Halt
from agent.collect.aws.parts import Doubt, Parts
from agent.collect.wire import filled
from checks import paths
from checks.catalogue import Detail, Kind, Per, TagCall
from checks.model import Place, Resource
from checks.plan import TAGS


@dataclass(slots=True, eq=False)
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


@dataclass(slots=True, eq=False)
class Listing:
    """One type in one place."""

    kind: Kind
    account: Caller
    place: Place
    details: list[Detail]
    tags: TagCall | None
    later: list[Detail]
    """Details that are asked about some of the resources only; which, what else comes in shows."""
    drafts: dict[str, Draft] = field(default_factory=dict)
    pending: int = 0
    noted: bool = False
    """Everything but `later` has come in."""
    asked: set[tuple[str, str]] = field(default_factory=set)
    """Of `later`: (member, id) that have been asked."""
    resumed: bool = False
    """Nothing more is waited for."""
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


def member_of(detail: Detail | TagCall) -> str:
    return detail.into if isinstance(detail, Detail) else TAGS


def is_needless(detail: Detail, data: Mapping[str, Any]) -> bool:
    """Whether what is known of a resource says already that the detail makes no difference."""
    return any(value in settled for path, settled in detail.unless.items() for value in paths.values(data, paths.parse(path)))


def about(value: Any, member: str, id_: str) -> tuple[bool, Any]:
    """Of an answer for all resources, what is about one: (whether that can be told, its elements)."""
    if not isinstance(value, list) or not all(isinstance(one, dict) and isinstance(one.get(member), str) for one in value):
        return False, None
    return True, [one for one in value if one[member] == id_]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    match value:
        case str():
            yield value
        case dict():
            for held in value.values():
                yield from texts(held)
        case list():
            for held in value:
                yield from texts(held)


def names_of(listing: Listing, draft: Draft) -> set[str]:
    """What `lookup` finds a resource by: its id, its aliases, its ARN."""
    kind, resource = listing.kind, draft.resource
    found = {resource.id}
    for alias in kind.aliases:
        found.update(value for value in paths.values(draft.data, paths.parse(alias)) if isinstance(value, str))
    names = {"account": resource.account, "region": resource.region, "partition": listing.account.partition}
    if kind.arn and (arn := filled(kind.arn, draft.data, names)):
        found.add(arn)
    return found
