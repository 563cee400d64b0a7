"""The resources of a template, with what it says of them whoever deploys it.

Azure Resource Manager documentation, "Understand the structure and syntax of ARM templates": resources as a list, or
from language version 2.0 as an object; children inside `resources` of their parent, their type and name relative to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.collect.azure.ids import ArmId, made
from agent.collect.files.arm_expressions import Resolver, Surroundings, Unresolved

_SCHEMA: Final = re.compile(r"/deploymentTemplate\.json#?$", re.IGNORECASE)
_MEMBERS: Final = ("location", "tags", "sku", "kind", "zones", "properties", "managedBy")
_TWICE: Final = "two of its members differ in case only"


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
    members = {name.casefold(): below for name, below in held.items()}
    whether = resolver.value(members.get("condition", True))
    if members.get("existing") is True or whether is False:
        return
    one = _identified(members, parent, resolver)
    problem = f"whether it is deployed: {_why(whether)}" if whether is not True else _TWICE if len(members) < len(held) else ""
    if problem and not one.why:
        one = Declared(one.type, one.id, one.item, problem)
    yield one
    for child in _members(members.get("resources", [])):
        yield from _declared(child, one, resolver)


def _identified(members: Mapping[str, Any], parent: Declared | None, resolver: Resolver) -> Declared:
    """The resource by its members, their names in lower case."""
    type_, name = resolver.value(members.get("type")), resolver.value(members.get("name"))
    if not isinstance(type_, str):
        return Declared("", None, {}, f"its type: {_why(type_)}")
    holder = parent if parent is not None and not type_.lower().startswith("microsoft.") else None
    type_ = f"{holder.type}/{type_}" if holder else type_
    for member in ("copy", "scope"):
        if member in members:
            return Declared(type_, None, {}, f"it has a {member}")
    if not isinstance(name, str):
        return Declared(type_, None, {}, f"its name: {_why(name)}")
    if holder and holder.id is None:
        return Declared(type_, None, {}, "its parent's name is not told")
    names = [*(holder.id.names if holder and holder.id else ()), *name.split("/")]
    id_ = made(resolver.around.scope, resolver.around.subscription, type_, names)
    if id_ is None:
        return Declared(type_, None, {}, f"its name {name!r} does not fit its type")
    item = {member: resolver.value(members[member.casefold()]) for member in _MEMBERS if member.casefold() in members}
    item = {"id": str(id_), "name": names[-1], "type": type_, "properties": {}, **item}
    return Declared(type_, id_, item, parent.why if parent is not None else "")


def _why(value: Any) -> str:
    return value.why if isinstance(value, Unresolved) else "not told"
