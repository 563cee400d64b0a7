"""What broke a rule, in the form that an exception is bound to.

Of a resource it is a digest. Of rows it is a digest of their group, and how many there were in each hour: `3f2a@2026-11-20T14=2`. What a
person accepts is what was seen: when an hour has more rows than were accepted, or another hour has any, the exception covers them no
more. As the window moves on and hours leave it, it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

_ROWS: Final = "@"
_NO_TIME: Final = "-"


def of_rows(group: str, counts: Mapping[datetime | None, int]) -> str:
    """`group` is a digest; `counts` are by the start of their hour, None for rows without a time."""
    hours = sorted((_NO_TIME if hour is None else f"{hour.astimezone(UTC):%Y-%m-%dT%H}", count) for hour, count in counts.items())
    return group + _ROWS + ",".join(f"{hour}={count}" for hour, count in hours)


def what(counterexample: str) -> str:
    """Of what it is, however many rows of it there are: what makes it another one is told as a change."""
    return counterexample.partition(_ROWS)[0]


def comes_again(counterexample: str) -> bool:
    """Whether more of it may come: rows are written as long as things are as they are."""
    return _ROWS in counterexample


def covers(accepted: str, seen: str) -> bool:
    """Whether what was accepted takes in all that is seen."""
    if accepted == seen:
        return True
    if not (comes_again(accepted) and comes_again(seen)) or what(accepted) != what(seen):
        return False
    allowed = _counts(accepted)
    return all(count <= allowed.get(hour, 0) for hour, count in _counts(seen).items())


def _counts(counterexample: str) -> dict[str, int]:
    """By hour; what a person wrote otherwise counts for nothing."""
    found = (one.rpartition("=") for one in counterexample.partition(_ROWS)[2].split(","))
    return {hour: int(count) for hour, _, count in found if count.isdecimal()}
