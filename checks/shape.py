"""The shape of a provider's wire JSON, as far as it is kept: what a rule's member paths are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCALARS = frozenset({"string", "integer", "double", "boolean", "timestamp", "blob"})


@dataclass(frozen=True, slots=True)
class Shape:
    """`kind` is structure, list, map, any, or one of SCALARS; `values` are the known values of a string, if listed."""

    kind: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    element: Shape | None = None
    values: tuple[str, ...] = ()

    def step(self, name: str) -> Shape | None:
        """The shape of a member; None where there is no such member."""
        match self.kind:
            case "structure":
                return self.members.get(name)
            case "map":
                return self.element
            case "any":
                return self
        return None

    @property
    def names(self) -> list[str]:
        return sorted(self.members)


ANY = Shape("any")
