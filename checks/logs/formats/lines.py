"""Text in pieces, as whole lines; and lines of fields between spaces, as Arrow columns."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from checks.logs.formats.faults import Faults

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What some programs put before a text in UTF-8."""
CHUNK: Final = 4 << 20
_BLOCK: Final = 1 << 17
_BREAK, _QUOTE = b'\n"'
MAXIMUM_LINE: Final = 1 << 20
"""No log writes longer lines; what is longer is skipped and counted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, without a line break behind the last; `first` is the number of the first, from 1."""

    first: int
    data: bytes

    @property
    def count(self) -> int:
        return sum(int(np.count_nonzero(block == _BREAK)) for _, block in _blocks(self.data)) + 1


def chunks(pieces: Iterable[bytes], faults: Faults, *, size: int = CHUNK, longest: int = MAXIMUM_LINE) -> Iterator[Chunk]:
    """Pieces of a file as chunks of whole lines. What `pieces` raises is passed on, after chunks that were full."""
    line, held, there, broken, skipping = 1, list[bytes](), 0, False, False
    head, whole = peek(pieces, len(BYTE_ORDER_MARK))
    for piece in itertools.chain([head.removeprefix(BYTE_ORDER_MARK)], itertools.islice(whole, 1, None)):
        rest = piece
        if skipping:
            _, found, rest = piece.partition(b"\n")
            if not found:
                continue
            line, skipping = line + 1, False
        held.append(rest)
        there += len(rest)
        broken = broken or b"\n" in rest
        if there < size and (broken or there <= longest):
            continue
        if broken:
            held = held if b"\n" in rest else [b"".join(held)]
            end = held[-1].rfind(b"\n")
            rest = held[-1][end + 1 :]
            chunk = Chunk(line, b"".join((*held[:-1], held[-1][:end])))
            line += chunk.count
            held, there, broken = [rest], len(rest), False
            yield chunk
        if there > longest:
            faults.add("long-line", line, f"a line longer than {longest} bytes was skipped", lost=True)
            held, there, skipping = [], 0, True
    text = b"".join(held)
    if text and not skipping:
        yield Chunk(line, text.removesuffix(b"\n"))


def peek(pieces: Iterable[bytes], size: int = 64) -> tuple[bytes, Iterator[bytes]]:
    """How a file begins, and all of it."""
    rest = iter(pieces)
    head = b""
    for piece in rest:
        head += piece
        if len(head) >= size:
            break
    return head, itertools.chain([head], rest)


@dataclass(frozen=True, slots=True)
class Fields:
    """The lines of a chunk that have the right number of fields: a table, and each row's line."""

    table: Any
    lines: Any


def split(
    chunk: Chunk,
    names: Sequence[str],
    types: Mapping[str, Any],
    faults: Faults,
    *,
    quotes: int,
    varying: bool = False,
    delimiter: str = " ",
    wanted: Collection[str] | None = None,
    again: Callable[[Chunk], Chunk] | None = None,
) -> Fields | None:
    """Fields between delimiters, `-` as null; a column whose values do not have its type stays text. None where no line is left.

    `quotes` is how many stand in every line: in one with more or fewer, somebody wrote quotes into a field, and what stands
    after them may not be what it seems. Where the log itself does not quote the same fields in every line, they may be
    `varying`: then such a line is kept if each quote opens or closes a field. All others and lines with more or fewer fields
    than `names` are counted as faults, and so is every line that cannot be told apart. Of `names` the `wanted` are read (None:
    all). A chunk that cannot be read at once, or has a value without its type, is read as what `again` makes of it.
    """
    read = [name for name in names if wanted is None or name in wanted] or list(names[:1])
    quoted = quotes > 0 or varying
    csv_ = _Csv(names, read, types, quoted=quoted, delimiter=delimiter)
    table, data = None, chunk.data
    numbers: Sequence[int] = range(chunk.first, chunk.first + chunk.count)
    plain = _is_plain(data, quotes, varying=varying)
    if plain:
        table = csv_.typed(data) if again else csv_.table(data)
    if table is None or (not quotes and not csv_.is_whole(table, numbers)):  # not plain, or with empty lines
        data, numbers = clean(again(chunk) if again else chunk, faults, quotes, varying=varying)
        table = csv_.table(data) if numbers else None
    if quoted and numbers and not csv_.is_whole(table, numbers):
        data, numbers = _well_quoted(data, numbers, faults)
        table = csv_.table(data) if numbers else None
    if not numbers:
        return None
    if not csv_.is_whole(table, numbers):
        faults.add("malformed", numbers[0], "lines from here on cannot be told apart", lost=True, count=len(numbers))
        return None
    return _fields(table, numbers, len(names), csv_.wrong, faults)


def _fields(table: Any, numbers: Sequence[int], wanted: int, wrong: Sequence[tuple[int, int]], faults: Faults) -> Fields | None:
    for row, columns in wrong:
        kind = "short-line" if columns < wanted else "extra-fields"
        faults.add(kind, numbers[row - 1], f"{columns} fields where the file has {wanted}", lost=True)
    lines = np.arange(numbers.start, numbers.stop) if isinstance(numbers, range) else np.array(numbers)
    kept = np.delete(lines, [row - 1 for row, _ in wrong])
    return Fields(table, pa.array(kept)) if len(kept) else None


class _Csv:
    """Lines read as fields; `wrong` are the rows, from 1, that have more or fewer of them, each with how many."""

    def __init__(self, names: Sequence[str], read: Sequence[str], types: Mapping[str, Any], *, quoted: bool, delimiter: str) -> None:
        self.wrong: list[tuple[int, int]] = []
        self._names, self._read, self._types = names, read, types
        self._parse = csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if quoted else False,
            double_quote=False,
            invalid_row_handler=self._skip,
            ignore_empty_lines=True,  # they are missed
        )

    def table(self, data: bytes) -> Any:
        """A table with the types that were asked for, or else of texts; None where nothing can be read."""
        table = self.typed(data)
        return self.as_texts(data) if table is None else table

    def typed(self, data: bytes) -> Any:
        """None also where a value does not have its type."""
        return self._read_as(data, self._types)

    def as_texts(self, data: bytes) -> Any:
        return self._read_as(data, {})

    def is_whole(self, table: Any, numbers: Sequence[int]) -> bool:
        """Whether every line is a row, or is told in `wrong`."""
        return table is not None and table.num_rows + len(self.wrong) == len(numbers)

    def _read_as(self, data: bytes, types: Mapping[str, Any]) -> Any:
        self.wrong.clear()
        with contextlib.suppress(pa.ArrowInvalid):
            return csv.read_csv(
                pa.BufferReader(data),
                read_options=csv.ReadOptions(column_names=list(self._names), use_threads=False, block_size=len(data) + 1),
                parse_options=self._parse,
                convert_options=csv.ConvertOptions(
                    check_utf8=False,  # every line has been looked at
                    include_columns=list(self._read),
                    column_types={name: types.get(name, pa.string()) for name in self._read},
                    null_values=["-"],
                    strings_can_be_null=True,
                ),
            ).combine_chunks()
        return None

    def _skip(self, row: Any) -> str:
        self.wrong.append((row.number, row.actual_columns))
        return "skip"


def clean(chunk: Chunk, faults: Faults, quotes: int, *, varying: bool = False) -> tuple[bytes, Sequence[int]]:
    """The lines that can be read, and their numbers: no empty ones, none with NUL bytes or quotes too many; all of it UTF-8."""
    data = chunk.data
    if _is_plain(data, quotes, varying=varying) and not _has_empty(data):
        return data, range(chunk.first, chunk.first + chunk.count)
    kept: list[bytes] = []
    numbers: list[int] = []
    counts = map(len, data.translate(None, _NEITHER).split(b"\n"))
    nul, text = b"\0" in data, _is_text(data)
    for number, raw, held in zip(itertools.count(chunk.first), data.split(b"\n"), counts, strict=False):
        line = raw.removesuffix(b"\r")
        if not line.strip():
            continue
        if nul and b"\0" in line:
            faults.add("nul-bytes", number, "a line with NUL bytes", lost=True)
        elif b"\r" in line:
            faults.add("malformed", number, "a carriage return inside a line", lost=True)
        elif (quotes or varying) and held != quotes and not (varying and _QUOTED.fullmatch(line)):
            faults.add("malformed", number, f"{held} quotes where other lines have {quotes}", lost=True)
        else:
            if not text and not _is_text(line):
                faults.add("encoding", number, "bytes that are not UTF-8 were replaced", lost=False)
                line = line.decode("utf-8", "replace").encode()
            kept.append(line)
            numbers.append(number)
    return b"\n".join(kept), numbers


def _is_plain(data: bytes, quotes: int, *, varying: bool) -> bool:
    """Whether every line that is not empty can be read as it stands: none holds NUL bytes or other quotes, and all are UTF-8."""
    if not data or b"\r" in data or b"\0" in data or not _is_text(data):
        return False
    return _all_have(data, quotes) if quotes else not (varying and b'"' in data)


def _has_empty(data: bytes) -> bool:
    return data.startswith(b"\n") or data.endswith(b"\n") or b"\n\n" in data


def _well_quoted(data: bytes, numbers: Sequence[int], faults: Faults) -> tuple[bytes, Sequence[int]]:
    """The lines whose quotes all open or close a field: another one can swallow what stands behind it, and the next lines."""
    kept = [(line, number) for line, number in zip(data.split(b"\n"), numbers, strict=True) if _QUOTED.fullmatch(line)]
    for number in sorted({*numbers} - {number for _, number in kept}):
        faults.add("malformed", number, "a quote inside a field", lost=True)
    return b"\n".join(line for line, _ in kept), [number for _, number in kept]


def _all_have(data: bytes, quotes: int) -> bool:
    """Whether every line has so many quotes."""
    breaks, found = (np.concatenate([np.flatnonzero(block == byte) + at for at, block in _blocks(data)]) for byte in (_BREAK, _QUOTE))
    if len(found) != quotes * (len(breaks) + 1):
        return False
    of_lines = found.reshape(-1, quotes)
    return bool(np.all(of_lines[:-1, -1] < breaks) and np.all(of_lines[1:, 0] > breaks))


def _blocks(data: bytes) -> Iterator[tuple[int, Any]]:
    """The bytes in parts that stay in a processor's cache while they are looked at, each with where it begins."""
    held = np.frombuffer(data, np.uint8)
    for at in range(0, len(data), _BLOCK):
        yield at, held[at : at + _BLOCK]


_QUOTED: Final = re.compile(rb'(?:"[^"]*"|[^" ]*)(?: (?:"[^"]*"|[^" ]*))*')
"""Fields between spaces, each without quotes or between two. What it may match next is always clear: its time is linear."""

_NEITHER: Final = bytes(set(range(256)) - set(b'"\n'))
"""Every byte but a quote and a line break."""


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def usual(data: bytes, *, sample: int = 50) -> tuple[int, int]:
    """How many fields most of the first lines have, quoted or not, and how many quotes."""
    counts = Counter((_field_count(line), line.count(b'"')) for line in data.split(b"\n", sample)[:sample] if line.strip())
    return counts.most_common(1)[0][0] if counts else (0, 0)


def _field_count(line: bytes) -> int:
    outside = b"".join(line.split(b'"')[::2])
    return len(outside.rstrip(b"\r").split(b" "))
