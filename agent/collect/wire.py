"""Answers as wire JSON: what is listed in them, what names it, and the values that the next call takes from it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from checks import paths
from checks.catalogue import Kind
from checks.model import GLOBAL, Place

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")


def items_of(page: Mapping[str, Any], path: paths.Path, *, absent_is_empty: bool) -> list[Any] | None:
    """The items of a page, one where no list stands there but a thing itself; None where a member on the way is absent,
    as in an answer that is not one."""
    level: list[Any] = [page]
    for step in path:
        if step == paths.ELEMENT:
            level = [item for held in level for item in held]
            continue
        if not all(isinstance(held, dict) and isinstance(held.get(step), list | dict) for held in level):
            return [] if absent_is_empty else None
        level = [held[step] for held in level]
    return [item for held in level for item in (held if isinstance(held, list) else [held])]


def listed(page: Mapping[str, Any], kind: Kind) -> list[Any] | None:
    """The items of a page of a type's listing; None where it does not show them, or not as many as it says."""
    assert kind.list_ != "none"
    items = items_of(page, kind.list_.path, absent_is_empty=kind.empty == "omitted")
    if items is not None and kind.list_.count is not None and paths.first(page, paths.parse(kind.list_.count)) != len(items):
        return None
    return items


def identity(kind: Kind, item: Any, place: Place) -> tuple[str, str] | None:
    """The id of a listed item and the region it is in; None where it has no id."""
    name = paths.first(item, paths.parse(kind.id)) if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        return None
    if not kind.region_from:
        return name, place.region
    region = paths.first(item, paths.parse(kind.region_from))
    return name, region if isinstance(region, str) and _REGION.fullmatch(region) else GLOBAL


def filled_params(params: Mapping[str, Any], item: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    filled = {name: _filled_value(value, item, names) for name, value in params.items()}
    return None if any(value is None for value in filled.values()) else filled


def _filled_value(value: Any, item: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    match value:
        case str():
            return filled(value, item, names)
        case list():
            inner = [_filled_value(one, item, names) for one in value]
            return None if None in inner else inner
        case dict():
            return filled_params(value, item, names)
    return value


def filled(template: str, item: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """`{VolumeId}` and the like replaced from the item; None where the item has no such member."""
    text = ""
    for literal, _, rest in _pieces(template):
        text += literal
        if rest is not None:
            value = names.get(rest) or paths.first(item, paths.parse(rest))
            if value is None:
                return None
            text += str(value)
    return text


def _pieces(template: str) -> Iterator[tuple[str, str, str | None]]:
    while template:
        literal, opened, rest = template.partition("{")
        name, closed, template = rest.partition("}")
        yield literal, opened, name if opened and closed else None


def plain_tags(value: Any) -> dict[str, str] | None:
    """Tags as a plain map, from any of the forms that AWS services give; None for what is none of them."""
    match value:
        case dict():
            pairs = list(value.items())
        case list() | None:
            pairs = [_tag(entry) for entry in value or ()]
        case _:
            return None
    return dict(pairs) if all(isinstance(text, str) for pair in pairs for text in pair) else None


def _tag(entry: Any) -> tuple[Any, Any]:
    lowered = {name.lower(): held for name, held in entry.items()} if isinstance(entry, dict) else {}
    value = lowered.get("value", lowered.get("tagvalue"))
    return lowered.get("key", lowered.get("tagkey")), "" if value is None else value


def wire(value: Any) -> Any:
    """botocore's parsed form as JSON: times in RFC 3339 UTC, blobs in base64, the provider's nulls left out."""
    match value:
        case dict():
            return {name: wire(held) for name, held in value.items() if held is not None}
        case list():
            return [wire(held) for held in value]
        case datetime():
            return rfc3339(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
    return value


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")
