"""The resources of a template, with what it says of them whoever deploys it.

Azure Resource Manager documentation, "Understand the structure and syntax of ARM templates": resources as a list, or
from language version 2.0 as an object; children inside `resources` of their parent, their type and name relative to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.collect.arm_expressions import Resolver, Surroundings, Unresolved
from agent.collect.arm_ids import ArmId, made

_SCHEMA: Final = re.compile(r"/deploymentTemplate\.json#?$", re.IGNORECASE)
_MEMBERS: Final = ("location", "tags", "sku", "kind", "zones", "properties", "managedBy")


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource that a template declares, in ARM's form; where `why` is set, what stands in the way of knowing it.

    `id` is None where not even its name is told; `type` is what the template says, or nothing.
    """

    type: str
    id: ArmId | None
    item: Mapping[str, Any]
    why: str = ""


def is_template(data: Mapping[str, Any]) -> bool:
    """Whether a file holds a template for a resource group."""
    return isinstance(data.get("$schema"), str) and _SCHEMA.search(data["$schema"]) is not None and "resources" in data


def resources(template: Mapping[str, Any], around: Surroundings) -> Iterator[Declared]:
    """Everything that it declares, except what it says is there already or is not to be deployed."""
    resolver = Resolver(template, around)
    for held in _members(template["resources"]):
        yield from _declared(held, None, resolver)


def _members(held: Any) -> list[Any]:
    if isinstance(held, dict):
        return list(held.values())
    return held if isinstance(held, list) else [held]


def _declared(held: Any, parent: Declared | None, resolver: Resolver) -> Iterator[Declared]:
    if not isinstance(held, dict):
        yield Declared("", None, {}, "it is no object")
        return
    whether = resolver.value(held.get("condition", True))
    if held.get("existing") is True or whether is False:
        return
    one = _identified(held, parent, resolver)
    if whether is not True and not one.why:
        one = Declared(one.type, one.id, one.item, f"whether it is deployed: {_why(whether)}")
    yield one
    for child in _members(held.get("resources", [])):
        yield from _declared(child, one, resolver)


def _identified(held: Mapping[str, Any], parent: Declared | None, resolver: Resolver) -> Declared:
    type_, name = resolver.value(held.get("type")), resolver.value(held.get("name"))
    if not isinstance(type_, str):
        return Declared("", None, {}, f"its type: {_why(type_)}")
    inside = parent is not None and not type_.lower().startswith("microsoft.")
    if inside:
        assert parent is not None
        type_ = f"{parent.type}/{type_}"
    for member in ("copy", "scope"):
        if member in held:
            return Declared(type_, None, {}, f"it has a {member}")
    if not isinstance(name, str):
        return Declared(type_, None, {}, f"its name: {_why(name)}")
    names = name.split("/")
    if inside:
        assert parent is not None
        if parent.id is None:
            return Declared(type_, None, {}, "its parent's name is not told")
        names = [*parent.id.names, *names]
    id_ = made(resolver.around.scope, resolver.around.subscription, type_, names)
    if id_ is None:
        return Declared(type_, None, {}, f"its name {name!r} does not fit its type")
    known = {name.casefold(): name for name in held}
    item = {member: resolver.value(held[known[member.casefold()]]) for member in _MEMBERS if member.casefold() in known}
    item = {"id": str(id_), "name": id_.names[-1], "type": type_, "properties": {}, **item}
    return Declared(type_, id_, item, (parent.why if parent is not None else ""))


def _why(value: Any) -> str:
    return value.why if isinstance(value, Unresolved) else "not told"
