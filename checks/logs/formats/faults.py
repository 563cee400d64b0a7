"""What a reader could not read, counted: a line that is skipped in silence is a finding that vanishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 20
"""How many of a kind keep their line; all are counted."""


class NotRecords(ValueError):
    """Contents that are not in the format they are to be in: none of their records is read, or no more of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`line` from 1, None where it is about the whole file. `lost` is whether rows are missing because of it."""

    kind: str
    line: int | None
    what: str
    lost: bool


@dataclass(slots=True)
class Faults:
    """The faults of one file: the first of each kind, and the count of all."""

    first: dict[str, list[Fault]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    lost: int = 0

    def add(self, kind: str, line: int | None, what: str, *, lost: bool, count: int = 1) -> None:
        if count < 1:
            return
        self.counts[kind] = self.counts.get(kind, 0) + count
        self.lost += count if lost else 0
        held = self.first.setdefault(kind, [])
        if len(held) < KEPT:
            held.append(Fault(kind, line, what, lost))

    def __bool__(self) -> bool:
        return bool(self.counts)
