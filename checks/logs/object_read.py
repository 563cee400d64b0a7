"""What one object of a log came to: how many rows of which hour, what of it could not be read, what each question counted.

It is kept from run to run, so it goes to JSON and back; equal objects give equal records, in whatever order they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from checks.logs.completeness import Doubt
from checks.logs.formats.faults import Fault
from checks.logs.partial import Partial, plain, restore
from checks.logs.rows import rfc3339
from checks.model import Reason

SKIPPED = "skipdata"


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """`sha256` is over the uncompressed contents, None where they could not be read to their end. `rows` by their hour, None for
    rows without a time. `unread` is why it was not read to its end, `reason` that of the look that failed, where that is why, and
    `action` the permission it needs; `damaged` are bytes that are there and wrong. `doubtful`: the hours that cannot be told because of it, None
    for all. `faults`: by kind, the first of them, and how many there are. `personal`: what the scan for personal data found."""

    name: str
    format: str | None
    sha256: str | None
    rows: Mapping[datetime | None, int]
    unread: str | None
    damaged: bool
    doubtful: frozenset[datetime] | None
    faults: tuple[tuple[Fault, int], ...] = ()
    counts: Partial = field(default_factory=Partial)
    personal: Mapping[str, Any] | None = None
    reason: Reason | None = None
    action: str | None = None

    @property
    def count(self) -> int:
        return sum(self.rows.values())

    @property
    def whole(self) -> bool:
        return self.unread is None and self.doubtful == frozenset()

    def doubts(self) -> list[Doubt]:
        """What it says against the hours it may be about."""
        if self.whole:
            return []
        skipped = any(fault.kind == SKIPPED for fault, _ in self.faults)
        lost = [f"{fault.what} (line {fault.line})" if fault.line else fault.what for fault, _ in self.faults if fault.lost]
        why = self.unread or (lost[0] if lost else "rows without a time")
        return [Doubt(self.name, why, self.doubtful, lost=skipped and self.unread is None)]


def record(read: ObjectRead) -> dict[str, Any]:
    """As JSON holds it."""
    return {
        "name": read.name,
        "format": read.format,
        "sha256": read.sha256,
        "rows": [[_text(hour), count] for hour, count in sorted(read.rows.items(), key=lambda one: (one[0] is None, _text(one[0]) or ""))],
        "unread": read.unread,
        "damaged": read.damaged,
        "doubtful": None if read.doubtful is None else sorted(map(rfc3339, read.doubtful)),
        "faults": [[fault.kind, fault.line, fault.what, fault.lost, count] for fault, count in read.faults],
        "counts": plain(read.counts),
        "personal": read.personal,
        "reason": read.reason,
        "action": read.action,
    }


def of_record(held: Mapping[str, Any]) -> ObjectRead:
    """The inverse of `record`. Raises KeyError, TypeError or ValueError for what is none."""
    return ObjectRead(
        held["name"],
        held["format"],
        held["sha256"],
        {None if hour is None else datetime.fromisoformat(hour): count for hour, count in held["rows"]},
        held["unread"],
        held["damaged"],
        None if held["doubtful"] is None else frozenset(map(datetime.fromisoformat, held["doubtful"])),
        tuple((Fault(kind, line, what, lost), count) for kind, line, what, lost, count in held["faults"]),
        restore(held["counts"]),
        held["personal"],
        None if held["reason"] is None else Reason(held["reason"]),
        held["action"],
    )


def _text(hour: datetime | None) -> str | None:
    return None if hour is None else rfc3339(hour)
