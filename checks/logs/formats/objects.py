"""Logs with a JSON object in each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from checks.logs.formats.faults import Faults
from checks.logs.formats.lines import chunks, clean


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of a chunk, and each one's line."""

    held: list[dict[str, Any]]
    lines: list[int]

    def values(self, *path: str) -> list[Any]:
        """A member of each, or of an object in each; null where there is none."""
        first, *inner = path
        found = [one.get(first) for one in self.held]
        for member in inner:
            found = [value.get(member) if isinstance(value, dict) else None for value in found]
        return found


def objects(pieces: Iterable[bytes], faults: Faults) -> Iterator[Objects]:
    """Chunks of objects. A line that is none is counted as a fault."""
    for chunk in chunks(pieces, faults):
        data, numbers = clean(chunk, faults, 0)
        found = Objects([], [])
        for number, line in zip(numbers, data.split(b"\n"), strict=bool(numbers)):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                faults.add("malformed", number, f"not JSON: {error.msg}", lost=True)
                continue
            if isinstance(value, dict):
                found.held.append(value)
                found.lines.append(number)
            else:
                faults.add("malformed", number, "JSON, but not an object", lost=True)
        if found.held:
            yield found
