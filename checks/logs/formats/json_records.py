"""Records of JSON: a line each, the elements of an array, or those of a member of one object; and their members, a column at a time.

Lines are read one after the other. An array or object is held in memory as a whole, up to a limit.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.formats.lines import Chunk, chunks

MAXIMUM: Final = 256_000_000
"""Bytes of a document that is held as a whole; what services deliver is far smaller."""
_MOST: Final = 16_000_000
"""Commas in such a document: log files of that size have 10 million. Of as many empty objects each takes 70 bytes."""
_HEAD: Final = 1 << 16
_ROWS: Final = 20_000
_BOM: Final = b"\xef\xbb\xbf"
_NEXT: Final = ("nextLink", "nextPageToken", "NextToken")
"""What APIs of lists call the way to the next page; where it is not empty, the list goes on elsewhere."""


@dataclass(frozen=True, slots=True)
class Records:
    """Objects, and the number of each: its line, or in a document its place in the list, from 1."""

    numbers: list[int]
    values: list[dict[str, Any]]


def records(pieces: Iterable[bytes], lists: Sequence[str], faults: Faults) -> Iterator[Records]:
    """The records of a file. What is none, or cannot be read, is a fault with its number, and lost.

    `lists`: the members that hold the records of a document, of which one is there (`{"records": [...]}`). An object without any
    of them is a record itself. Raises NotRecords, and what `pieces` raises.
    """
    head, contents = _head(iter(pieces))
    if _is_lines(head, lists):
        yield from _of_lines(chunks(contents, faults), lists, faults)
        return
    raw = whole(contents)
    data = _parsed(text(raw, None, faults))
    if data is _NOT_ONE:  # several documents, one behind the other
        yield from _of_lines(chunks([raw], faults), lists, faults)
        return
    found = _listed(data, lists, faults)
    for start in range(0, len(found), _ROWS):
        yield objects([*enumerate(found[start : start + _ROWS], start + 1)], faults)


def whole(pieces: Iterable[bytes]) -> bytes:
    """A file in memory, without a byte order mark. Raises NotRecords where it is too large, or would be once it is parsed."""
    raw = bytearray()
    for piece in pieces:
        raw += piece
        if len(raw) > MAXIMUM:
            raise NotRecords(f"larger than {MAXIMUM // 1_000_000} MB")
    if raw.count(b",") > _MOST:
        raise NotRecords(f"more than {_MOST // 1_000_000} million members, which no log of its size has")
    return bytes(raw.removeprefix(_BOM))


def text(raw: bytes, number: int | None, faults: Faults) -> bytes:
    """The bytes as UTF-8; what is none is replaced, and told."""
    try:
        raw.isascii() or raw.decode()
    except UnicodeDecodeError:
        faults.add("encoding", number, "bytes that are not UTF-8 were replaced", lost=False)
        return raw.decode("utf-8", "replace").encode()
    return raw


def objects(numbered: Sequence[tuple[int, Any]], faults: Faults) -> Records:
    """The records that are objects."""
    held = [(number, value) for number, value in numbered if isinstance(value, dict)]
    if len(held) < len(numbered):
        first = next(number for number, value in numbered if not isinstance(value, dict))
        faults.add("malformed", first, "a record that is not an object", lost=True, count=len(numbered) - len(held))
    return Records([number for number, _ in held], [value for _, value in held])


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    return bytes(head), itertools.chain([bytes(head)], pieces)


def _is_lines(head: bytes, lists: Sequence[str]) -> bool:
    """Whether every line is a record: not where a document begins, on one line or on many."""
    start = head.removeprefix(_BOM).lstrip()
    first, several, rest = start.partition(b"\n")
    if start.startswith(b"[") or not several:
        return False
    named = "|".join(map(re.escape, lists)).encode()
    if re.match(rb'\{\s*"(?:' + named + rb')"\s*:\s*\[', start):
        return False
    return not first.startswith(b"{") or first.rstrip().endswith(b"}") or rest.startswith(b"{")


_NOT_ONE: Final = object()


def _parsed(raw: bytes) -> Any:
    """The document; _NOT_ONE where a first line is one by itself. Raises NotRecords."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        problem = error
    try:
        orjson.loads(raw.partition(b"\n")[0])
    except orjson.JSONDecodeError:
        raise NotRecords(f"not JSON: {problem}") from problem
    return _NOT_ONE


def _listed(data: Any, lists: Sequence[str], faults: Faults) -> list[Any]:
    """The records of a document. Raises NotRecords."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict):
        raise NotRecords("neither an array nor an object")
    found = next((name for name in lists if name in data), None)
    if found is None:
        return [data]
    if not isinstance(data[found], list):
        raise NotRecords(f"there is no list of {found} in it")
    if more := next((name for name in _NEXT if data.get(name)), None):
        faults.add("incomplete", None, f"{more} says that there are more records, which are not in this file", lost=True)
    held: list[Any] = data[found]
    return held


def _of_lines(found: Iterable[Chunk], lists: Sequence[str], faults: Faults) -> Iterator[Records]:
    for chunk in found:
        held: list[tuple[int, Any]] = []
        for number, line in enumerate(chunk.data.split(b"\n"), chunk.first):
            bare = line.removeprefix(_BOM).strip()
            if not bare:
                continue
            try:
                value = orjson.loads(text(bare, number, faults))
            except orjson.JSONDecodeError:
                faults.add("malformed", number, "a line that is not JSON", lost=True)
                continue
            if isinstance(value, dict) and any(isinstance(value.get(name), list) for name in lists):
                held += [(number, one) for one in _listed(value, lists, faults)]
            else:
                held.append((number, value))
        for start in range(0, len(held), _ROWS):
            yield objects(held[start : start + _ROWS], faults)


class Members:
    """The members of records, a column at a time; an object that is none is told once and has no members."""

    def __init__(self, found: Records, faults: Faults, *, told: Collection[str] | None = None) -> None:
        """`told`: the members below which what is no object is a fault; None for all."""
        self.numbers, self.faults = found.numbers, faults
        self._told = told
        self._objects: dict[tuple[str, ...], list[dict[str, Any]]] = {(): found.values}

    def values(self, path: tuple[str, ...]) -> list[Any]:
        member = path[-1]
        return [held.get(member) for held in self.objects(path[:-1])]

    def objects(self, path: tuple[str, ...]) -> list[dict[str, Any]]:
        if path not in self._objects:
            values = self.values(path)
            bad = [number for number, value in zip(self.numbers, values, strict=True) if value is not None and not isinstance(value, dict)]
            if bad and (self._told is None or path[0] in self._told):
                self.faults.add("value", bad[0], f"{'.'.join(path)} is not an object", lost=False, count=len(bad))
            self._objects[path] = [value if isinstance(value, dict) else _NOTHING for value in values]
        return self._objects[path]


_NOTHING: Final[dict[str, Any]] = {}
