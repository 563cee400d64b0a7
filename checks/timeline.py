"""How a promise fared over time: spans of one verdict, shares of a period, time to repair.

A verdict stands until the next run, but no longer than what it rests on counts: then it is unproven, until somebody looks again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.verdict import Verdict, combine, proven


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `start` up to `end` in which a verdict stood; `stale` where it is unproven for want of a look."""

    start: datetime
    end: datetime
    verdict: Verdict
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a run said of a promise: None for no verdict, which leaves it unproven. `until`: up to when what it rests on counts."""

    at: datetime
    verdict: Verdict | None
    until: datetime


def spans(runs: Iterable[Told], now: datetime) -> list[Span]:
    """The verdicts of runs, in the order of time, as spans up to now."""
    told = list(runs)
    found: list[Span] = []
    ends = [*(one.at for one in told[1:]), now]
    for one, end in zip(told, ends, strict=False):
        at, verdict, stands = one.at, one.verdict, min(end, max(one.at, one.until))
        _add(found, Span(at, stands, proven(verdict)))
        if stands < end:
            _add(found, Span(stands, end, Verdict.UNPROVEN, stale=True))
    return found


def _add(found: list[Span], span: Span) -> None:
    if found and (found[-1].verdict, found[-1].stale) == (span.verdict, span.stale):
        found[-1] = Span(found[-1].start, span.end, span.verdict, span.stale)
    else:
        found.append(span)


def together(parts: Sequence[Sequence[Span]]) -> list[Span]:
    """What several parts of a configuration come to, each with spans of its own: broken over unproven over upheld."""
    if len(parts) == 1:
        return list(parts[0])
    found: list[Span] = []
    edges = sorted({edge for held in parts for span in held for edge in (span.start, span.end)})
    for start, end in itertools.pairwise(edges):
        there = [span for held in parts for span in held if span.start <= start and end <= span.end]
        verdict = proven(combine(span.verdict for span in there))
        _add(found, Span(start, end, verdict, stale=all(span.stale for span in there if span.verdict is verdict)))
    return found or [span for held in parts for span in held][:1]


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
