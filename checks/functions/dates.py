"""Time between two moments."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from checks.functions.declare import DataError, function

# RFC 3339, and the offset without a colon that Lambda writes (2026-01-01T00:00:00.000+0000).
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})", re.ASCII
)


@function(returns="double", earlier="string|timestamp", later="string|timestamp")
def days_between(earlier: str | datetime, later: str | datetime) -> float:
    """Days of 24 hours from the first moment to the second, with fractions; negative if the second comes first.

    Each is a timestamp, such as `now`, or text after RFC 3339 with seconds and an offset: '2026-01-01T00:00:00Z'. So
    `days_between(resource.CreateDate, now) <= 90.0` is an age of at most 90 days; note the decimal point.

    DataError: text that is no such moment: 'N/A', a date alone, a time without an offset.
    Source: RFC 3339.
    """
    return (_moment(later) - _moment(earlier)) / timedelta(days=1)


def _moment(value: str | datetime) -> datetime:
    if isinstance(value, datetime):
        moment = value
    else:
        if not isinstance(value, str) or not _MOMENT.fullmatch(value):
            raise DataError(f"not a moment after RFC 3339: {value!r}")
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise DataError(f"not a moment after RFC 3339: {value!r}") from error
    if moment.utcoffset() is None:
        raise DataError(f"a time without an offset: {value!r}")
    return moment
