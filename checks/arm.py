"""What a type of Azure Resource Manager is, as data: where it is listed, what is kept of it, and what completes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks import paths
from checks.paths import Path
from checks.shape import SCALAR, Shape, declared

NonEmpty = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


_ENVELOPE: Mapping[str, Shape] = {
    **dict.fromkeys(("id", "name", "type", "location"), SCALAR["string"]),
    "tags": Shape("map", element=SCALAR["string"]),
}
"""What every resource of Azure Resource Manager has around its `properties` (Azure REST API reference, Resources - Get by ID)."""


SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
"""The one type whose name is the pseudo-resource's, `azure.subscription`: there is one in each subscription, and nothing lists it."""
_Api = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$")]
_Below = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*(/([A-Za-z0-9][A-Za-z0-9._-]*|\{location\}))*$")]
"""What is appended to an id: it names neither a query nor another host. `{location}` is any location of the cloud."""


class ArmDetail(_Strict):
    """One GET below a resource's id. Its answer, cut down to `members`, stands in the data under `into`."""

    into: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    get: _Below
    api: _Api | None = None
    """The type's own, where it is not given."""
    expand: NonEmpty | None = None
    members: Annotated[dict[NonEmpty, Any], Field(min_length=1)]
    items: bool = False
    """Whether the answer is a list (`value`, `nextLink`): then `members` are those of one element, and a list stands under `into`."""
    absent: list[NonEmpty] = []
    """Codes of ARM's errors that mean that there is none; believed only while the resource itself still reads."""
    omitted_means_none: dict[str, NonEmpty] = {}
    """Paths in the answer, or in an element of the list, that the service leaves out where there is none -> where that is said."""
    effective: bool = False
    """Whether it is computed by a POST that Reader does not permit: it is asked for only where the configuration says so."""
    action: NonEmpty | None = None
    source: str | None = None

    @cached_property
    def shape(self) -> Shape:
        """Of what stands under `into`."""
        return Shape("list", element=declared(self.members)) if self.items else declared(self.members)

    @cached_property
    def nullable(self) -> frozenset[Path]:
        inside = (self.into, paths.ELEMENT) if self.items else (self.into,)
        found = {(*inside, *paths.parse(path)) for path in self.omitted_means_none}
        return frozenset(found | ({(self.into,)} if self.absent else set()))

    def permission(self, type_: str) -> str:
        """The action of Azure RBAC: its own, else the one that is named after what is read, the names of things left out."""
        if self.action:
            return self.action
        steps = self.get.split("/")
        if "providers" in steps[::2]:
            at = max(index for index in range(0, len(steps), 2) if steps[index] == "providers")
            type_, steps = steps[at + 1], steps[at + 2 :]
        return "/".join((type_, *steps[::2], "read"))


class Arm(_Strict):
    """A type of Azure Resource Manager: its own name, the API version, and the members that are kept, with their types."""

    type: Annotated[str, Field(pattern=r"^Microsoft\.[A-Za-z0-9]+(/[A-Za-z0-9]+)+$")]
    api: _Api
    witness: NonEmpty | None = None
    """A member of `properties` that every whole answer has: without it, an object is not one of the type, but its outline."""
    members: Annotated[dict[NonEmpty, Any], Field(min_length=1)]
    printed: dict[NonEmpty, NonEmpty] = {}
    """Names that the Azure CLI prints for other ones of ARM -> ARM's own."""
    per: NonEmpty | None = None
    """Another type of ARM, below each of whose resources this one is listed; without it, it is listed below the subscription."""
    get: _Below | None = None
    """What is appended to the id of that for the list: `providers/<type>`, or with `per` the type's last name."""
    one: bool = False
    """The answer is one resource where other lists hold many."""
    expand: NonEmpty | None = None
    graph: bool = True
    """Whether Resource Graph knows the type, so that its ids can be held against the list's."""
    action: NonEmpty | None = None
    details: list[ArmDetail] = []

    @model_validator(mode="after")
    def _whole(self) -> Arm:
        inner = self.shape.step("properties") or self.shape
        if self.witness and inner.step(self.witness) is None:
            raise ValueError(f"the witness {self.witness} is not among the members")
        names = [detail.into for detail in self.details]
        if len(set(names)) < len(names):
            raise ValueError("two details go into the same member")
        if self.per and self.type.count("/") < 2 and not self.get:
            raise ValueError("`per` needs `get` where the type is no child")
        return self

    @property
    def name(self) -> str:
        """The type as rules and estates name it."""
        if self.type == SUBSCRIPTIONS:
            return "azure.subscription"
        return "azure." + self.type.lower().removeprefix("microsoft.").replace("/", ".")

    @property
    def path(self) -> str:
        """What is appended to the id of the subscription, or of the resource that the type is listed per."""
        return self.get or (self.type.rpartition("/")[2] if self.per else f"providers/{self.type}")

    @property
    def permission(self) -> str:
        """The action of Azure RBAC that the list needs."""
        return self.action or f"{self.type}/read"

    @cached_property
    def shape(self) -> Shape:
        """Of what a list shows."""
        return Shape("structure", {**_ENVELOPE, **declared(self.members).members})

    @cached_property
    def completed(self) -> Shape:
        """Of a resource with its details."""
        return Shape("structure", {**self.shape.members, **{detail.into: detail.shape for detail in self.details}})

    def details_for(self, members: Iterable[str]) -> list[ArmDetail]:
        wanted = set(members)
        return [detail for detail in self.details if "*" in wanted or detail.into in wanted]
