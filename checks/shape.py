"""The shape of a provider's wire JSON, as far as it is kept: what a rule's member paths are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

SCALARS = frozenset({"string", "integer", "double", "boolean", "timestamp", "blob"})
_WIRE: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "double": (int, float), "boolean": bool, "timestamp": str, "blob": str,
    "structure": dict, "map": dict, "list": list,
}  # fmt: skip


_NONE: Mapping[str, Shape] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Shape:
    """`kind` is structure, list, map, any, or one of SCALARS; `values` are the known values of a string, if listed."""

    kind: str
    members: Mapping[str, Shape] = field(default_factory=lambda: _NONE)
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

    def fits(self, value: object) -> bool:
        """Whether a value is of this kind at all; null is, as it stands only where the catalogue lets it."""
        if value is None or self.kind == "any":
            return True
        return isinstance(value, _WIRE[self.kind]) and isinstance(value, bool) == (self.kind == "boolean")

    @property
    def names(self) -> list[str]:
        return sorted(self.members)


ANY = Shape("any")
SCALAR: Mapping[str, Shape] = {kind: Shape(kind) for kind in SCALARS}
"""Scalars without listed values, one object each: a provider's shapes hold thousands."""


def declared(form: Any) -> Shape:
    """The shape that a catalogue declares: `{Name: form}` a structure, `{"*": form}` a map, `[form]` a list, else a scalar's name.

    Raises ValueError for what is none of these.
    """
    match form:
        case {"*": element, **others} if not others:
            return Shape("map", element=declared(element))
        case dict() if form:
            return Shape("structure", {str(name): declared(below) for name, below in form.items()})
        case [element]:
            return Shape("list", element=declared(element))
        case str() if form in SCALARS:
            return SCALAR[form]
    raise ValueError(f"{form!r} declares no shape: a scalar is one of {', '.join(sorted(SCALARS))}, a list has one form")
