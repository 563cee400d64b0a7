"""The derived columns of CloudTrail's records, a column at a time: requests are parsed of those calls only that may tell something."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import repeat
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.cloudtrail_derived import INTERNAL, SERVICES, TOLD, Call, as_map, by_service, readers, target_members
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
        found["by_service"] = _by_service(*map(records.values, NEEDS["by_service"]))
    told = TOLD.intersection(asked)
    return found | _told(records, told, faults) if told else found


def _by_service(invoked_by: Sequence[Any], sources: Sequence[Any]) -> Any:
    """As `by_service` says, of all at once."""
    try:
        invoked, source = (pa.array(values, pa.string()) for values in (invoked_by, sources))
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # one is no text
        return pa.array(map(by_service, invoked_by, sources), pa.bool_())
    service = functools.reduce(pc.or_, (pc.ends_with(source, end) for end in SERVICES), pc.equal(source, INTERNAL))
    named = pc.fill_null(pc.not_equal(invoked, ""), fill_value=False)
    return pc.if_else(named, pa.scalar(value=True), pc.if_else(pc.equal(source, ""), pa.scalar(None, pa.bool_()), service))


def _told(records: Records, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    sources, names, regions = (records.values(path) for path in _TOLD_NEEDS[:3])
    held: dict[str, list[Any]] = {column: [None] * len(names) for column in asked}
    deep: list[int] = []
    for call, places in _by_call(sources, names).items():  # there are few calls, and many of each
        reads = readers(call, asked)
        if not reads:
            continue
        only = target_members(call[0]) if reads.keys() == {"target"} else None  # so it is of most, and what else a request says is left
        requests = map(as_map, records.parsed("requestParameters", places, only))
        responses = map(as_map, records.parsed("responseElements", places) if "encrypted" in reads else repeat(None, len(places)))
        for place, request, response in zip(places, requests, responses, strict=True):
            region = regions[place]
            for column, read in reads.items():
                try:
                    held[column][place] = read(call, request, response, region if isinstance(region, str) else None)
                except RecursionError:
                    deep.append(place)
    for place in sorted(deep):
        faults.add("value", records.lines[place], "requestParameters is nested too deeply to be judged", lost=False)
    return {column: pa.array(values, _TYPES.get(column, pa.bool_())) for column, values in held.items()}


def _by_call(sources: Sequence[Any], names: Sequence[Any]) -> dict[Call, list[int]]:
    """The places of each call's records."""
    found: dict[Call, list[int]] = defaultdict(list)
    for place, (source, name) in enumerate(zip(sources, names, strict=True)):
        if isinstance(source, str) and isinstance(name, str):
            found[source, name].append(place)
    return found
