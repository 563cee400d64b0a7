"""Many values as one text, a line each, and what they say once they are decoded.

A line break stands before each value and nowhere else, also after decoding, so that the number of line breaks before a
place is the number of its value.
"""

from __future__ import annotations

import base64
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import re2

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
_OPTIONS: Final = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_BASE64: Final = re2.compile(
    rb"[=:\"', \n/]((?:[I-Za-f][C-HS-Xi-ny-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][0-9A-Za-z+/_-]){3}[0-9A-Za-z+/_-]{4,})", _OPTIONS
)
"""What is base64 of a text: behind a name, a quote, a space or a slash, and nine characters between a space and a tilde: of those, each
group of four letters has what it can have. Hashes and words have not, which is why few of them are decoded."""
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
    if (inner := wrapped(text))[1]:
        yield inner
    coded = {sign: pc.fill_null(pc.match_substring(values, sign), fill_value=False) for sign in _CODED if sign.encode() in text}
    if not coded:
        return
    mask = functools.reduce(pc.or_, coded.values())
    rows, text = pc.indices_nonzero(mask).to_pylist(), joined(values.filter(mask))
    if {"+", "%"} <= coded.keys() and pc.any(both := pc.and_(coded["+"], coded["%"])).as_py():
        # a plus sign that nobody encoded, as before the country code of a telephone number
        yield _unquoted(joined(values.filter(both))), pc.indices_nonzero(both).to_pylist()
    for _ in range(ROUNDS):
        before, text = text, decoded(text)
        if text == before:
            return
        yield text, rows


def wrapped(text: bytes) -> tuple[bytes, Sequence[int]]:
    """What stands in a text as base64, in either alphabet (RFC 4648, 4 and 5), where that is text: a line each, with the line that it is
    from. Percent escapes end it, which only cuts off padding."""
    pieces: list[bytes] = []
    rows: list[int] = []
    line, counted = -1, 0
    for found in _BASE64.finditer(text):
        start, end = found.span(1)
        if (inner := _text_of(text[start:end])) is not None:
            line += text.count(b"\n", counted, start)
            counted = start
            pieces.append(inner)
            rows.append(line)
    return b"".join(b"\n" + piece for piece in pieces), rows


def _text_of(code: bytes) -> bytes | None:
    """The text that was encoded, up to what is none (the next segment of a path looks like more of it); None for too little."""
    code = code[: len(code) - (len(code) % 4 == 1)].translate(_URL_SAFE)
    raw = base64.b64decode(code + b"=" * (-len(code) % 4)).translate(_BREAKS)
    plain = "".join(itertools.takewhile(lambda letter: letter.isprintable() and letter != "\ufffd", raw.decode("utf-8", "replace")))
    return plain.encode() if len(plain) >= _LEAST else None


_LEAST: Final = 9
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_BREAKS: Final = bytes.maketrans(b"\n\r\t", b"   ")


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
