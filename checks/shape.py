"""The shape of a provider's wire JSON, as far as it is kept: what a rule's member paths are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from checks.paths import ELEMENT, Path

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

    def has(self, path: Path) -> bool:
        """Whether there is a member at the path."""
        at: Shape | None = self
        for step in path:
            if at is None:
                return False
            at = at.element if at.kind == "list" and (step == ELEMENT or step.isdigit()) else at.step(step)
        return at is not None

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
    """The shape that a catalogue declares: `{Name: form}` a structure, `{"*": form}` a map, `[form]` a list, `a|b` a text that is
    one of these, else a scalar's name.

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
        case str() if len(values := form.split("|")) > 1 and all(values):
            return Shape("string", values=tuple(values))
    raise ValueError(f"{form!r} declares no shape: a scalar is one of {', '.join(sorted(SCALARS))}, a list has one form")


def json_schema(
    shape: Shape, nullable: AbstractSet[Path] = frozenset(), required: AbstractSet[Path] = frozenset(), path: Path = ()
) -> dict[str, Any]:
    """The JSON Schema (2020-12) of data of a shape: nothing else stands in it, and only what is `required` stands in it always."""
    form = _form(shape, nullable, required, path)
    if path not in nullable:
        return form
    return {**form, "type": [form["type"], "null"], **({"enum": [*form["enum"], None]} if "enum" in form else {})}


def _form(shape: Shape, nullable: AbstractSet[Path], required: AbstractSet[Path], path: Path) -> dict[str, Any]:
    match shape.kind:
        case "structure":
            members = {name: json_schema(below, nullable, required, (*path, name)) for name, below in shape.members.items()}
            always = sorted(name for name in members if (*path, name) in required)
            return {"type": "object", "properties": members, "required": always, "additionalProperties": False}
        case "map":
            return {"type": "object", "additionalProperties": json_schema(shape.element or ANY, nullable, required, (*path, "*"))}
        case "list":
            return {"type": "array", "items": json_schema(shape.element or ANY, nullable, required, (*path, ELEMENT))}
        case "any":
            return {}
        case "timestamp":
            return {"type": "string", "format": "date-time"}
    form = {"type": {"double": "number", "blob": "string"}.get(shape.kind, shape.kind)}
    return {**form, "enum": list(shape.values)} if shape.values else form
