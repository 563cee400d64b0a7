"""The CLI's JSON as wire JSON: times in RFC 3339 UTC, and what is not of the API's type left out, as a gap.

The CLI prints times as it was told to (`cli_timestamp_format`): epoch seconds or ISO 8601 text. Everything else it
prints as botocore parsed it, so that another JSON type means that the file was not written by the CLI alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agent.collect.wire import rfc3339
from checks.paths import ELEMENT, Path
from checks.shape import Shape

_MISFIT: Final[Any] = object()
Misfits = dict[Path, str]
"""Path of what was left out -> what is wrong with it."""


def fitted(data: Mapping[str, Any], shape: Shape) -> tuple[dict[str, Any], Misfits]:
    """`data` with the members that `shape` knows, each of its type; and what had to be left out because it is not."""
    lost: Misfits = {}
    return _members(data, shape, (), lost), lost


def _members(data: Mapping[str, Any], shape: Shape, path: Path, lost: Misfits) -> dict[str, Any]:
    """A member that the service model does not know is dropped, as botocore's parser drops it."""
    kept: dict[str, Any] = {}
    for name, value in data.items():
        below = shape.step(name)
        if below is None:
            continue
        held = _value(value, below, (*path, name), lost)
        if held is not _MISFIT:
            kept[name] = held
    return kept


def _value(value: Any, shape: Shape, path: Path, lost: Misfits) -> Any:
    if value is None or shape.kind == "any":
        return value
    if shape.kind == "timestamp":
        moment = _moment(value)
        return moment if moment is not None else _misfit(value, shape, path, lost)
    match shape.kind, value:
        case "list", list():
            assert shape.element is not None
            items = [_value(item, shape.element, (*path, ELEMENT), lost) for item in value]
            if any(item is _MISFIT for item in items):  # a shorter list would not be the provider's
                lost[path] = lost.pop((*path, ELEMENT))
                return _MISFIT
            return items
        case (("map" | "structure"), dict()):
            return _members(value, shape, path, lost)
        case ("boolean", bool()) | (("string" | "blob"), str()):
            return value
        case ("integer", int()) | ("double", int() | float()) if not isinstance(value, bool):
            return value
    return _misfit(value, shape, path, lost)


def _misfit(value: Any, shape: Shape, path: Path, lost: Misfits) -> Any:
    lost[path] = f"{_name(value)} where the API gives {_article(shape.kind)}"
    return _MISFIT


def _moment(value: Any) -> str | None:
    """A time in RFC 3339 UTC; None for what is not one, or does not say its zone."""
    try:
        match value:
            case bool():
                return None
            case int() | float():
                return rfc3339(datetime.fromtimestamp(value, UTC))
            case str():
                moment = datetime.fromisoformat(value)
                return rfc3339(moment) if moment.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _name(value: Any) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return f"the number {value}" if abs(value) < 10**15 else "a number"
        case str():
            return f"the text {value[:40]!r}"
    return "a list" if isinstance(value, list) else "an object"


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
