"""The derived columns of CloudTrail's records, a column at a time: requests are parsed of those calls only that may tell something."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats.cloudtrail_derived import TOLD, by_service, derived, may_tell
from checks.logs.formats.faults import Faults
from checks.logs.formats.members import Path, Records

_TOLD_NEEDS: Final[tuple[Path, ...]] = (("eventSource",), ("eventName",), ("awsRegion",), ("requestParameters",), ("responseElements",))
NEEDS: Final[dict[str, tuple[Path, ...]]] = {
    "by_service": (("userIdentity", "invokedBy"), ("sourceIPAddress",)), **dict.fromkeys(sorted(TOLD), _TOLD_NEEDS)
}  # fmt: skip
"""The members that each column is made of."""
_TYPES: Final = {"target": pa.string(), "retention_days": pa.int64()}
"""Of columns that are no truth values."""


def columns(records: Records, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    """Those of NEEDS that are asked for."""
    found: dict[str, Any] = {}
    if "by_service" in asked:
        invoked_by, sources = map(records.values, NEEDS["by_service"])
        found["by_service"] = pa.array(map(by_service, invoked_by, sources), pa.bool_())
    told = TOLD.intersection(asked)
    return found | _told(records, told, faults) if told else found


def _told(records: Records, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    sources, names, regions = (records.values(path) for path in _TOLD_NEEDS[:3])
    may = functools.cache(lambda source, name: may_tell((source, name), asked))  # there are few calls, and many of each
    which = [
        place
        for place, (source, name) in enumerate(zip(sources, names, strict=True))
        if isinstance(source, str) and isinstance(name, str) and may(source, name)
    ]
    requests = records.parsed("requestParameters", which)
    answered = [place for place in which if may_tell((sources[place], names[place]), {"encrypted"})] if "encrypted" in asked else []
    responses = dict(zip(answered, records.parsed("responseElements", answered), strict=True))
    held: dict[str, list[Any]] = {column: [None] * len(names) for column in asked}
    for place, request in zip(which, requests, strict=True):
        record = {
            "eventSource": sources[place], "eventName": names[place], "awsRegion": regions[place], "requestParameters": request,
            "responseElements": responses.get(place),
        }  # fmt: skip
        try:
            values = derived(record)
        except RecursionError:
            faults.add("value", records.lines[place], "requestParameters is nested too deeply to be judged", lost=False)
            continue
        for column in asked:
            held[column][place] = values[column]
    return {column: pa.array(values, _TYPES.get(column, pa.bool_())) for column, values in held.items()}
