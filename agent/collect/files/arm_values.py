"""ARM's form out of what stands in a file: the envelope restored, names spelled as ARM spells them, nulls left out.

Many commands of the Azure CLI print the members of `properties` beside those of the envelope, in a resource and in the
child resources inside it, and add a `resourceGroup` (azure-cli, azure/cli/core/commands/transform.py). Where a type has
`properties` and an object has none, its members are put back to where the type has them. Names are compared without
regard to case, as ARM compares them: what was only misspelled is not absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.collect.files.arm_expressions import Unresolved
from checks.model import Reason
from checks.paths import ELEMENT, Path
from checks.shape import Shape

PROPERTIES: Final = "properties"
Lost = dict[Path, tuple[Reason, str]]
"""Path of what is not told -> why not."""
_ABSENT: Final[Any] = object()


def restored(
    item: Mapping[str, Any], shape: Shape, *, witness: str | None = None, printed_as: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], Lost]:
    """The members of `item` that `shape` knows, in ARM's form; and what of them is not told, with the reason.

    An object that shows neither `properties` nor the `witness` is an outline of the resource: the rest is not told.
    """
    item = _renamed(item, {name.casefold(): other for name, other in (printed_as or {}).items()})
    lost: Lost = {}
    found = _structure(item, shape, (), lost)
    printed = {name.casefold() for name, held in item.items() if held is not None}
    nulled = any(name.casefold() == PROPERTIES for name in item) and PROPERTIES not in printed
    enveloped = PROPERTIES in shape.members
    if not (enveloped and PROPERTIES in printed) and (nulled or (witness and witness.casefold() not in printed)):
        outline = PROPERTIES if enveloped or witness is None else witness
        found.pop(outline, None)
        lost = {path: why for path, why in lost.items() if path[0] != outline}
        lost[outline,] = (Reason.NOT_COLLECTED, "the file shows the resource without it")
    return found, lost


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The value with ARM's own names where the CLI prints others, unless ARM's stand there, too."""
    if not names or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [_renamed(held, names) for held in value]
    there = {name.casefold() for name in value}
    own = {name: other for name in value if (other := names.get(name.casefold())) and other.casefold() not in there}
    return {own.get(name, name): _renamed(held, names) for name, held in value.items()}


def _structure(value: Mapping[str, Any], shape: Shape, path: Path, lost: Lost) -> dict[str, Any]:
    spelled: dict[str, list[str]] = {}
    for name in value:
        spelled.setdefault(name.casefold(), []).append(name)
    inner = shape.members.get(PROPERTIES)
    flattened = inner is not None and inner.kind == "structure" and PROPERTIES not in spelled
    found: dict[str, Any] = {}
    for member, below in shape.members.items():
        if flattened and member == PROPERTIES:
            continue
        names = spelled.pop(member.casefold(), [])
        if len(names) > 1:
            lost[*path, member] = (Reason.MALFORMED, f"stands {len(names)} times, spelled {', '.join(sorted(names))}")
        elif names and (held := _value(value[names[0]], below, (*path, member), lost)) is not _ABSENT:
            found[member] = held
    if flattened:
        assert inner is not None
        rest = {name: value[name] for names in spelled.values() for name in names}
        if held := _flat(rest, shape, inner, (*path, PROPERTIES), lost):
            found[PROPERTIES] = held
    return found


def _flat(rest: Mapping[str, Any], shape: Shape, inner: Shape, path: Path, lost: Lost) -> dict[str, Any]:
    """The members of `properties` out of those that stand beside the envelope's.

    Of two of one name only the envelope's is printed, or the inner one as `typePropertiesType` (Azure SDK for Python).
    """
    twice = {member: f"{member}Properties{member}".casefold() for member in inner.members if member in shape.members}
    renamed = {name: next((member for member, other in twice.items() if other == name.casefold()), name) for name in rest}
    found = _structure({renamed[name]: held for name, held in rest.items()}, inner, path, lost)
    if found:
        for member in twice.keys() - renamed.values():
            lost[*path, member] = (Reason.NOT_COLLECTED, f"printed without its properties, which have a {member} of their own")
    return found


def _value(value: Any, shape: Shape, path: Path, lost: Lost) -> Any:
    if value is None:
        return _ABSENT
    if isinstance(value, Unresolved):
        lost[path] = (Reason.NOT_COLLECTED, value.why)
        return _ABSENT
    match shape.kind, value:
        case "structure", dict():
            return _structure(value, shape, path, lost)
        case "map", dict():
            return _map(value, shape, path, lost)
        case "list", list():
            return _list(value, shape, path, lost)
    return value


def _map(value: Mapping[str, Any], shape: Shape, path: Path, lost: Lost) -> Any:
    assert shape.element is not None
    if len({name.casefold() for name in value}) < len(value):
        lost[path] = (Reason.MALFORMED, "two of its names differ in case only")
        return _ABSENT
    found = {name: _value(held, shape.element, (*path, name), lost) for name, held in value.items()}
    return {name: held for name, held in found.items() if held is not _ABSENT}


def _list(value: list[Any], shape: Shape, path: Path, lost: Lost) -> Any:
    """A list all of whose elements are told: a shorter one would not be the provider's."""
    assert shape.element is not None
    found = [_value(held, shape.element, (*path, ELEMENT), lost) for held in value]
    if any(held is _ABSENT for held in found):
        lost[path] = lost.pop((*path, ELEMENT), (Reason.MALFORMED, "one of its elements is null"))
        return _ABSENT
    return found
