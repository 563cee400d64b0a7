"""What rules came to over some rows of a log, as counts that can be put together in any order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from checks.logs.rows import rfc3339
from checks.model import digest
from checks.verdict import Verdict

SAMPLES: Final = 3
GROUPS: Final = 5000
"""How many groups a rule tells apart in a source. What is put into a group may be whatever a stranger sends: a host name, a user agent."""
REST: Final = "(all further ones)"
"""In the place of the values of all groups beyond these."""
Truth = bool | None
Cell = tuple[Truth, Truth]
"""What `applies_if` and `upheld_if` are for a row: None is neither true nor false. Without `applies_if` the first is True."""
Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Key:
    """`rule` tells a rule under its parameters; `hour` is its start in UTC, None for rows without a time; `group` holds the values of
    `group_by`, and is empty for the rows to which the rule does not apply."""

    source: str
    rule: str
    hour: datetime | None
    group: tuple[Scalar, ...]

    @property
    def order(self) -> tuple[object, ...]:
        return self.source, self.rule, _moment(self.hour), tuple(map(_place, self.group)), len(self.group)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows, and the times of the first and the last; None where none of them has a time."""

    count: int
    first: datetime | None
    last: datetime | None

    def __add__(self, other: Tally) -> Tally:
        firsts = [moment for moment in (self.first, other.first) if moment is not None]
        lasts = [moment for moment in (self.last, other.last) if moment is not None]
        return Tally(self.count + other.count, min(firsts, default=None), max(lasts, default=None))


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that breaks a promise, masked; where it stands, and when it was."""

    time: datetime | None
    object_: str | None
    line: int | None
    shown: tuple[tuple[str, Scalar], ...]

    @property
    def order(self) -> tuple[object, ...]:
        return _moment(self.time), _place(self.object_), _place(self.line), tuple((name, _place(value)) for name, value in self.shown)


@dataclass(frozen=True, slots=True)
class Partial:
    """`cells`: for each key, the rows by what the two conditions are; `samples`: of the rows that apply and are not upheld, the
    first SAMPLES; `rows`: how many were read of each source."""

    cells: Mapping[Key, Mapping[Cell, Tally]] = field(default_factory=dict)
    samples: Mapping[Key, tuple[Sample, ...]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


def merge(partials: Iterable[Partial], *, groups: int = GROUPS) -> Partial:
    """All of them together: in any order, in any grouping, with the same result. Rows of more than so many groups are counted as one."""
    cells: dict[Key, dict[Cell, Tally]] = {}
    samples: dict[Key, list[Sample]] = {}
    rows: dict[str, int] = {}
    for one in partials:
        for key, counted in one.cells.items():
            _count(cells, key, counted)
        for key, shown in one.samples.items():
            _show(samples, key, shown)
        for source, count in one.rows.items():
            rows[source] = rows.get(source, 0) + count
    for key in _beyond(cells, groups):
        rest = replace(key, group=(REST,) * len(key.group))
        _count(cells, rest, cells.pop(key))
        _show(samples, rest, samples.pop(key, []))
    return Partial(cells, {key: tuple(shown) for key, shown in samples.items() if shown}, rows)


def _count(cells: dict[Key, dict[Cell, Tally]], key: Key, counted: Mapping[Cell, Tally]) -> None:
    held = cells.setdefault(key, {})
    for cell, tally in counted.items():
        held[cell] = held[cell] + tally if cell in held else tally


def _show(samples: dict[Key, list[Sample]], key: Key, shown: Iterable[Sample]) -> None:
    samples[key] = sorted([*samples.get(key, ()), *shown], key=lambda sample: sample.order)[:SAMPLES]


def _beyond(cells: Collection[Key], groups: int) -> list[Key]:
    """The keys of groups that are too many. Those stay whose digests come first: they do so among any of the rows, so that their counts are
    the same in whatever order rows are counted."""
    if len(cells) <= groups:
        return []
    told: dict[tuple[str, str], set[tuple[Scalar, ...]]] = {}
    for key in cells:
        if set(key.group) - {REST}:
            told.setdefault((key.source, key.rule), set()).add(key.group)
    rest = {of: frozenset(sorted(held, key=lambda group: digest(list(group)))[groups:]) for of, held in told.items() if len(held) > groups}
    return [key for key in cells if rest and key.group in rest.get((key.source, key.rule), ())]


def verdict(counted: Mapping[Cell, Tally]) -> Verdict | None:
    """What rows alone come to: broken over unproven over upheld, None where the rule applies to none of them.

    Whether every row there was has been seen, completeness says: an upheld of this function is only of these rows.
    """
    if (True, False) in counted:
        return Verdict.BROKEN
    if any(applies is None or (applies and upheld is None) for applies, upheld in counted):
        return Verdict.UNPROVEN
    return Verdict.UPHELD if (True, True) in counted else None


def plain(partial: Partial) -> dict[str, Any]:
    """As JSON holds it, in one order: equal partials give equal bytes."""
    return {
        "rows": dict(sorted(partial.rows.items())),
        "cells": [
            {
                "source": key.source, "rule": key.rule, "hour": _text(key.hour), "group": list(key.group),
                "counts": [
                    {"applies": cell[0], "upheld": cell[1], "rows": tally.count, "first": _text(tally.first), "last": _text(tally.last)}
                    for cell, tally in sorted(partial.cells[key].items(), key=lambda one: tuple(map(_place, one[0])))
                ],
                "samples": [
                    {"time": _text(one.time), "object": one.object_, "line": one.line, "shown": dict(one.shown)}
                    for one in partial.samples.get(key, ())
                ],
            }
            for key in sorted(partial.cells, key=lambda key: key.order)
        ],
    }  # fmt: skip


def restore(held: Mapping[str, Any]) -> Partial:
    """The partial of which `plain` made this. Raises KeyError, TypeError or ValueError for what is none."""
    cells, samples = {}, {}
    for one in held["cells"]:
        key = Key(one["source"], one["rule"], _read(one["hour"]), tuple(one["group"]))
        cells[key] = {
            (cell["applies"], cell["upheld"]): Tally(cell["rows"], _read(cell["first"]), _read(cell["last"])) for cell in one["counts"]
        }
        if one["samples"]:
            samples[key] = tuple(
                Sample(_read(shown["time"]), shown["object"], shown["line"], tuple(shown["shown"].items())) for shown in one["samples"]
            )
    return Partial(cells, samples, dict(held["rows"]))


def _moment(moment: datetime | None) -> tuple[bool, float]:
    return moment is None, 0.0 if moment is None else moment.timestamp()


def _place(value: Scalar) -> tuple[int, str, int]:
    """An order for values of any kind: truth values, numbers, texts, and what is null last."""
    match value:
        case None:
            return 3, "", 0
        case str():
            return 2, value, 0
        case bool():
            return 0, "", int(value)
    return 1, "", value


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
