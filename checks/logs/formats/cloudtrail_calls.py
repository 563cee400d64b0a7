"""The derived columns of CloudTrail's records, a column at a time: requests are parsed of those calls only that may tell something."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from itertools import repeat
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.cloudtrail_derived import INTERNAL, SERVICES, TOLD, Call, as_map, by_name, readers, target_members, target_text
from checks.logs.formats.faults import Faults
from checks.logs.formats.members import Path, Records

_SOURCE, _NAME, _REGION = ("eventSource",), ("eventName",), ("awsRegion",)
_INVOKED_BY, _ADDRESS = ("userIdentity", "invokedBy"), ("sourceIPAddress",)
_TOLD_NEEDS: Final[tuple[Path, ...]] = (_SOURCE, _NAME, _REGION, ("requestParameters",), ("responseElements",))
NEEDS: Final[dict[str, tuple[Path, ...]]] = {"by_service": (_INVOKED_BY, _ADDRESS), **dict.fromkeys(sorted(TOLD), _TOLD_NEEDS)}
"""The members that each column is made of."""
_TYPES: Final = {"retention_days": pa.int64()}
"""Of columns that are no truth values."""
Texts = Callable[[Path], Any]
"""The members of records as an Arrow array of texts."""


def columns(records: Records, texts: Texts, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    """Those of NEEDS that are asked for."""
    found: dict[str, Any] = {}
    if "by_service" in asked:
        found["by_service"] = _by_service(texts(_INVOKED_BY), texts(_ADDRESS))
    if "target" in asked:
        found["target"] = _targets(records, texts(_SOURCE))
    told = TOLD.intersection(asked) - {"target"}
    return found | _told(records, texts, told, faults) if told else found


def _by_service(invoked: Any, source: Any) -> Any:
    """As `by_service` says, of all at once."""
    service = functools.reduce(pc.or_, (pc.ends_with(source, end) for end in SERVICES), pc.equal(source, INTERNAL))
    named = pc.fill_null(pc.not_equal(invoked, ""), fill_value=False)
    return pc.if_else(named, pa.scalar(value=True), pc.if_else(pc.equal(source, ""), pa.scalar(None, pa.bool_()), service))


def _targets(records: Records, sources: Any) -> Any:
    """As `target_members` and `target_text` say: of each source at once."""
    coded = sources.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1))
    found, at, there = [pa.nulls(1, pa.string())], np.zeros(len(sources), np.int64), 1
    for code, source in enumerate(coded.dictionary.to_pylist()):
        members = target_members(source)
        places = np.flatnonzero(codes == code)
        if members:
            inner = records.inner("requestParameters", places.tolist(), members)
            found.append(pc.coalesce(*map(_target_texts, members, inner)))
            at[places] = np.arange(there, there + len(places))
            there += len(places)
    return pa.concat_arrays(found).take(pa.array(at))


def _target_texts(member: str, values: list[Any]) -> Any:
    return pa.array([None if value is None else target_text(member, value) for value in values], pa.string())


def _told(records: Records, texts: Texts, asked: Collection[str], faults: Faults) -> dict[str, Any]:
    regions = records.values(_REGION)
    held = {column: np.full(len(regions), None) for column in asked}
    deep: list[int] = []
    for call, places in _by_call(texts(_SOURCE), texts(_NAME)):  # there are few calls, and many of each
        for column, value in by_name(call).items():
            if column in asked:
                held[column][places] = value
        reads = readers(call, asked - by_name(call).keys())
        if not reads:
            continue
        requests = map(as_map, records.parsed("requestParameters", places))
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


def _by_call(sources: Any, names: Any) -> Iterator[tuple[Call, list[int]]]:
    """The places of each call's records."""
    source, name = sources.dictionary_encode(), names.dictionary_encode()
    pairs = np.asarray(source.indices.fill_null(0)).astype(np.int64) * len(name.dictionary) + np.asarray(name.indices.fill_null(0))
    known = np.flatnonzero(np.asarray(sources.is_valid()) & np.asarray(names.is_valid()))
    order = known[np.argsort(pairs[known], kind="stable")]
    for places in np.split(order, np.flatnonzero(np.diff(pairs[order])) + 1):
        if len(places):
            yield (sources[places[0]].as_py(), names[places[0]].as_py()), places.tolist()
