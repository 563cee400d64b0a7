"""Members of JSON as it stands in a file, as texts, many at once: nearly all are written as they would be written again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

(_NULL,) = b"n"
"""How null begins, and nothing else that is JSON."""
_WRITTEN: Final = r'"[^"\\\x00-\x1f]*"|0|-?[1-9][0-9]{0,17}|-?(?:0|[1-9][0-9]{0,9})\.(?:0|[0-9]{0,3}[1-9])|true|false|null'
_PLAIN: Final = r"^[{\[](?:(?:" + _WRITTEN + r")?[{}\[\]:,])*$"
"""An object or an array without white space between its parts, without escapes, and with numbers that are written in one way only."""
_LONGEST: Final = 500
"""A shorter text does not nest more deeply than orjson writes."""
_DEEPEST: Final = 200


def texts(raws: Sequence[Any], parsed: Callable[[Sequence[int]], Any]) -> Any:
    """A text for each, null for null; `parsed` is asked for those that are written in another way, by their places.

    The raw texts are JSON and UTF-8, as msgspec hands them out.
    """
    joined, sizes = b"".join(raws), np.fromiter(map(len, raws), np.int32, len(raws))
    ends = np.concatenate((np.zeros(1, np.int32), np.cumsum(sizes, dtype=np.int32)))
    there = np.frombuffer(joined, np.uint8)[ends[:-1]] != _NULL
    valid = pa.py_buffer(np.packbits(there, bitorder="little"))
    held = pa.StringArray.from_buffers(len(raws), pa.py_buffer(ends), pa.py_buffer(joined), valid)
    plain = np.asarray(pc.match_substring_regex(held, _PLAIN).fill_null(True))
    for place in np.flatnonzero(sizes > _LONGEST).tolist():
        plain[place] &= _opens(bytes(raws[place])) < _DEEPEST
    others = np.flatnonzero(~plain).tolist()
    return pc.replace_with_mask(held, pa.array(~plain), parsed(others)) if others else held


def _opens(raw: bytes) -> int:
    """How many objects and arrays begin in it, or seem to: it nests no more deeply."""
    return raw.count(b"[") + raw.count(b"{")
