"""`{"Records": [...]}` of any size, read as parts of some megabytes, each a list of whole records.

A cut is guessed where a record seems to begin, and shown by parsing: if what stands before a comma is a list of whole JSON
values, then whatever comes after it, that comma stands between two records, and not inside of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

Part = TypeVar("Part")

SIZE: Final = 8 << 20
"""Files of CloudTrail are mostly smaller, and are read whole."""
MAXIMUM: Final = 64 << 20
"""How much may have to be held at once: a record has less than a megabyte."""
_WINDOW: Final = 1 << 20
"""How far back a record's beginning is looked for, where records are not written one after the other without white space."""
_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"Records"\s*:\s*\[\s*(\{\s*("(?:[^"\\\x00-\x1f]|\\.)*")\s*:)')
_TAIL: Final = re.compile(rb"\]\s*\}\s*\Z")


class NotRecords(ValueError):
    """Contents that are no log file of CloudTrail, or not to their end: what is read no further."""


def parts(
    pieces: Iterable[bytes],
    as_list: Callable[[bytes], Part],
    as_document: Callable[[bytes], Part],
    *,
    size: int = SIZE,
    most: int = MAXIMUM,
) -> Iterator[Part]:
    """What `as_list` makes of each part, `[...]`, and `as_document` of what could not be cut, an object. Both raise NotRecords.

    Raises NotRecords, after the parts before.
    """
    held, wanted = bytearray(), size
    begins: _Beginning | None = None
    for piece in pieces:
        held += piece
        if len(held) < wanted:
            continue
        begins = begins or _Beginning.of(held)
        cut = begins.last(held) if begins else None
        part = _tried(as_list, b"[%b]" % held[begins.first : cut]) if begins and cut else None
        if begins and cut and part is not None:
            yield part
            begins.first = 0
            del held[: cut + 1]
            wanted = size
        elif len(held) > most:
            raise NotRecords(f"more than {most >> 20} MB in which no record ends")
        else:
            wanted = min(2 * len(held), most + 1)
    begins = begins or _Beginning.of(held)
    if begins and (tail := _TAIL.search(held, max(0, len(held) - _WINDOW))):
        part = _tried(as_list, b"[%b]" % held[begins.first : tail.start()])
        if part is not None:
            yield part
            return
    whole = bytes(held) if begins is None or begins.first else b'{"Records":[' + held
    yield as_document(whole.removeprefix(_BOM))


def _tried(as_list: Callable[[bytes], Part], text: bytes) -> Part | None:
    try:
        return as_list(text)
    except NotRecords:
        return None


class _Beginning:
    """How the first record of a file begins, as all others do; `first` is where what is held begins to be records."""

    def __init__(self, first: int, opening: bytes, member: bytes) -> None:
        self.first = first
        self._plain = b"}," + opening
        self._spaced = re.compile(rb"\}\s*(,)\s*\{\s*" + re.escape(member) + rb"\s*:")

    @classmethod
    def of(cls, held: bytearray) -> _Beginning | None:
        found = _HEAD.match(held)
        return cls(found.start(1), found[1], found[2]) if found else None

    def last(self, held: bytearray) -> int | None:
        """The comma before the last record that seems to begin."""
        at = held.rfind(self._plain)
        if at >= 0:
            return at + 1
        found = None
        for found in self._spaced.finditer(held, max(0, len(held) - _WINDOW)):  # noqa: B007
            pass
        return found.start(1) if found else None
