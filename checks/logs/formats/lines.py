"""Text in pieces, as whole lines; and lines of fields between spaces, as Arrow columns."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv

from checks.logs.formats.faults import Faults

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What some programs put before a text in UTF-8."""
CHUNK: Final = 4 << 20
MAXIMUM_LINE: Final = 1 << 20
"""No log writes longer lines; what is longer is skipped and counted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, without a line break behind the last; `first` is the number of the first, from 1."""

    first: int
    data: bytes

    @property
    def count(self) -> int:
        return self.data.count(b"\n") + 1


def chunks(pieces: Iterable[bytes], faults: Faults, *, size: int = CHUNK, longest: int = MAXIMUM_LINE) -> Iterator[Chunk]:
    """Pieces of a file as chunks of whole lines. What `pieces` raises is passed on, after the lines that were whole."""
    line, rest, skipping = 1, bytearray(), False
    head, whole = peek(pieces, len(BYTE_ORDER_MARK))
    for piece in itertools.chain([head.removeprefix(BYTE_ORDER_MARK)], itertools.islice(whole, 1, None)):
        rest += piece
        if skipping:
            end = rest.find(b"\n")
            if end < 0:
                rest.clear()
                continue
            del rest[: end + 1]
            line, skipping = line + 1, False
        if len(rest) < size and rest.rfind(b"\n") >= 0:
            continue
        end = rest.rfind(b"\n")
        if end >= 0:
            chunk = Chunk(line, bytes(rest[:end]))
            line += chunk.count
            del rest[: end + 1]
            yield chunk
        if len(rest) > longest:
            faults.add("long-line", line, f"a line longer than {longest} bytes was skipped", lost=True)
            rest.clear()
            skipping = True
    if rest and not skipping:
        yield Chunk(line, bytes(rest.removesuffix(b"\n")))


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
) -> Fields | None:
    """Fields between delimiters, `-` as null; a column whose values do not have its type stays text. None where no line is left.

    `quotes` is how many stand in every line: in one with more or fewer, somebody wrote quotes into a field, and what stands
    after them may not be what it seems. Where the log itself does not quote the same fields in every line, they may be
    `varying`: then such a line is kept if each quote opens or closes a field. All others and lines with more or fewer fields
    than `names` are counted as faults, and so is every line that cannot be told apart.
    """
    data, numbers = clean(chunk, faults, quotes, varying=varying)
    if not numbers:
        return None
    wrong: list[tuple[int, int]] = []
    quoted = quotes > 0 or varying
    table = _read(data, names, types, wrong, quoted=quoted, delimiter=delimiter)
    if quoted and (table is None or table.num_rows + len(wrong) != len(numbers)):
        data, numbers = _well_quoted(data, numbers, faults)
        table = _read(data, names, types, wrong, quoted=quoted, delimiter=delimiter) if numbers else None
    if not numbers:
        return None
    if table is None or table.num_rows + len(wrong) != len(numbers):
        faults.add("malformed", numbers[0], "lines from here on cannot be told apart", lost=True, count=len(numbers))
        return None
    for row, columns in wrong:
        kind = "short-line" if columns < len(names) else "extra-fields"
        faults.add(kind, numbers[row - 1], f"{columns} fields where the file has {len(names)}", lost=True)
    bad = {row - 1 for row, _ in wrong}
    kept: Any = [number for index, number in enumerate(numbers) if index not in bad] if bad else numbers
    return Fields(table, pa.array(kept, pa.int64())) if len(kept) else None


def _read(
    data: bytes, names: Sequence[str], types: Mapping[str, Any], wrong: list[tuple[int, int]], *, quoted: bool, delimiter: str
) -> Any:
    def skip(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    def read(wanted: Mapping[str, Any]) -> Any:
        wrong.clear()
        return csv.read_csv(
            BytesIO(data),
            read_options=csv.ReadOptions(column_names=list(names), use_threads=False, block_size=len(data) + 1),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                double_quote=False,
                invalid_row_handler=skip,
                ignore_empty_lines=False,
            ),
            convert_options=csv.ConvertOptions(
                column_types={name: wanted.get(name, pa.string()) for name in names}, null_values=["-"], strings_can_be_null=True
            ),
        )

    for wanted in (types, {}):
        with contextlib.suppress(pa.ArrowInvalid):
            return read(wanted)
    return None


def clean(chunk: Chunk, faults: Faults, quotes: int, *, varying: bool = False) -> tuple[bytes, Sequence[int]]:
    """The lines that can be read, and their numbers: no empty ones, none with NUL bytes or quotes too many; all of it UTF-8."""
    data = chunk.data
    plain = b"\n\n" not in data and not data.startswith(b"\n") and not data.endswith(b"\n") and b"\r" not in data and b"\0" not in data
    if plain and data and _is_text(data) and (_all_have(data, quotes) if quotes or not varying else b'"' not in data):
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


def _well_quoted(data: bytes, numbers: Sequence[int], faults: Faults) -> tuple[bytes, Sequence[int]]:
    """The lines whose quotes all open or close a field: another one can swallow what stands behind it, and the next lines."""
    kept = [(line, number) for line, number in zip(data.split(b"\n"), numbers, strict=True) if _QUOTED.fullmatch(line)]
    for number in sorted({*numbers} - {number for _, number in kept}):
        faults.add("malformed", number, "a quote inside a field", lost=True)
    return b"\n".join(line for line, _ in kept), [number for _, number in kept]


def _all_have(data: bytes, quotes: int) -> bool:
    """Whether every line has so many quotes; it does not matter where there are to be none."""
    if not quotes:
        return True
    return data.translate(None, _NEITHER) == b"\n".join([b'"' * quotes] * (data.count(b"\n") + 1))


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
    counts = Counter((_fields(line), line.count(b'"')) for line in data.split(b"\n", sample)[:sample] if line.strip())
    return counts.most_common(1)[0][0] if counts else (0, 0)


def _fields(line: bytes) -> int:
    outside = b"".join(line.split(b'"')[::2])
    return len(outside.rstrip(b"\r").split(b" "))
