"""Texts of logs as typed Arrow columns; what does not have the type is null, and counted."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats import cut, ipv4
from checks.logs.formats.faults import Faults
from checks.logs.table import Table, address_columns, address_parts
from checks.logs.tables import TABLES

TIME: Final = pa.timestamp("us", tz="UTC")
_TYPES: Final = (pa.string(), pa.int64(), pa.bool_(), TIME)
"""Of the columns of all tables."""
_INTEGER: Final = r"^-?[0-9]{1,18}$"
(_ZERO,) = b"0"
_ISO: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}[T ][0-9]{2}:?[0-9]{2}(:?[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?")
_EPOCH: Final = re.compile(r"[0-9]{10}([0-9]{3})?")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COMMON_LOG: Final = rf"^[0-9]{{2}}/({'|'.join(_MONTHS)})/[0-9]{{4}}:[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} [+-][0-9]{{4}}$"
_LATEST: Final = 1 << 36
"""Seconds since 1970 beyond any log: the year 4147."""
_FIRST, _LAST = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC), TIME) for year in (1970, 2200))
"""A row of the year 1 would put every hour since then in doubt."""


def batch(table: Table, columns: Mapping[str, Any], object_: str, lines: Any) -> Any:
    """A record batch of a table: the columns that were read, null for all others. A row of an impossible time has none."""
    schema = _schema(table.name)
    count = len(lines)
    held = {"object": pa.repeat(pa.scalar(object_, pa.string()), count), "line": lines, **columns}
    if "time" in held:
        held["time"] = plausible(_flat(held["time"], TIME))
    nothing = {type_: pa.nulls(count, type_) for type_ in _TYPES}
    arrays = [_flat(held[name], type_) if name in held else nothing[type_] for name, type_ in zip(schema.names, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@functools.cache
def _schema(name: str) -> pa.Schema:
    return TABLES[name].schema()


def _flat(array: Any, type_: Any) -> Any:
    whole = _whole(array)
    return whole if whole.type == type_ else whole.cast(type_)


def plausible(found: Any) -> Any:
    """The times from 1970 to 2199; null for all other, of which no log is."""
    fits = pc.and_(pc.greater_equal(found, _FIRST), pc.less(found, _LAST))
    return pc.if_else(fits, found, pa.scalar(None, TIME)) if pc.any(pc.invert(fits)).as_py() else found


def _whole(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def integers(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Whole numbers; they may have been read already."""
    if pa.types.is_integer(array.type):
        return array.cast(pa.int64())
    if are_digits(whole := _whole(array)):
        return whole.cast(pa.int64())
    fits = pc.match_substring_regex(array, _INTEGER)
    return _only(array, fits, lines, name, faults).cast(pa.int64())


def are_digits(texts: Any) -> bool:
    """Whether all texts are whole numbers of up to 18 digits: so it is nearly always, and costs less than a regular expression."""
    letters, ends = cut.letters(texts)
    lengths = np.diff(ends)[np.asarray(texts.is_valid())]
    return bool(np.all(letters[ends[0] : ends[-1]] - np.uint8(_ZERO) <= 9) and np.all((lengths > 0) & (lengths <= 18)))


def seconds(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Times in seconds since 1970."""
    return epochs(array, 1, lines, name, faults)


def epochs(array: Any, per_second: int, lines: Any, name: str, faults: Faults) -> Any:
    """Times in parts of a second since 1970: 1, 1,000 or 1,000,000 of them in each."""
    held = integers(array, lines, name, faults)
    fits = pc.and_(pc.greater_equal(held, 0), pc.less(held, _LATEST * per_second))
    return pc.multiply(_only(held, fits, lines, name, faults), 1_000_000 // per_second).cast(TIME)


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


def zoned(array: Any) -> Any:
    """Times in ISO 8601 that are in UTC and may not say so: with the Z."""
    bare = pc.match_substring_regex(array, r"T[0-9:.]+$")
    return pc.if_else(bare, pc.binary_join_element_wise(array, "Z", ""), array)


def common_log_times(array: Any, lines: Any, name: str, faults: Faults) -> Any:
    """Times as web servers and S3 write them: `20/Nov/2026:14:01:02 +0000`."""
    coded = array.dictionary_encode()  # many requests a second
    text = coded.dictionary
    fits = pc.match_substring_regex(text, _COMMON_LOG)
    month = pc.index_in(pc.utf8_slice_codeunits(text, 3, 6), pa.array(_MONTHS))
    number = pc.utf8_lpad(pc.add(month, 1).cast(pa.string()), 2, "0")
    day, year, clock, zone = (pc.utf8_slice_codeunits(text, *part) for part in ((0, 2), (7, 11), (12, 20), (21, 26)))
    date = pc.binary_join_element_wise(year, number, day, "-")
    iso = pc.binary_join_element_wise(pc.binary_join_element_wise(date, clock, "T"), zone, "")
    return times(pc.take(pc.if_else(fits, iso, text), coded.indices), lines, name, faults)


def moment(value: object) -> datetime | None:
    """One time, however it is written; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
        if not _ISO.fullmatch(text):  # fromisoformat of Python 3.11 reads 14:01:177Z as 14:01:17
            return None
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def addresses(array: Any, name: str, lines: Any, faults: Faults) -> dict[str, Any]:
    """The three columns of an address."""
    found = address_arrays(array, name)
    first = found[address_columns(name)[0]]
    _count(pc.and_(pc.is_null(first), pc.is_valid(array)), lines, name, faults)
    return found


def address_arrays(array: Any, name: str) -> dict[str, Any]:
    """The three columns of an address, null for what is none; each distinct text is parsed once."""
    coded = _whole(array).dictionary_encode()
    return {column: pc.take(held, coded.indices) for column, held in parsed_addresses(coded.dictionary, name).items()}


def parsed_addresses(texts: Any, name: str) -> dict[str, Any]:
    """The same, where few texts are the same."""
    number, known = ipv4.numbers(texts)
    parts = np.stack((known * 4, np.zeros_like(number), number))
    if not known.all():
        others = texts.filter(pa.array(~known)).dictionary_encode()
        found = [*map(_parts, others.dictionary.to_pylist()), None]
        places = np.asarray(others.indices.fill_null(len(found) - 1))
        parts[:, ~known] = np.array([one or (0, 0, 0) for one in found]).T[:, places]
        known[~known] = np.array([one is not None for one in found])[places]
    return {column: pa.array(values, mask=~known) for column, values in zip(address_columns(name), parts, strict=True)}


def _parts(text: str | None) -> tuple[int, int, int] | None:
    try:
        return None if text is None else address_parts(text)
    except ValueError:
        return None


def texts(values: Sequence[Any], lines: Sequence[int], name: str, faults: Faults) -> Any:
    """Values of JSON that must be texts."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        kept = [value if isinstance(value, str) else None for value in values]
        _told(values, kept, lines, f"{name} is not a text", faults)
        return pa.array(kept, pa.string())


def written(values: Sequence[Any], lines: Sequence[int], name: str, faults: Faults) -> Any:
    """Values of JSON that a log may write as numbers or as texts: as texts, `-` as null."""
    try:
        found = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        found = texts([str(value) if type(value) in {int, float} else value for value in values], lines, name, faults)
    return pc.if_else(pc.equal(found, "-"), pa.scalar(None, pa.string()), found)


def booleans(values: Sequence[Any], lines: Sequence[int], name: str, faults: Faults) -> Any:
    """Values of JSON that must be true or false; CloudTrail writes some as text."""
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values, pa.bool_())
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError):
        text = pa.array(values, pa.string())
        true, false = pc.equal(text, "true"), pc.equal(text, "false")
        if pc.all(pc.or_(true, false)).as_py() is not False:
            return true
    words = {"true": True, "false": False}
    kept = [value if value is None or isinstance(value, bool) else words.get(value) if isinstance(value, str) else None for value in values]
    _told(values, kept, lines, f"{name} is neither true nor false", faults)
    return pa.array(kept, pa.bool_())


def _told(values: Sequence[Any], kept: Sequence[Any], lines: Sequence[int], what: str, faults: Faults) -> None:
    bad = [line for line, value, held in zip(lines, values, kept, strict=True) if held is None and value is not None]
    if bad:
        faults.add("value", bad[0], what, lost=False, count=len(bad))


def _only(array: Any, fits: Any, lines: Any, name: str, faults: Faults) -> Any:
    _count(pc.invert(pc.fill_null(fits, fill_value=True)), lines, name, faults)
    return pc.if_else(fits, array, pa.scalar(None, array.type))


def _count(bad: Any, lines: Any, name: str, faults: Faults) -> None:
    count = pc.sum(bad).as_py() or 0
    if count:
        first = pc.index(bad, value=True).as_py()
        faults.add("value", lines[first].as_py(), f"{name} does not have the form it must", lost=False, count=count)
