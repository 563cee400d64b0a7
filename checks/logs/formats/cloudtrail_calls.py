"""The derived columns of CloudTrail's records, a column at a time: requests are parsed of those calls only that may tell something."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any, Final

import pyarrow as pa

from checks.logs.formats.cloudtrail_derived import TOLD, Reader, as_map, by_service, readers
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
        found["by_service"] = pa.array(_by_service(*map(records.values, NEEDS["by_service"])), pa.bool_())
    told = TOLD.intersection(asked)
    return found | _told(records, told, faults) if told else found


def _by_service(invoked_by: Sequence[Any], sources: Sequence[Any]) -> list[bool | None]:
    try:
        return list(map(functools.cache(by_service), invoked_by, sources))  # few call, and often
    except TypeError:  # one is a list or an object
        return list(map(by_service, invoked_by, sources))


def _told(records: Records, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    sources, names, regions = (records.values(path) for path in _TOLD_NEEDS[:3])
    may = functools.cache(lambda source, name: readers((source, name), asked))  # there are few calls, and many of each
    which, how = list[int](), list[dict[str, Reader]]()
    for place, (source, name) in enumerate(zip(sources, names, strict=True)):
        if isinstance(source, str) and isinstance(name, str) and (reads := may(source, name)):
            which.append(place)
            how.append(reads)
    requests = records.parsed("requestParameters", which)
    answered = [place for place, reads in zip(which, how, strict=True) if "encrypted" in reads]
    responses = dict(zip(answered, records.parsed("responseElements", answered), strict=True))
    held: dict[str, list[Any]] = {column: [None] * len(names) for column in asked}
    for place, reads, request in zip(which, how, requests, strict=True):
        region = regions[place] if isinstance(regions[place], str) else None
        told = (sources[place], names[place]), as_map(request), as_map(responses.get(place)), region
        for column, read in reads.items():
            try:
                held[column][place] = read(*told)
            except RecursionError:
                faults.add("value", records.lines[place], "requestParameters is nested too deeply to be judged", lost=False)
    return {column: pa.array(values, _TYPES.get(column, pa.bool_())) for column, values in held.items()}
