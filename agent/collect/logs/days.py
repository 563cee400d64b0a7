"""Folders by day, as services deliver logs: which days a folder is about, as far as its name tells.

`2026/11/25/` (CloudTrail, load balancers, flow logs, S3: "Log file path" and "Flow log files" in their user guides),
`year=2026/month=11/day=25/` (flow logs, Hive-compatible), `y=2026/m=11/d=25/` (Azure Monitor, "Resource logs in Storage").
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

_YEAR: Final = re.compile(r"(?:y|year)=(20\d\d)|(20\d\d)", re.ASCII)
_MONTH: Final = re.compile(r"(?:m|month)=(0[1-9]|1[0-2])|(0[1-9]|1[0-2])", re.ASCII)
_DAY: Final = re.compile(r"(?:d|day)=(0[1-9]|[12]\d|3[01])|(0[1-9]|[12]\d|3[01])", re.ASCII)
_BESIDE: Final = timedelta(days=1)
"""The days before and after are looked at, too: what is delivered at midnight is of the day before, and clocks have zones."""


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day of a window, or of what a folder holds."""

    first: date
    last: date

    def meets(self, other: Days) -> bool:
        return self.first <= other.last and other.first <= self.last


def window(since: datetime | None, until: datetime) -> Days:
    """The days whose folders may hold rows of the window."""
    return Days(since.date() - _BESIDE if since else date.min, until.date() + _BESIDE)


def days(folder: str) -> Days | None:
    """The year, the month or the day that a folder is about; None where its name does not tell."""
    names = folder.rstrip("/").split("/")
    for depth in (3, 2, 1):
        found = [_number(form, name) for form, name in zip((_YEAR, _MONTH, _DAY), names[-depth:], strict=False)]
        if len(found) == depth and None not in found:
            return _span(*(number for number in found if number is not None))
    return None


def _number(form: re.Pattern[str], name: str) -> int | None:
    found = form.fullmatch(name)
    return int(found[1] or found[2]) if found else None


def _span(year: int, month: int | None = None, day: int | None = None) -> Days | None:
    if month is None:
        return Days(date(year, 1, 1), date(year, 12, 31))
    last = monthrange(year, month)[1]
    if day is None:
        return Days(date(year, month, 1), date(year, month, last))
    return Days(date(year, month, day), date(year, month, day)) if day <= last else None
