"""The sequence in which objects stand: a number that is skipped, or an hour of a series that has one of every hour, is a hole.

That none is skipped proves nothing: the first or the last may be missing. So a sequence can only take away from what is known.

- `access.log.3.gz`: logrotate counts from the newest (logrotate(8), `rotate`; not where `start` begins the count above 1).
- `08:00:00_08:59:59_S1.json`: the shards of an hour are S0, S1, ..., and what came late A0, A1, ... (Cloud Logging, "View logs routed to
  Cloud Storage").
- `..._vpcflowlogs_<region>_<flow log>_20261120T1405Z_...`: files every 5 minutes (VPC User Guide, "Flow log files"), with a record of
  each interface, NODATA where there was no traffic ("Flow log records").
- `y=2026/m=11/d=20/h=14/.../PT1H.json` of flow logs: one of every hour (Azure Network Watcher, "Virtual network flow logs").

Nothing is made of files that are named after a day: where nothing was logged, there is none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from checks.logs.completeness import PERIODIC, Doubt
from checks.logs.hours import HOUR

Hours = frozenset[datetime]
_NUMBERED: Final = (
    re.compile(r"(?P<series>.*log)\.(?P<number>[1-9][0-9]{0,3})(?:\.gz)?", re.IGNORECASE),
    re.compile(r"(?P<series>.*[0-9]{2}:[0-9]{2}:[0-9]{2}_[0-9]{2}:[0-9]{2}:[0-9]{2}_[SA])(?P<number>[0-9]{1,4})\.json(?:\.gz)?"),
)
_NEWEST: Final = re.compile(r".*log", re.IGNORECASE)
"""What stands before the first of those that logrotate counts."""
_TIMED: Final = (
    (re.compile(r"(?:.*/)?(?P<series>[^/]*_vpcflowlogs_[^/]*)_(?P<time>20[0-9]{6}T[0-9]{2})[0-9]{2}Z_[^/]*"), "%Y%m%dT%H"),
    (re.compile(r"(?P<series>.*)/(?P<time>y=20[0-9]{2}/m=[0-9]{2}/d=[0-9]{2}/h=[0-9]{2})/m=00/(?P<rest>.*)"), "y=%Y/m=%m/d=%d/h=%H"),
)


@dataclass(slots=True)
class Sequences:
    """The sequences of one table's objects, put together as they pass."""

    table: str
    _numbered: dict[str, dict[int, Hours]] = field(default_factory=dict)
    _timed: dict[str, set[datetime]] = field(default_factory=dict)

    def add(self, name: str, rows: Mapping[datetime | None, int]) -> None:
        """An object, and how many rows it has of which hour."""
        hours = frozenset(hour for hour in rows if hour is not None)
        if (place := _number(name)) is not None:
            series, number = place
            held = self._numbered.setdefault(series, {})
            held[number] = held.get(number, frozenset()) | hours
        if self.table in PERIODIC and (at := _time(name)) is not None:
            self._timed.setdefault(at[0], set()).add(at[1])

    def holes(self) -> Iterator[Doubt]:
        """What is missing between two that are there, and of which hours it may be."""
        for series, held in sorted(self._numbered.items()):
            numbers = sorted(held)
            if series.endswith(("_S", "_A")):  # these begin with 0, and all of them are of one hour
                numbers, of = [-1, *numbers], frozenset().union(*held.values())
                yield from (_skipped(series, one, of or None) for one in _between(numbers))
                continue
            for one in _between(numbers):
                newer, older = held[max(n for n in numbers if n < one)], held[min(n for n in numbers if n > one)]
                yield _skipped(f"{series}.", one, _from(older, newer))
        for series, times in sorted(self._timed.items()):
            if missing := frozenset(_hours(min(times), max(times))) - times:
                yield Doubt(series, "there is no object of it, and there is one of every hour", missing)


def _number(name: str) -> tuple[str, int] | None:
    for form in _NUMBERED:
        if found := form.fullmatch(name):
            return found["series"], int(found["number"])
    return (name, 0) if _NEWEST.fullmatch(name) else None


def _time(name: str) -> tuple[str, datetime] | None:
    for form, written in _TIMED:
        if found := form.fullmatch(name):
            with contextlib.suppress(ValueError):
                at = datetime.strptime(found["time"], written).replace(tzinfo=UTC)
                return "/".join([found["series"], *filter(None, [found.groupdict().get("rest")])]), at
    return None


def _between(numbers: list[int]) -> Iterator[int]:
    """What is missing from the first to the last of numbers in order."""
    there = set(numbers)
    return (one for one in range(numbers[0], numbers[-1]) if one not in there)


def _skipped(series: str, number: int, hours: Hours | None) -> Doubt:
    return Doubt(f"{series}{number}", "its number is skipped: it was deleted, or not downloaded", hours)


def _from(older: Hours, newer: Hours) -> Hours | None:
    """The hours that may be between two objects; None where nobody can tell."""
    if not older or not newer or max(older) > min(newer):
        return None
    return frozenset(_hours(max(older), min(newer)))


def _hours(first: datetime, last: datetime) -> Iterator[datetime]:
    at = first
    while at <= last:
        yield at
        at += HOUR
