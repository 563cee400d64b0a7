"""What can be collected, as data: resource types, the calls that show them, and what the answers' silences mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checks import paths
from checks.arm import SUBSCRIPTIONS, Arm
from checks.document import Document, validate
from checks.paths import Path
from checks.shape import declared, json_schema

NonEmpty = Annotated[str, Field(min_length=1)]


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Per(_Strict):
    """Another type, whose listed things a call is made for: once for each that has one of the values in `where`, and none of
    those in `unless`."""

    type: NonEmpty
    params: dict[str, Any]
    where: dict[str, list[str]] = {}
    unless: dict[str, list[str]] = {}


class Listing(_Strict):
    """One call that lists a type. `as_` names the member that a plain-string item becomes."""

    call: NonEmpty
    items: NonEmpty
    params: dict[str, Any] = {}
    one: bool = False
    """The answer holds one thing where other listings hold a list of them."""
    per: list[Per] = []
    """The call lists what belongs to something else: it is made for each of those, and the answers are one listing."""
    count: str | None = None
    """Where a page says how many items it has: a page that shows another number is not one."""
    as_: str | None = Field(default=None, alias="as")

    @cached_property
    def path(self) -> Path:
        path = paths.parse(self.items)
        return path[:-1] if path[-1:] == (paths.ELEMENT,) else path


class Detail(_Strict):
    """One call about one resource. Its answer stands in the data under `into`."""

    into: NonEmpty
    call: NonEmpty
    service: str | None = None
    params: dict[str, Any] = {}
    take: str = ""
    keep: list[NonEmpty] = []
    not_configured: list[NonEmpty] = []
    vanished: list[NonEmpty] = []
    omitted_means_none: dict[str, NonEmpty] = {}
    always_list: list[NonEmpty] = []
    when: str | None = None
    shared: bool = False
    """Several resources ask the same (the parameters of their parameter group): asked once, the answer kept."""
    bulk: str | None = None
    """Without parameters the call answers for all resources at once; the member of each element that holds a resource's id."""
    unless: dict[str, list[str]] = {}
    """Where a member of the resource has one of these values, the detail makes no difference and is not asked for."""
    each: str | None = None
    """Another detail, whose answer is a list: the call is made for each of its elements, and the answers joined."""
    where: dict[str, list[str]] = {}
    """With `each`: only elements whose member has one of these values."""
    iam: str | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _founded(self) -> Detail:
        if self.unless and not self.source:
            raise ValueError("`unless` needs a `source`")
        if self.each and (self.unless or self.bulk):
            raise ValueError("`each` goes with neither `unless` nor `bulk`")
        return self

    def follows(self, others: Iterable[Detail]) -> bool:
        """Whether other details show where this one makes no difference."""
        heads = {paths.parse(path)[0] for path in self.unless}
        return any(other.into in heads for other in others)


class TagCall(_Strict):
    call: NonEmpty
    params: dict[str, Any] = {}
    take: NonEmpty
    not_configured: list[NonEmpty] = []
    vanished: list[NonEmpty] = []
    iam: str | None = None
    source: str | None = None


_AS_ARM_DOES: Mapping[str, Any] = {"list": "none", "scope": "global", "id": "id", "region_from": "location", "tags": "tags"}
"""ARM lists a type over all locations of a subscription, and names, places and tags every resource alike."""


class Kind(_Strict):
    """A resource type: how it is listed, named, completed and cut down to what may reach the disk."""

    title: NonEmpty
    scope: Literal["region", "global"] = "region"
    list_: Listing | Literal["none"] = Field(alias="list")
    id: str = ""
    aliases: list[NonEmpty] = []
    arn: str | None = None
    immutable_id: str | None = None
    region_from: str | None = None
    kind: str | None = None
    config: Annotated[list[NonEmpty], BeforeValidator(_several)] = []
    """The kinds that AWS Config knows the type as."""
    tags: str | TagCall = "none"
    keep: list[NonEmpty] = []
    members: dict[NonEmpty, Any] = {}
    """The shape of a type that no provider models, but this program makes itself: as `checks.shape.declared` reads it."""
    found: NonEmpty | None = None
    """How the program comes by such a type, where it looks for it: what there is of it is a listing like any other."""
    required: list[NonEmpty] = []
    """Members that such a type always has."""
    shown: list[NonEmpty] = []
    """Members that stand beside the values in the evidence of every finding on it: when and from where it was seen."""
    explains: list[NonEmpty] = []
    """Members that say why others are absent."""
    arm: Arm | None = None
    omitted_means_none: dict[NonEmpty, NonEmpty] = {}
    helper_only: list[NonEmpty] = []
    always_list: list[NonEmpty] = []
    empty: Literal["present", "omitted"] = "present"
    detail: list[Detail] = []
    iam: str | None = None
    source: str | None = None
    named_in: list[NonEmpty] = []
    """The members of events that hold the id of such a resource, beside those that are called as the id is."""
    beside: list[NonEmpty] = []
    """Types whose resources show some of what such a resource is: a change of it is one of theirs, too."""
    name: str = ""
    service: str = ""
    events: frozenset[str] = frozenset()
    """The sources of events that may be about the type."""
    passing: frozenset[str] = frozenset()
    """Names of events that change nothing of it."""

    @model_validator(mode="before")
    @classmethod
    def _of_arm(cls, data: Any) -> Any:
        return {**_AS_ARM_DOES, **data} if isinstance(data, dict) and "arm" in data else data

    @model_validator(mode="after")
    def _whole(self) -> Kind:
        if self.list_ != "none" and not (self.id and self.keep):
            raise ValueError("a listed type needs `id` and `keep`")
        if self.members:
            own = declared(self.members)
            if unknown := [path for path in (*self.required, *self.shown, *self.explains) if not own.has(paths.parse(path))]:
                raise ValueError(f"there is no member {unknown[0]!r}")
        if self.empty == "omitted" and not self.source:
            raise ValueError("`empty: omitted` needs a `source`")
        if self.list_ != "none" and self.list_.per and (paths.ELEMENT in self.list_.path or self.list_.count):
            raise ValueError("`per` is for calls whose items stand in one list, without a count")
        names = [detail.into for detail in self.detail]
        if len(set(names)) < len(names):
            raise ValueError("two details go into the same member")
        if unknown := [detail.each for detail in self.detail if detail.each and detail.each not in names]:
            raise ValueError(f"`each` names no other detail: {unknown[0]}")
        return self

    @property
    def pseudo(self) -> bool:
        """An account or a region: one each, nothing lists them."""
        return self.list_ == "none" and self.found is None and (self.arm is None or self.arm.type == SUBSCRIPTIONS)

    @property
    def known_as(self) -> list[str]:
        """The kinds by which what counts resources knows the type: AWS Config, or Resource Graph."""
        return self.config or ([self.arm.type] if self.arm is not None else [])

    @property
    def parents(self) -> tuple[str, ...]:
        """The types whose listed things the type's own listing is asked for."""
        if self.arm is not None:
            return (self.arm.per,) if self.arm.per else ()
        return () if self.list_ == "none" else tuple(per.type for per in self.list_.per)

    @property
    def is_global(self) -> bool:
        return self.scope == "global"

    @cached_property
    def kept(self) -> paths.Tree:
        return paths.tree(map(paths.parse, self.keep))

    @cached_property
    def nullable(self) -> frozenset[Path]:
        """Where null may stand: the provider is known to say nothing when there is none."""
        found = {paths.parse(path) for path in self.omitted_means_none}
        for detail in self.detail:
            if detail.not_configured:
                found.add((detail.into,))
            found |= {(detail.into, *paths.parse(path)) for path in detail.omitted_means_none}
        for completing in self.arm.details if self.arm is not None else ():
            found |= completing.nullable
        return frozenset(found)

    @cached_property
    def guarded(self) -> frozenset[Path]:
        """Members that only helper functions may read."""
        return frozenset(paths.parse(path) for path in self.helper_only)

    def json_schema(self) -> dict[str, Any]:
        """The published schema of a type of our own."""
        held = json_schema(declared(self.members), self.nullable, frozenset(map(paths.parse, self.required)))
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": self.name, "description": self.title, **held}

    def details_for(self, members: Iterable[str]) -> list[Detail]:
        wanted = set(members)
        wanted |= {detail.each for detail in self.detail if detail.into in wanted and detail.each}
        return [detail for detail in self.detail if detail.into in wanted]


class Passing(_Strict):
    """Events that change nothing that is kept of a file's types, however often they come, and why."""

    because: NonEmpty
    events: list[NonEmpty]


class _File(_Strict):
    schema_: Literal["upheld.catalogue/1"] = Field(alias="schema")
    service: NonEmpty
    events: Annotated[list[NonEmpty], BeforeValidator(_several)] = []
    """The services whose events may be about these types, as events name them, where that is not the `service`."""
    passing: list[Passing] = []
    types: dict[str, Kind]


Catalogue = Mapping[str, Kind]


def read(documents: Iterable[Document]) -> Catalogue:
    """All types of several catalogue files. Raises DocumentError for an unknown key, a type declared twice, or one listed
    per a type that is not listed in the same places."""
    kinds: dict[str, Kind] = {}
    stand_in: dict[str, Document] = {}
    for document in documents:
        file = validate(document, _File.model_validate)
        for name, kind in file.types.items():
            if name in kinds:
                document.fail(("types", name), f"the type {name} is declared twice")
            if kind.arm is not None and name != kind.arm.name:
                document.fail(("types", name), f"{kind.arm.type} is named {kind.arm.name}")
            events = frozenset(file.events or [file.service]) | {detail.service for detail in kind.detail if detail.service}
            passing = frozenset(event for one in file.passing for event in one.events)
            own = {"name": name, "service": file.service, "events": events, "passing": passing}
            kinds[name], stand_in[name] = kind.model_copy(update=own), document
    for name, kind in kinds.items():
        if unknown := [other for other in kind.beside if other not in kinds]:
            stand_in[name].fail(("types", name), f"`beside` names no type: {unknown[0]}")
        for parent in kind.parents:
            if not _lists(kinds, kind, parent):
                stand_in[name].fail(("types", name), f"{name} cannot be listed per {parent}")
    return kinds


def _lists(kinds: Catalogue, kind: Kind, parent: str) -> bool:
    """Whether a type is listed so that another can be listed per each of its resources; types of ARM over several levels."""
    if parent not in kinds or kinds[parent].pseudo or kinds[parent].scope != kind.scope:
        return False
    if kind.arm is None:
        return not kinds[parent].parents
    above = {kind.name}
    while parent in kinds and kinds[parent].arm is not None and parent not in above:
        if not kinds[parent].parents:
            return True
        above.add(parent)
        (parent,) = kinds[parent].parents
    return False
