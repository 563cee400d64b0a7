"""Normalised rows in Parquet files: logs that were read once, for an engine that reads them again.

A file holds the rows of one table, with its schema (`Table.schema`): times in microseconds, UTC. It is written beside its place
and moved there once it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from checks.logs.table import Table

_ROWS: Final = 262_144
"""Rows of a row group, which is what a worker reads at a time."""


class NotRows(ValueError):
    """A file that does not hold a table's rows: which one, and why."""


def write(table: Table, batches: Iterable[pa.RecordBatch | pa.Table], path: Path) -> int:
    """The batches in one file, which is replaced; how many rows there are. Raises ValueError for a batch of another schema, OSError."""
    schema = table.schema()
    aside = path.with_name(f"{path.name}.part")
    count = 0
    try:
        with pq.ParquetWriter(aside, schema, compression="zstd", version="2.6") as writer:
            for batch in batches:
                if not batch.schema.equals(schema):
                    raise ValueError(f"these rows are not {table.name}'s: {batch.schema}")
                writer.write(batch, row_group_size=_ROWS)
                count += batch.num_rows
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return count


def read(table: Table, paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """The rows of all files, in order. Raises NotRows, also in the midst of a file that is damaged there."""
    for path in paths:
        with _opened(table, path) as file:
            try:
                yield from file.iter_batches(_ROWS)
            except (pa.ArrowException, OSError) as error:
                raise NotRows(f"{path}: damaged: {error}") from error


def count(table: Table, paths: Iterable[Path]) -> int:
    """How many rows the files say they hold; only their ends are read. Raises NotRows."""
    found = 0
    for path in paths:
        with _opened(table, path) as file:
            found += file.metadata.num_rows
    return found


def _opened(table: Table, path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise NotRows(f"{path}: not a Parquet file that can be read: {error}") from error
    if not file.schema_arrow.equals(table.schema()):
        file.close()
        raise NotRows(f"{path}: does not hold {table.name}'s rows; write it again")
    return file
