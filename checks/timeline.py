"""How a promise fared over time: spans of one verdict, shares of a period, time to repair.

A verdict stands until the next run, but no longer than facts may age: then it is unproven, until somebody looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.verdict import Verdict, proven


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `start` up to `end` in which a verdict stood; `stale` where it is unproven for want of a look."""

    start: datetime
    end: datetime
    verdict: Verdict
    stale: bool = False


def spans(runs: Iterable[tuple[datetime, Verdict | None]], now: datetime, max_age: timedelta) -> list[Span]:
    """The verdicts of runs, in the order of time, as spans up to now. A run without a verdict left it unproven."""
    told = list(runs)
    found: list[Span] = []
    ends = [*(at for at, _ in told[1:]), now]
    for (at, verdict), end in zip(told, ends, strict=False):
        stands = min(end, at + max_age)
        _add(found, Span(at, stands, proven(verdict)))
        if stands < end:
            _add(found, Span(stands, end, Verdict.UNPROVEN, stale=True))
    return found


def _add(found: list[Span], span: Span) -> None:
    if found and (found[-1].verdict, found[-1].stale) == (span.verdict, span.stale):
        found[-1] = Span(found[-1].start, span.end, span.verdict, span.stale)
    else:
        found.append(span)


def shares(held: Sequence[Span], since: datetime, now: datetime) -> Mapping[Verdict, float] | None:
    """Which part of the time from `since` to now, as far as there were runs, each verdict stood; None where that is no time."""
    sums = dict.fromkeys(Verdict, timedelta())
    for span in held:
        sums[span.verdict] += max(min(span.end, now) - max(span.start, since), timedelta())
    whole = sum(sums.values(), timedelta())
    return {verdict: part / whole for verdict, part in sums.items()} if whole else None


def repairs(held: Sequence[Span]) -> list[timedelta]:
    """How long it took each time from broken to upheld. What was out of sight in between was not repaired yet."""
    found: list[timedelta] = []
    opened: datetime | None = None
    for span in held:
        if span.verdict is Verdict.BROKEN and opened is None:
            opened = span.start
        elif span.verdict is Verdict.UPHELD and opened is not None:
            found.append(span.start - opened)
            opened = None
    return found
