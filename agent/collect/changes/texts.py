"""What events hold, whoever sends them: texts by the name of the member that they stand in, and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from agent.collect.changes.queue import NotAChange

_DEEPEST: Final = 40
_LONGEST: Final = 2048
"""How long the name of a resource may be: an ARN is the longest (AWS IAM API reference, arnType)."""


def members(value: Any) -> dict[str, frozenset[str]]:
    """Every text that may name something, by its member's name in lower case. Raises NotAChange for what is too deep."""
    found: dict[str, set[str]] = {}
    for name, held in _members("", value, 0):
        if 0 < len(held) <= _LONGEST:
            found.setdefault(name.lower(), set()).add(held)
    return {name: frozenset(held) for name, held in found.items()}


def _members(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        raise NotAChange("an event that is nested too deeply")
    match value:
        case str():
            yield name, value
        case Mapping():
            for inner, held in value.items():
                yield from _members(str(inner), held, depth + 1)
        case list():
            for held in value:
                yield from _members(name, held, depth + 1)


def text(value: Mapping[str, Any], name: str) -> str:
    """A member that must be there, and a text. Raises NotAChange."""
    held = value.get(name)
    if isinstance(held, str) and held:
        return held
    raise NotAChange(f"{held!r} in the place of {name or 'a name'}")


def moment(value: object) -> str:
    """A time as RFC 3339 in UTC, of text or of seconds since 1970. Raises NotAChange."""
    try:
        match value:
            case str():
                told = datetime.fromisoformat(value)
                parsed = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
            case int() | float():
                parsed = datetime.fromtimestamp(value, UTC)
            case _:
                raise NotAChange(f"{value!r} in the place of a time")
    except (ValueError, OverflowError, OSError) as error:
        raise NotAChange(f"{value!r} in the place of a time") from error
    return parsed.isoformat(timespec="seconds").replace("+00:00", "Z")
