"""Text in pieces, as whole lines; and lines of fields between spaces, as Arrow columns."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from checks.logs.formats.faults import Faults

CHUNK: Final = 4 << 20
_BREAK, _QUOTE = b'\n"'
MAXIMUM_LINE: Final = 1 << 20
"""No log writes longer lines; what is longer is skipped and counted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, without a line break behind the last; `first` is the number of the first, from 1; `breaks`: where lines end."""

    first: int
    data: bytes
    breaks: Any

    @classmethod
    def of(cls, first: int, data: bytes) -> Chunk:
        return cls(first, data, np.flatnonzero(np.frombuffer(data, np.uint8) == _BREAK))

    @property
    def count(self) -> int:
        return len(self.breaks) + 1

    def rest(self) -> Chunk | None:
        """The lines after the first; None where there are none."""
        if not len(self.breaks):
            return None
        start = int(self.breaks[0]) + 1
        return Chunk(self.first + 1, self.data[start:], self.breaks[1:] - start)


def chunks(pieces: Iterable[bytes], faults: Faults, *, size: int = CHUNK, longest: int = MAXIMUM_LINE) -> Iterator[Chunk]:
    """Pieces of a file as chunks of whole lines. What `pieces` raises is passed on, after chunks that were full."""
    line, held, there, skipping = 1, [b""], 0, False
    for piece in pieces:
        rest = piece
        if skipping:
            _, found, rest = piece.partition(b"\n")
            if not found:
                continue
            line, skipping = line + 1, False
        held.append(rest)
        there += len(rest)
        if there < size:
            continue
        if b"\n" not in rest:
            held = [b"".join(held)]
        end = held[-1].rfind(b"\n")
        if end >= 0:
            rest = held[-1][end + 1 :]
            chunk = Chunk.of(line, b"".join((*held[:-1], held[-1][:end])))
            line += chunk.count
            yield chunk
            held, there = [rest], len(rest)
        if there > longest:
            faults.add("long-line", line, f"a line longer than {longest} bytes was skipped", lost=True)
            held, there, skipping = [b""], 0, True
    text = b"".join(held)
    if text and not skipping:
        yield Chunk.of(line, text.removesuffix(b"\n"))


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
    wanted: Collection[str] | None = None,
    again: Callable[[Chunk], Chunk] | None = None,
) -> Fields | None:
    """Fields between spaces, `-` as null; a column whose values do not have its type stays text. None where no line is left.

    `quotes` is how many stand in every line: in one with more or fewer, somebody wrote quotes into a field, and what stands
    after them may not be what it seems. Such lines and lines with more or fewer fields than `names` are counted as faults, and so is
    every line that cannot be told apart. Of `names` the `wanted` are read (None: all). A chunk in which some value does not have its
    type is read as what `again` makes of it.
    """
    read = [name for name in names if wanted is None or name in wanted] or list(names[:1])
    whole = _is_whole(chunk, quotes)
    if whole:
        wrong: list[tuple[int, int]] = []
        with contextlib.suppress(pa.ArrowInvalid):
            table = _read(chunk.data, names, read, types, wrong, quoted=quotes > 0)
            return _fields(table, np.arange(chunk.first, chunk.first + chunk.count), len(names), wrong, faults)
    data, numbers = _clean(again(chunk) if again else chunk, faults, quotes)
    if not numbers:
        return None
    wrong = []
    table = _read_as_far(data, names, read, types, wrong, quoted=quotes > 0)
    return _fields(table, np.array(numbers), len(names), wrong, faults)


def _fields(table: Any, numbers: Any, wanted: int, wrong: list[tuple[int, int]], faults: Faults) -> Fields | None:
    if table.num_rows + len(wrong) != len(numbers):
        faults.add("malformed", int(numbers[0]), "lines from here on cannot be told apart", lost=True, count=len(numbers))
        return None
    if not wrong:
        return Fields(table, pa.array(numbers))
    for row, columns in wrong:
        kind = "short-line" if columns < wanted else "extra-fields"
        faults.add(kind, int(numbers[row - 1]), f"{columns} fields where the file has {wanted}", lost=True)
    kept = np.delete(numbers, [row - 1 for row, _ in wrong])
    return Fields(table, pa.array(kept)) if len(kept) else None


def _read_as_far(*asked: Any, quoted: bool) -> Any:
    """With the types that were asked for, or all as texts."""
    data, names, read, types, wrong = asked
    try:
        return _read(data, names, read, types, wrong, quoted=quoted)
    except pa.ArrowInvalid:
        return _read(data, names, read, {}, wrong, quoted=quoted)


def _read(
    data: bytes, names: Sequence[str], read: Sequence[str], types: Mapping[str, Any], wrong: list[tuple[int, int]], *, quoted: bool
) -> Any:
    def skip(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    wrong.clear()
    table = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(column_names=list(names), use_threads=False, block_size=len(data) + 1),
        parse_options=csv.ParseOptions(
            delimiter=" ", quote_char='"' if quoted else False, double_quote=False, invalid_row_handler=skip, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(
            check_utf8=False,  # every line has been looked at
            include_columns=list(read),
            column_types={name: types.get(name, pa.string()) for name in read},
            null_values=["-"],
            strings_can_be_null=True,
        ),
    )
    return table.combine_chunks()


def _is_whole(chunk: Chunk, quotes: int) -> bool:
    """Whether every line can be read as it stands: none is empty, none holds NUL bytes or other quotes, and all are UTF-8."""
    data, breaks = chunk.data, chunk.breaks
    if not data or b"\r" in data or b"\0" in data or not _is_text(data):
        return False
    ends = np.concatenate(([-1], breaks, [len(data)]))
    if np.any(np.diff(ends) == 1):
        return False
    if not quotes:
        return True
    seen = np.searchsorted(np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE), ends)
    return bool(np.all(np.diff(seen) == quotes))


def _clean(chunk: Chunk, faults: Faults, quotes: int) -> tuple[bytes, Sequence[int]]:
    """The lines that can be read, and their numbers: without empty ones, NUL bytes, bytes that are no UTF-8, quotes too many."""
    kept: list[bytes] = []
    numbers: list[int] = []
    for number, raw in enumerate(chunk.data.split(b"\n"), chunk.first):
        line = raw.removesuffix(b"\r")
        if not line.strip():
            continue
        if b"\0" in line:
            faults.add("nul-bytes", number, "a line with NUL bytes", lost=True)
            continue
        if quotes and (held := line.count(b'"')) != quotes:
            faults.add("malformed", number, f"{held} quotes where other lines have {quotes}", lost=True)
            continue
        if not _is_text(line):
            faults.add("encoding", number, "bytes that are not UTF-8 were replaced", lost=False)
            line = line.decode("utf-8", "replace").encode()
        kept.append(line)
        numbers.append(number)
    return b"\n".join(kept), numbers


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
