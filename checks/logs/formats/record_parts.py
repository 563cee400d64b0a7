"""`{"Records": [...]}` of any size, read as parts of some megabytes, each a list of whole records.

A cut is guessed where a record seems to begin, and shown by parsing: if what stands before a comma is a list of whole JSON
values, then whatever comes after it, that comma stands between two records, and not inside of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from checks.logs.formats.faults import NotRecords

Text = bytes | memoryview
Part = TypeVar("Part")

SIZE: Final = 8 << 20
"""Most files of CloudTrail are smaller, and are one part."""
MAXIMUM: Final = 64 << 20
"""How much may have to be held at once: a record has less than a megabyte."""
_WINDOW: Final = 1 << 20
"""How far back a record's beginning is looked for, where records are not written one after the other without white space."""
_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"Records"\s*:\s*(\[)\s*(\{\s*("(?:[^"\\\x00-\x1f]|\\.)*")\s*:)')
_TAIL: Final = re.compile(rb"\]\s*\}\s*\Z")
_LONGEST_TAIL: Final = 100


def parts(
    pieces: Iterable[bytes],
    of_list: Callable[[Text], Part],
    of_document: Callable[[Text], Part],
    unicode: Callable[[bytes], bytes],
    *,
    size: int = SIZE,
    most: int = MAXIMUM,
) -> Iterator[Part]:
    """What `of_list` makes of each part, `[...]`, and `of_document` of what could not be cut, an object. Both raise NotRecords.
    `unicode` makes text of what is handed to them.

    Raises NotRecords, after the parts before.
    """
    held: list[bytes] = []
    wanted, there = size, 0
    beginning: _Beginning | None = None
    for piece in pieces:
        held.append(piece)
        there += len(piece)
        if there < wanted:
            continue
        text = b"".join(held)
        beginning = beginning or _Beginning.of(text)
        cut = beginning.last(text) if beginning else None
        part = _tried(of_list, unicode(text[beginning.bracket : cut] + b"]")) if beginning and cut else None
        if beginning and cut and part is not None:
            yield part
            beginning.bracket = 0
            held, wanted = [b"[", text[cut + 1 :]], size
        elif there > most:
            raise NotRecords(f"more than {most >> 20} MB in which no record ends")
        else:
            held, wanted = [text], min(2 * there, most + 1)
        there = sum(map(len, held))
    text = unicode(b"".join(held))
    del held
    beginning = beginning or _Beginning.of(text)
    if beginning and (tail := _TAIL.search(text, max(0, len(text) - _LONGEST_TAIL))):
        part = _tried(of_list, memoryview(text)[beginning.bracket : tail.start() + 1])
        if part is not None:
            yield part
            return
    yield of_document(b'{"Records":' + text if beginning and not beginning.bracket else text.removeprefix(_BOM))


def _tried(of_list: Callable[[Text], Part], text: Text) -> Part | None:
    try:
        return of_list(text)
    except NotRecords:
        return None


class _Beginning:
    """How the first record of a file begins, as all others do; `bracket` is where the list begins in what is held."""

    def __init__(self, bracket: int, opening: bytes, member: bytes) -> None:
        self.bracket = bracket
        self._plain = b"}," + opening
        self._spaced = re.compile(rb"\}\s*(,)\s*\{\s*" + re.escape(member) + rb"\s*:")

    @classmethod
    def of(cls, text: bytes) -> _Beginning | None:
        found = _HEAD.match(text)
        return cls(found.start(1), found[2], found[3]) if found else None

    def last(self, text: bytes) -> int | None:
        """The comma before the last record that seems to begin."""
        at = text.rfind(self._plain)
        if at >= 0:
            return at + 1
        found = None
        for found in self._spaced.finditer(text, max(0, len(text) - _WINDOW)):  # noqa: B007
            pass
        return found.start(1) if found else None
