"""Texts of logs as typed Arrow columns; what does not have the type is null, and counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.faults import Faults
from checks.logs.tables import Table, address_columns, address_parts

TIME: Final = pa.timestamp("us", tz="UTC")
_INTEGER: Final = r"^-?[0-9]{1,18}$"
_EPOCH: Final = re.compile(r"[0-9]{10}([0-9]{3})?")
_LATEST: Final = 1 << 36
"""Seconds since 1970 beyond any log: the year 4147."""


def batch(table: Table, columns: Mapping[str, Any], object_: str, lines: Any) -> Any:
    """A record batch of a table: the columns that were read, null for all others."""
    schema = table.schema()
    count = len(lines)
    held = {"object": pa.repeat(pa.scalar(object_, pa.string()), count), "line": lines, **columns}
    arrays = [_flat(held[field.name], field.type) if field.name in held else pa.nulls(count, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _flat(array: Any, type_: Any) -> Any:
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole if whole.type == type_ else whole.cast(type_)


def integers(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Whole numbers; they may have been read already."""
    if pa.types.is_integer(array.type):
        return array.cast(pa.int64())
    fits = pc.match_substring_regex(array, _INTEGER)
    return _only(array, fits, lines, name, faults).cast(pa.int64())


def seconds(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Times in seconds since 1970."""
    held = integers(array, lines, name, faults)
    fits = pc.and_(pc.greater_equal(held, 0), pc.less(held, _LATEST))
    return pc.multiply(_only(held, fits, lines, name, faults), 1_000_000).cast(TIME)


def times(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Times in ISO 8601, or in seconds or milliseconds since 1970; they may have been read already."""
    if pa.types.is_timestamp(array.type):
        return array
    try:
        return array.cast(TIME)
    except pa.ArrowInvalid:
        pass
    found = [moment(text) for text in array.to_pylist()]
    held = pa.array(found, TIME)
    _count(pc.and_(pc.is_null(held), pc.is_valid(array)), lines, name, faults)
    return held


def moment(value: object) -> datetime | None:
    """One time, however it is written; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def addresses(array: Any, name: str, lines: Any, faults: Faults) -> dict[str, Any]:
    """The three columns of an address; each distinct text is parsed once."""
    coded = (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array).dictionary_encode()
    parts = [_parts(text) for text in coded.dictionary.to_pylist()]
    found = {}
    for index, column in enumerate(address_columns(name)):
        values = pa.array([None if one is None else one[index] for one in parts], pa.int64())
        found[column] = pc.take(values, coded.indices)
    first = found[address_columns(name)[0]]
    _count(pc.and_(pc.is_null(first), pc.is_valid(array)), lines, name, faults)
    return found


def _parts(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    try:
        return address_parts(text)
    except ValueError:
        return None


def _only(array: Any, fits: Any, lines: Any, name: str, faults: Faults) -> Any:
    _count(pc.invert(pc.fill_null(fits, fill_value=True)), lines, name, faults)
    return pc.if_else(fits, array, pa.scalar(None, array.type))


def _count(bad: Any, lines: Any, name: str, faults: Faults) -> None:
    count = pc.sum(bad).as_py() or 0
    if count:
        first = pc.index(bad, value=True).as_py()
        faults.add("value", lines[first].as_py(), f"{name} does not have the form it must", lost=False, count=count)
