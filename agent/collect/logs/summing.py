"""What the objects of one format come to, put together as they pass: rows by hour, counts, doubts, and personal data."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from checks.logs.completeness import Doubt
from checks.logs.hours import HOUR
from checks.logs.object_read import ObjectRead
from checks.logs.partial import Partial, merge
from checks.logs.personal import found as personal
from checks.logs.personal.found import Found
from checks.logs.personal.pattern import CLIENT_ADDRESS, CLIENT_AND_USER
from checks.logs.rows import rfc3339
from checks.logs.sequence import Sequences

_LISTS: Final = {CLIENT_ADDRESS: "Clients", CLIENT_AND_USER: "Linked", "aws-access-key-id": "KeyIds"}
_AHEAD: Final = timedelta(days=1)
"""How far ahead of the collection's a clock may be, or be thought to be where its zone is not told. What is later is of no time."""
_LONGEST: Final = timedelta(days=731)
"""For how long hours are told of where no window was asked for: one row with a wrong time must not make more of them."""
_TOGETHER: Final = 64
"""So many objects are written to the memory in one transaction."""


@dataclass(slots=True)
class Sum:
    """What the objects of one format come to, put together as they pass."""

    source: str
    format: str
    start: datetime | None
    until: datetime
    counts: Partial = field(default_factory=Partial)
    rows: Counts[datetime | None] = field(default_factory=Counts)
    doubts: list[Doubt] = field(default_factory=list)
    objects: int = 0
    whole: bool = True
    """Whether each of them was read to its end."""
    personal: list[Found] = field(default_factory=list)
    read: int = 0
    """Rows of all of them, in the window or not."""
    sequences: Sequences = field(init=False)
    _waiting: list[Partial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sequences = Sequences(f"log.{self.format}")

    def add(self, read: ObjectRead) -> None:
        self.objects += 1
        self.sequences.add(read.name, read.rows)
        self.read += read.count
        self.doubts += [*read.doubts(), *self._ahead(read)]
        self.whole = self.whole and read.whole
        if read.personal is not None:
            self.personal = [personal.merge([*self.personal, personal.restore(read.personal)])]
        rows = {hour: number for hour, number in read.rows.items() if self._within(hour)}
        self.rows.update(rows)
        cells = {replace(key, source=self.source): held for key, held in read.counts.cells.items() if self._within(key.hour)}
        samples = {replace(key, source=self.source): held for key, held in read.counts.samples.items() if self._within(key.hour)}
        self._waiting.append(Partial(cells, samples, {self.source: sum(rows.values())}))
        if len(self._waiting) >= _TOGETHER:
            self.counted()

    def elsewhere(self, counted: Partial) -> None:
        """Take the place of what was counted here: the cells of the window."""
        cells = {key: held for key, held in counted.cells.items() if self._within(key.hour)}
        samples = {key: held for key, held in counted.samples.items() if self._within(key.hour)}
        self.counts = merge([Partial(cells, samples, {self.source: self.rows.total()})])
        self._waiting.clear()

    def counted(self) -> Partial:
        self.counts = merge([self.counts, *self._waiting])
        self._waiting.clear()
        return self.counts

    @property
    def hours(self) -> frozenset[datetime]:
        return frozenset(hour for hour in self.rows if hour is not None)

    def window(self) -> tuple[datetime, datetime]:
        """What is told of: the window that was asked for, else that of the rows."""
        if self.start is not None:
            return self.start, self.until
        known = self._known()
        if not known:
            return self.until, self.until
        end = max(known) + HOUR
        return max(min(known), end - _LONGEST), end

    def beyond(self, start: datetime) -> Iterator[Doubt]:
        """What says that there are rows from before the window that is told of, where none was asked for."""
        if self.start is None and min(self._known(), default=start) < start:
            yield Doubt(self.source, f"there are rows from before {rfc3339(start)}, too far back to be told of", None)

    def _known(self) -> frozenset[datetime]:
        known = self.hours | {hour for doubt in self.doubts for hour in doubt.hours or ()}
        return frozenset(hour for hour in known if hour < self.until + _AHEAD)

    def _ahead(self, read: ObjectRead) -> Iterator[Doubt]:
        """What rows of a time that has not come say: they may be of any hour."""
        if number := sum(count for hour, count in read.rows.items() if hour is not None and hour >= self.until + _AHEAD):
            yield Doubt(read.name, f"{number:,} of its rows are of a time that has not come", None)

    def _within(self, hour: datetime | None) -> bool:
        """Whether rows of an hour are in the window; rows without a time, and those of one that has not come, are in every window."""
        return hour is None or self.start is None or self.start <= hour < self.until or hour >= self.until + _AHEAD


def personal_found(found: Sum) -> dict[str, Any]:
    """What the scan came to: hits of people, of clients' addresses, of users beside them; and what could not be relied on. It is
    worth nothing unless it was of every row, and of any: where nothing was read, nothing was found.

    An access key id names a key and opens nothing, and CloudTrail writes one into nearly every record.
    """
    merged = personal.merge(found.personal)
    whole = sum(merged.rows.values()) == found.read > 0
    kept: dict[str, list[dict[str, Any]]] = {"Found": [], "Clients": [], "Linked": [], "KeyIds": []}
    for hit in personal.plain(merged)["hits"]:
        told = {
            "Column": hit["column"], "Pattern": hit["pattern"], "Kind": hit["kind"], "Rows": hit["rows"], "Count": hit["count"],
            "Object": hit["first"]["object"], "Line": hit["first"]["line"], "Hashes": hit["hashes"],
        }  # fmt: skip
        kept[_LISTS.get(hit["pattern"], "Found")].append(told)
    doubtful = sorted({pattern for _, _, pattern in personal.unproven(merged)})
    sentences = [_sentence(hit) for hit in kept["Found"]]
    return {**kept, "Told": sentences, **({"Reliable": True} if whole and not doubtful else {}), "Doubtful": doubtful}


def _sentence(hit: Mapping[str, Any]) -> str:
    where = f", first in line {hit['Line']} of {hit['Object']}" if hit["Line"] is not None else ""
    rows = "1 row" if hit["Rows"] == 1 else f"{hit['Rows']:,} rows"
    return f"{hit['Pattern']} in {hit['Column']} of {rows}{where}"
