"""Values of JSON as typed Arrow columns; what does not have the type is null, and counted. An empty text is null: these services
write one where there is nothing.

Names are those of the members, for the faults; `numbers` those of the records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.columns import TIME, address_arrays, moment, plausible
from checks.logs.formats.faults import Faults
from checks.logs.table import address_columns

_DIGITS: Final = re.compile(r"-?[0-9]{1,19}")
_LARGEST: Final = 2**63 - 1
_TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False, "on": True, "off": False, "1": True, "0": False}
_NANOSECONDS: Final = pa.timestamp("ns", tz="UTC")
_PORT: Final = r"^(?P<address>\[[^\]]*\]|[^:]*):(?P<port>[0-9]{1,5})$"
"""An IPv6 address before a port stands in brackets, else nothing tells where it ends."""


def texts(values: Sequence[Any], numbers: Sequence[int], name: str, faults: Faults) -> Any:
    """Texts; a whole number is its digits."""
    try:
        found = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        found = pa.array(_each(values, _text, numbers, f"{name} is not a text", faults), pa.string())
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def json_texts(values: Sequence[Any], numbers: Sequence[int], name: str, faults: Faults) -> Any:
    """Texts as they are, and all else as JSON."""
    try:
        return pa.array([None if value is None or value == "" else _json(value) for value in values], pa.string())
    except TypeError:  # something nests more deeply than it can be written, and less than it can be read
        return pa.array(_each(values, _json_or_none, numbers, f"{name} is nested too deeply", faults), pa.string())


def integers(values: Sequence[Any], numbers: Sequence[int], name: str, faults: Faults) -> Any:
    """Whole numbers of 64 bits; they may stand there as texts."""
    return pa.array(_each(values, _integer, numbers, f"{name} is not a whole number of 64 bits", faults), pa.int64())


def booleans(values: Sequence[Any], numbers: Sequence[int], name: str, faults: Faults) -> Any:
    """true or false, also as text in any case, as `on` or `off`, or as 1 or 0."""
    return pa.array(_each(values, _boolean, numbers, f"{name} is neither true nor false", faults), pa.bool_())


def times(values: Sequence[Any], numbers: Sequence[int], name: str, faults: Faults, *, required: bool = False) -> Any:
    """Times from 1970 to 2199, however they are written; one without a zone is in UTC. Digits beyond the microsecond are cut off.

    `required`: whether a time that is missing is a fault too.
    """
    try:
        read = pa.array(values, pa.string()).cast(_NANOSECONDS).cast(TIME, safe=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        read = pa.array([moment(value) for value in values], TIME)
    found = plausible(read)
    if found.null_count:
        lost = found.is_null().to_pylist()
        bad = [
            number
            for number, value, null in zip(numbers, values, lost, strict=True)
            if null and (required or (value is not None and value != ""))
        ]
        kind, what = ("time", "missing or no time") if required else ("value", "no time")
        _tell(bad, kind, f"{name} is {what}", faults)
    return found


def addresses(
    values: Sequence[Any], numbers: Sequence[int], name: str, column: str, faults: Faults, *, ports: bool, names: bool
) -> dict[str, Any]:
    """The three columns of an address. With `ports` also `<column>_port`, of what follows a colon; with `names` also
    `<column>_name`, for what is no address and otherwise a fault."""
    held = texts(values, numbers, name, faults)
    found: dict[str, Any] = {}
    if ports:
        parts = pc.extract_regex(held, pattern=_PORT)
        plain = pc.if_else(pc.is_valid(parts), pc.utf8_trim(pc.struct_field(parts, "address"), "[]"), held)
        found[f"{column}_port"] = pc.struct_field(parts, "port").cast(pa.int64())
    else:
        plain = held
    found |= address_arrays(plain, column)
    unknown = pc.and_(pc.is_valid(held), pc.is_null(found[address_columns(column)[0]]))
    if names:
        return found | {f"{column}_name": pc.if_else(unknown, held, pa.scalar(None, pa.string()))}
    bad = [number for number, is_bad in zip(numbers, unknown.to_pylist(), strict=True) if is_bad]
    _tell(bad, "value", f"{name} is not an address", faults)
    return found


def _each(values: Sequence[Any], read: Callable[[Any], Any], numbers: Sequence[int], what: str, faults: Faults) -> list[Any]:
    kept = [None if value is None or value == "" else read(value) for value in values]
    bad = [number for number, value, held in zip(numbers, values, kept, strict=True) if held is None and value is not None and value != ""]
    _tell(bad, "value", what, faults)
    return kept


def _tell(bad: Sequence[int], kind: str, what: str, faults: Faults) -> None:
    if bad:
        faults.add(kind, bad[0], what, lost=False, count=len(bad))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _json(value: Any) -> str | bytes:
    """Raises TypeError for what nests too deeply."""
    return value if isinstance(value, str) else orjson.dumps(value)


def _json_or_none(value: Any) -> str | bytes | None:
    try:
        return _json(value)
    except TypeError:
        return None


def _integer(value: Any) -> int | None:
    if (isinstance(value, str) and _DIGITS.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _TRUTHS.get(str(value).lower()) if isinstance(value, str | int) else None
