"""Logs in Parquet, with the columns of a format that is also written as text.

Source: Apache Parquet file format (the magic number; what describes the file stands at its end).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from checks.logs.formats.faults import NotRecords
from checks.logs.formats.lines import Fields

MAGIC: Final = b"PAR1"
MAXIMUM: Final = 512_000_000
"""AWS splits a log into files that are far smaller; the compressed file is held in memory as a whole."""
_ROWS: Final = 50_000
Header = Callable[[bytes], tuple[str, ...] | None]


def read(pieces: Iterable[bytes], header: Header) -> Iterator[tuple[Fields, tuple[str, ...]]]:
    """Rows in batches, and the names of their columns; a row's line is its number, from 1.

    `header` tells the names of a text's fields from its first line, and so whether these are the columns of its format.
    Raises NotRecords: they are not, or the file cannot be read, or not to its end.
    """
    from pyarrow import parquet

    raw = bytearray()
    for piece in pieces:
        raw += piece
        if len(raw) > MAXIMUM:
            raise NotRecords(f"larger than {MAXIMUM // 1_000_000} MB")
    first = 1
    try:
        file = parquet.ParquetFile(pa.BufferReader(pa.py_buffer(raw)))
        names = header(" ".join(file.schema_arrow.names).encode("utf-8", "replace"))
        if names is None:
            raise NotRecords(f"Parquet, but with other columns: {', '.join(file.schema_arrow.names[:20])}")
        for batch in file.iter_batches(batch_size=_ROWS):
            table = pa.table([_plain(column) for column in batch.columns], names=list(names))
            yield Fields(table, pa.array(range(first, first + batch.num_rows), pa.int64())), names
            first += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise NotRecords(f"damaged Parquet behind row {first - 1}: {str(error).splitlines()[0]}") from error


def _plain(column: Any) -> Any:
    """A column as whole numbers or as texts, `-` as null; one of another type is left to be told as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        return column.cast(pa.int64())
    try:
        text = column.cast(pa.string())
        text.validate(full=True)  # a file may hold bytes that are not UTF-8 in a column of texts
    except pa.ArrowException:
        values = column.cast(pa.binary()) if pa.types.is_string(column.type) else column
        text = pa.array([value if value is None else _text(value) for value in values.to_pylist()], pa.string())
    return pc.if_else(pc.equal(text, "-"), pa.scalar(None, pa.string()), text)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
