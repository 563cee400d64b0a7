"""What Resource Manager answered, cut down in one pass to what the catalogue keeps.

A null is an absent member, and a name that only differs in case is the same name: ARM compares them so (Azure Resource Manager
documentation, "Naming rules and restrictions for Azure resources"). What has another type than the catalogue gives is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from agent.collect.files.arm_values import PROPERTIES, Lost
from agent.collect.files.cli_values import fitted
from agent.collect.serialized import Serialized
from checks import paths
from checks.catalogue import Kind
from checks.model import GLOBAL, Reason
from checks.paths import ELEMENT, Path
from checks.plan import TAGS
from checks.shape import ANY, Shape

_ABSENT: Final[Any] = object()
_PLAIN: Final[Mapping[str, type]] = {"string": str, "integer": int, "boolean": bool}
"""Values of these types are kept as they are."""


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One resource as a list shows it. `id` is lower-cased; it is None, with the `problem`, where it is no resource of the type."""

    id: str | None
    spelled: str = ""
    """Its id as ARM spells it."""
    region: str = GLOBAL
    held: Serialized | None = None
    """Its data: thousands of them wait until their details have come in."""
    tags: Mapping[str, str] | None = None
    lost: Lost | None = None
    problem: str = ""

    @property
    def data(self) -> dict[str, Any]:
        return {} if self.held is None else self.held.plain()


def reader(kind: Kind) -> Callable[[Any], ReadItem]:
    """What reads the elements of a type's list."""
    arm = kind.arm
    assert arm is not None
    shape, inner, type_ = arm.shape, arm.shape.step(PROPERTIES), arm.type.casefold()
    take = _compiled(shape)
    nullable = list(map(paths.parse, kind.omitted_means_none))

    def read(item: Any) -> ReadItem:
        if not isinstance(item, dict) or not isinstance(spelled := item.get("id"), str) or not spelled.startswith("/"):
            return ReadItem(None, problem="an element without an id")
        if isinstance(told := item.get("type"), str) and told.casefold() != type_:
            return ReadItem(None, problem=f"an element of the type {told}: {spelled}")
        lost: Lost = {}
        data = take(item, (), lost)
        if arm.witness and arm.witness not in (data.get(PROPERTIES) or {} if inner is not None else data):
            outline = PROPERTIES if inner is not None else arm.witness
            data.pop(outline, None)
            lost = {path: why for path, why in lost.items() if path[0] != outline}
            lost[outline,] = (Reason.NOT_COLLECTED, f"the list shows it without {arm.witness}, which all of them have")
        if ("location",) in lost:  # whose findings they are depends on it: they are told apart by region
            return ReadItem(None, problem=f"an element whose location cannot be told: {spelled}")
        tags = _tags(data, lost)
        for path in nullable:
            if not any(paths.covers(path, gone) or paths.covers(gone, path) for gone in lost):
                paths.put_null(data, path)
        return ReadItem(spelled.lower(), spelled, region(data), Serialized(data), tags, lost)

    return read


def _tags(data: dict[str, Any], lost: Lost) -> Mapping[str, str] | None:
    """The tags; what has none is listed without them (Azure Resource Manager documentation, "Use tags")."""
    if untold := [held for path, held in lost.items() if path[0] == "tags"]:
        for path in [path for path in lost if path[0] == "tags"]:
            del lost[path]
        lost[TAGS,] = untold[0]
        data.pop("tags", None)
        return None
    return data.get("tags") or {}


def region(data: Mapping[str, Any]) -> str:
    """A location as regions are named: `West Europe` is westeurope; what is nowhere in particular is global."""
    location = data.get("location")
    return "".join(location.lower().split()) or GLOBAL if isinstance(location, str) else GLOBAL


def kept(value: Mapping[str, Any], shape: Shape) -> tuple[dict[str, Any], Lost]:
    """The members of an object that the shape knows, each of its type; and what had to be left out because it is not."""
    lost: Lost = {}
    return _compiled(shape)(value, (), lost), lost


_Take = Callable[[Any, Path, Lost], Any]
"""Takes a value of one shape: what is kept of it, or _ABSENT; at its path, what is lost."""


def _compiled(shape: Shape) -> _Take:
    """A shape as a function: thousands of elements of one shape are read (measured: half the time of asking the shape each time)."""
    match shape.kind:
        case "structure":
            return _structure(shape)
        case "list":
            return _list(_compiled(shape.element or ANY))
        case "map":
            return _map(_compiled(shape.element or ANY))
        case "any":
            return lambda value, _path, _lost: value
    return _scalar(shape)


def _structure(shape: Shape) -> _Take:
    takes = [(name, _PLAIN.get(below.kind), _compiled(below)) for name, below in shape.members.items()]
    folded = {name.casefold(): name for name in shape.members}
    known = set(shape.members)
    """The members, and the names that are known to be none, however they are spelled."""

    def take(value: Any, path: Path, lost: Lost) -> Any:
        if not isinstance(value, dict):
            return _misfit(value, shape, path, lost)
        if not value.keys() <= known:
            value = _respelled(value, value.keys() - known, path, lost)
        found: dict[str, Any] = {}
        for name, plain, inner in takes:
            held = value.get(name)
            if held is None:
                continue
            if held.__class__ is plain:
                found[name] = held
            elif (taken := inner(held, (*path, name), lost)) is not _ABSENT:
                found[name] = taken
        return found

    def _respelled(value: Mapping[str, Any], new: AbstractSet[str], path: Path, lost: Lost) -> Mapping[str, Any]:
        """The object with the members' own names; what stands there in two spellings is lost."""
        respelled = dict(value)
        for name in new:
            member = folded.get(name.casefold())
            if member is None:
                known.add(name)
            elif member in respelled:
                lost[*path, member] = (Reason.MALFORMED, "stands twice, in two spellings")
                respelled[member] = None
            else:
                respelled[member] = value[name]
        return respelled

    return take


def _list(element: _Take) -> _Take:
    """A list all of whose elements are of its type: a shorter one would not be the provider's."""

    def take(value: Any, path: Path, lost: Lost) -> Any:
        if not isinstance(value, list):
            return _misfit(value, Shape("list"), path, lost)
        if not value:
            return []
        at = (*path, ELEMENT)
        found = [_ABSENT if held is None else element(held, at, lost) for held in value]
        if _ABSENT in found:
            lost[path] = lost.pop(at, (Reason.MALFORMED, "one of its elements is null"))
            return _ABSENT
        return found

    return take


def _map(element: _Take) -> _Take:
    def take(value: Any, path: Path, lost: Lost) -> Any:
        if not isinstance(value, dict):
            return _misfit(value, Shape("map"), path, lost)
        found = {name: element(held, (*path, name), lost) for name, held in value.items() if held is not None}
        return {name: held for name, held in found.items() if held is not _ABSENT}

    return take


def _scalar(shape: Shape) -> _Take:
    plain = _PLAIN.get(shape.kind)
    return lambda value, path, lost: value if value.__class__ is plain else _misfit(value, shape, path, lost)


def _misfit(value: Any, shape: Shape, path: Path, lost: Lost) -> Any:
    """What is no plain text: of its type all the same, as the importer has it, or lost."""
    whole, misfits = fitted({"value": value}, Shape("structure", {"value": shape}))
    if misfits:
        lost[path] = (Reason.MALFORMED, next(iter(misfits.values())))
        return _ABSENT
    return whole["value"]
