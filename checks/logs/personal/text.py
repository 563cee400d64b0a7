"""Many values as one text, a line each, and what they say once they are decoded.

A line break stands before each value and nowhere else, also after decoding, so that the number of line breaks before a
place is the number of its value.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

ROUNDS: Final = 2
"""How often values are decoded: what an application logs has often been encoded once more than it knows."""
_CODED: Final = ("%", "+", "\\")
_HEX: Final = "0123456789abcdefABCDEF"
_BYTES: Final = {f"{high}{low}".encode(): bytes((int(high + low, 16),)) for high in _HEX for low in _HEX} | dict.fromkeys(
    (b"0a", b"0A", b"0d", b"0D"), b" "
)
"""The two hex digits of a percent escape (RFC 3986, 2.1), and their byte; a line break is a space."""
_HELD: Final = b"\x01"
_ESCAPES: Final = (
    (b"\\\\", _HELD), (b'\\"', b'"'), (b"\\/", b"/"), (b"\\n", b" "), (b"\\r", b" "), (b"\\t", b" "), (b"\\b", b" "), (b"\\f", b" "),
)  # fmt: skip
"""Escapes in JSON's strings (RFC 8259, 7); pairs of backslashes first, since they escape nothing but each other."""
_CODE: Final = re.compile(rb"\\u([0-9a-fA-F]{4})")


def joined(values: Any) -> bytes:
    """An Arrow array of strings as one text; a null is an empty line."""
    text = _join(values)
    if text.count(b"\n") != len(values):
        text = _join(pc.replace_substring(values.cast(pa.large_binary()), b"\n", b" "))
    return text


def _join(values: Any) -> bytes:
    if not len(values):
        return b""
    filled = pc.fill_null(values.cast(pa.large_binary()), b"")
    lines = pa.LargeListArray.from_arrays(pa.array([0, len(filled)], pa.int64()), filled)
    return b"\n" + bytes(pc.binary_join(lines, pa.scalar(b"\n", pa.large_binary()))[0].as_buffer())


def layers(values: Any) -> Iterator[tuple[bytes, Sequence[int]]]:
    """An array of strings as one text, then what each round of decoding changes of it; with the row of each line."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    text = joined(values)
    yield text, range(len(values))
    coded = [pc.match_substring(values, sign) for sign in _CODED if sign.encode() in text]
    if not coded:
        return
    mask = pc.fill_null(functools.reduce(pc.or_, coded), fill_value=False)
    rows, text = pc.indices_nonzero(mask).to_pylist(), joined(values.filter(mask))
    for _ in range(ROUNDS):
        before, text = text, decoded(text)
        if text == before:
            return
        yield text, rows


def decoded(text: bytes) -> bytes:
    """Once: `+` as a space, percent escapes, then escapes of JSON strings. Linear in the length of the text."""
    return _unescaped(_unquoted(text.replace(b"+", b" ")))


def _unquoted(text: bytes) -> bytes:
    first, *rest = text.split(b"%")
    if not rest:
        return text
    pieces = [first]
    for piece in rest:
        byte = _BYTES.get(piece[:2])
        pieces += (b"%", piece) if byte is None else (byte, piece[2:])
    return b"".join(pieces)


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    for escape, meant in _ESCAPES:
        text = text.replace(escape, meant)
    return _CODE.sub(_character, text).replace(_HELD, b"\\")


def _character(found: re.Match[bytes]) -> bytes:
    code = int(found[1], 16)
    return b" " if code in {10, 13} else chr(code).encode("utf-8", "replace")
