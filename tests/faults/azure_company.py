"""A company on the double of Azure that every rule has something to say about: the rules' own examples, as Resource Manager shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from agent.rulebook import Rulebook
from checks.arm import SUBSCRIPTIONS, Arm
from checks.catalogue import Kind
from checks.rule import Rule
from checks.shape import Shape
from tests.world.arm_double import ArmDouble

SUBSCRIPTION = "7b0c2c4e-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
_FILLED: Mapping[str, Any] = {"string": "x", "integer": 1, "boolean": False, "list": [], "structure": {}, "map": {}, "any": "x"}


def rules_of(book: Rulebook) -> list[Rule]:
    return [rule for rule in book.rules.values() if rule.kind.startswith("azure.") and rule.file.rows is None]


def populate(double: ArmDouble, book: Rulebook) -> dict[str, Mapping[str, Any]]:
    """Put two resources of each type into the double: what the rules' upheld examples come to together, and what the broken ones do.
    Rule -> the parameters under which they are so."""
    double.subscribe(SUBSCRIPTION, "Shop")
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    params: dict[str, Mapping[str, Any]] = {}
    for rule in rules_of(book):
        if rule.file.paths is not None:
            continue
        given, params[rule.id] = _examples(rule)
        for verdict, example in given.items():
            _merge(merged.setdefault((rule.kind, verdict), {}), example)
    for (type_, verdict), example in merged.items():
        _put(double, book.catalogue, book.catalogue[type_], verdict, example)
    return params


def complete(double: ArmDouble, book: Rulebook, seen: Collection[tuple[str, str]]) -> None:
    """Put a rule's own example there, where what all of them come to is not so. `seen`: rules and verdicts."""
    for rule in rules_of(book):
        for verdict, example in _examples(rule)[0].items() if rule.file.paths is None else ():
            if (rule.id, verdict) not in seen:
                _put(double, book.catalogue, book.catalogue[rule.kind], f"{rule.id}-{verdict}", example)


def _examples(rule: Rule) -> tuple[dict[str, Mapping[str, Any]], Mapping[str, Any]]:
    """An upheld and a broken one, under the same parameters where there is such a pair; and the parameters."""
    upheld, broken = (
        sorted(map(_parts, getattr(rule.file.examples, group)), key=lambda part: bool(part[1])) for group in ("upheld", "broken")
    )
    good, under = upheld[0]
    return {"upheld": good, "broken": next((given for given, params in broken if params == under), broken[0][0])}, under


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """What stands there already stays."""
    for name, held in more.items():
        if isinstance(held, dict) and isinstance(into.get(name, {}), dict):
            _merge(into.setdefault(name, {}), held)
        else:
            into.setdefault(name, held)


def _parts(example: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return (example["given"], example.get("params", {})) if "given" in example else (example, {})


def networks(double: ArmDouble, book: Rulebook, rule: Rule, example: Mapping[str, Any]) -> None:
    """The small estate of an example of a rule about paths."""
    double.subscribe(SUBSCRIPTION, "Shop")
    for name, held in {**rule.file.examples.base, **example["estate"]}.items():
        for given in held:
            _put(double, book.catalogue, book.catalogue[name], str(given.get("name", "x")), given, id_=given.get("id"))


def _put(
    double: ArmDouble, catalogue: Mapping[str, Kind], kind: Kind, name: str, given: Mapping[str, Any], id_: str | None = None
) -> str:  # fmt: skip
    arm = kind.arm
    assert arm is not None
    if arm.type == SUBSCRIPTIONS:
        id_ = f"/subscriptions/{SUBSCRIPTION}"
    elif id_ is None or not id_.startswith("/subscriptions/"):
        id_ = f"{_place(double, catalogue, arm, name)}/{name}"
    into = {detail.into for detail in arm.details}
    body = _whole({member: held for member, held in given.items() if member not in into | {"id"}}, arm)
    if arm.type != SUBSCRIPTIONS:
        double.put(id_, arm.type, {"location": "westeurope", **body, **({"name": given["name"]} if "name" in given else {})})
    for detail in arm.details:
        if detail.effective:
            continue
        answer = given.get(detail.into)
        for index, item in enumerate(answer or () if detail.items else [answer] if answer is not None else ()):
            held = _without_nulls(item)
            below = f"{id_}/{detail.get}" + (f"/{held.get('name', f'n{index}')}" if detail.items else "")
            double.put(below, "below", {"name": below.rpartition("/")[2], **held})
        for above in _above(f"{id_}/{detail.get}", id_) if detail.items else ():
            double.things.setdefault(above.lower(), {"id": above, "type": "above"})
    return id_


def _place(double: ArmDouble, catalogue: Mapping[str, Kind], arm: Arm, name: str) -> str:
    """Below what a resource of a type lies; where that is another resource, one is made for it."""
    if arm.per is None or arm.per == "azure.resources.resourcegroups":
        return f"{GROUP}/providers/{arm.type}"
    return f"{_put(double, catalogue, catalogue[arm.per], f'of-{name}', {})}/{arm.type.rpartition('/')[2]}"


def _above(path: str, id_: str) -> Iterator[str]:
    """What lies between a resource and a list two levels below it, such as blobServices/default."""
    steps = path[len(id_) + 1 :].split("/")
    if "providers" not in steps:
        yield from (f"{id_}/{'/'.join(steps[:upto])}" for upto in range(2, len(steps), 2))
    elif steps[0] != "providers":
        yield f"{id_}/{'/'.join(steps[: steps.index('providers')])}"


def _whole(body: Mapping[str, Any], arm: Arm) -> dict[str, Any]:
    """Without what Resource Manager leaves out, and with the member that every answer has."""
    held: dict[str, Any] = _without_nulls(body)
    inner = arm.shape.step("properties")
    at = held.setdefault("properties", {}) if inner is not None else held
    if arm.witness and arm.witness not in at:
        at[arm.witness] = _filled((inner or arm.shape).step(arm.witness))
    return held


def _filled(shape: Shape | None) -> Any:
    assert shape is not None
    return shape.values[0] if shape.values else _FILLED[shape.kind]


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(held) for name, held in value.items() if held is not None}
        case list():
            return [_without_nulls(held) for held in value]
    return value
