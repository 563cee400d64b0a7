"""What `upheld logs scan` prints: what the files hold, hour by hour, what could not be read, and what rules over rows come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from agent.publish.printable import printable
from agent.publish.result import Result
from agent.publish.text import TextReport
from agent.terminal import colour
from checks.model import Gap

MOST = 20


def lines(result: Result) -> Iterator[str]:
    for source in result.logs:
        yield from _source(source)
    gaps = [gap for gap in result.gaps if gap.id is not None]
    for gap in gaps[:MOST]:
        yield printable(f"not read: {_place(gap)}: {gap.message}")
    if len(gaps) > MOST:
        yield f"and {len(gaps) - MOST} more gaps (--format json lists them all)"
    if not result.logs:
        yield "nothing was read"
        return
    yield from list(TextReport(colour()).lines(result))[1:]


def _source(source: Mapping[str, Any]) -> Iterator[str]:
    """One line, and one for each run of hours of which the same is known."""
    objects = "1 file" if source["objects"] == 1 else f"{source['objects']:,} files"
    yield printable(f"{source['table'].removeprefix('log.')}: {source['rows']:,} rows in {objects}")
    for why, held in groupby(source["hours"], key=lambda hour: tuple(hour["why"])):
        hours = list(held)
        rows = sum(hour["rows"] for hour in hours)
        yield printable(f"  {hours[0]['from']} to {hours[-1]['until']}  {rows:>12,}" + (f"  {'; '.join(why)}" if why else ""))
    if without := source.get("rows_without_time"):
        yield f"  without a time{without:>42,}"


def _place(gap: Gap) -> str:
    line = gap.field.removeprefix("line ") if gap.field else None
    return f"{gap.id}:{line}" if line else str(gap.id)
