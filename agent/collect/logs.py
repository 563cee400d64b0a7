"""Log files opened and read: rows as Arrow record batches, and for every file what of it could not be read.

A file that cannot be read, or not to its end, leaves the hours that it may be about in doubt: those of the rows that were
read, and the one in its name with the hour before. Where nothing tells them, it is in doubt for all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from agent.collect.gunzip import LIMITS, Damaged, Limits, TooLarge, Unreadable, pieces
from agent.collect.json_files import files_below
from agent.collect.trail_files import HEAD as SAVED
from checks.document import DocumentError
from checks.logs.formats.detect import DIGEST, READERS, detect
from checks.logs.formats.faults import Faults
from checks.logs.formats.record_parts import NotRecords
from checks.logs.tables import TABLES

HEAD: Final = 1 << 16
HOUR: Final = timedelta(hours=1)
_STAMP: Final = re.compile(r"_(20[0-9]{6}T[0-9]{4})Z[_.]")
"""The time in the names of files that CloudTrail, flow logs and load balancers deliver: when it was delivered, or its first or last row."""


@dataclass(slots=True)
class FileRead:
    """What became of a file; `rows` by their hour, None for rows without a time. Whole once its batches are used up."""

    path: str
    format: str | None = None
    rows: dict[datetime | None, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    unread: str | None = None
    """Why it was not read, or not to its end."""

    @property
    def whole(self) -> bool:
        return self.unread is None and not self.faults.lost and None not in self.rows

    @property
    def count(self) -> int:
        return sum(self.rows.values())

    def doubtful(self) -> set[datetime] | None:
        """The hours that cannot be told because of this file; None for all hours."""
        if self.whole:
            return set()
        hours = {hour for hour in self.rows if hour is not None}
        if stamp := _STAMP.search(Path(self.path).name):
            at = datetime.strptime(stamp[1], "%Y%m%dT%H%M").replace(minute=0, tzinfo=UTC)
            hours |= {at - HOUR, at}  # what is delivered now began up to an hour ago
        return _between(hours) if hours else None


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file below the paths, without what was saved of digests' metadata. Raises DocumentError."""
    for root in paths:
        if not root.exists():
            raise DocumentError(str(root), None, "there is no such file or folder")
        yield from (path for path in (files_below(root) if root.is_dir() else [root]) if not path.name.endswith(SAVED))


def read_file(
    path: Path, found: FileRead, *, format_: str = "auto", limits: Limits = LIMITS, wanted: Collection[str] | None = None
) -> Iterator[Any]:
    """The record batches of a file, with the schema of its format's table. What goes wrong is written into `found`.

    `wanted` names the columns that are asked for (None: all); others may be null, and what is odd in them is not told.
    """
    try:
        head, contents = _head(pieces(path, limits))
        found.format = detect(head) if format_ == "auto" else format_
        if found.format is None:
            next(contents, None)  # which raises, where the file is one that ends badly
            found.unread = "not a format that is known here" if head.strip() else "empty"
            return
        if found.format == DIGEST:
            return
        for batch in READERS[found.format](itertools.chain([head], contents), _written(found.path), found.faults, wanted):
            _count(batch, found)
            yield batch
    except (Unreadable, Damaged, TooLarge, NotRecords) as error:
        found.unread = str(error).removeprefix(f"{path}: ")


def schema(format_: str) -> Any:
    """The Arrow schema of a format's rows."""
    return TABLES[f"log.{format_}"].schema()


def _written(path: str) -> str:
    """A path as text that every engine takes: bytes in it that are no text become escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def _head(contents: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning, and what comes after it: also of a file that ends badly, so that its format is told."""
    head = b""
    try:
        for piece in contents:
            head += piece
            if len(head) >= HEAD:
                break
    except (Damaged, TooLarge) as error:
        return head, _ending(error)
    return head, contents


def _ending(error: Exception) -> Iterator[bytes]:
    raise error
    yield b""


def _count(batch: Any, found: FileRead) -> None:
    hours = pc.floor_temporal(batch.column("time"), unit="hour")
    for one in pc.value_counts(hours).to_pylist():
        hour = one["values"]
        found.rows[hour] = found.rows.get(hour, 0) + one["counts"]


def _between(hours: set[datetime]) -> set[datetime]:
    """Every hour from the first to the last: what is missing may be of any of them."""
    first, last = min(hours).timestamp(), max(hours).timestamp()
    return {datetime.fromtimestamp(at, UTC) for at in range(int(first), int(last) + 1, 3600)}


def table(paths: Iterable[Path], format_: str, reads: list[FileRead]) -> Any:
    """All rows of files of one format in one Arrow table; `reads` takes what became of each file."""
    batches: list[Any] = []
    for path in files(paths):
        found = FileRead(str(path))
        batches += read_file(path, found, format_=format_)
        reads.append(found)
    return pa.Table.from_batches(batches, schema=schema(format_))
