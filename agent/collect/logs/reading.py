"""Log files read: rows as Arrow record batches, and for every file what of it could not be read.

A file that cannot be read, or not to its end, leaves the hours that it may be about in doubt: those of the rows that were
read, and the one in its name with the hour before. Where nothing tells them, it is in doubt for all.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from agent.collect.gunzip import LIMITS, Damaged, Limits, TooLarge, uncompressed
from agent.collect.logs.files import files, read
from agent.collect.logs.objects import Unreadable
from checks.logs.formats import declared as web
from checks.logs.formats.detect import DIGEST, detect, reader
from checks.logs.formats.faults import Faults, NotRecords
from checks.logs.tables import TABLES

HEAD: Final = 1 << 16
HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=400)
"""What one object may be about: a time that is farther off is a wrong one."""
_STAMPS: Final = (
    (re.compile(r"_(20[0-9]{6}T[0-9]{4})Z[_.][^/]*$"), "%Y%m%dT%H%M"),
    (re.compile(r"\.(20[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2})\.[^/]*$"), "%Y-%m-%d-%H"),
    (re.compile(r"/(y=20[0-9]{2}/m=[0-9]{2}/d=[0-9]{2}/h=[0-9]{2})/"), "y=%Y/m=%m/d=%d/h=%H"),
)
"""The time in the names of objects: of what CloudTrail, flow logs and load balancers deliver, when that was, or its first or last
row; of CloudFront's and of Azure's, the hour that they are of (CloudFront developer guide, "Standard logging"; Azure Monitor
documentation, "Azure resource logs": y=, m=, d=, h=)."""


@dataclass(slots=True)
class FileRead:
    """What became of a file; `rows` by their hour, None for rows without a time. Whole once its batches are used up."""

    path: str
    format: str | None = None
    rows: dict[datetime | None, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    unread: str | None = None
    """Why it was not read, or not to its end."""
    unseen: Unreadable | None = None
    """The look that failed, where that is why."""
    damaged: bool = False
    """Whether its bytes are there, and are not those of a whole log file."""

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
        if (at := _named(self.path)) is not None:
            hours |= {at - HOUR, at}  # what is delivered now began up to an hour ago
        return _between(hours) if hours else None


Wanted = Callable[[str], Collection[str]]
"""Of a table, by its name, the columns that are asked for."""


def read_file(
    path: Path, found: FileRead, *, format_: str = "auto", limits: Limits = LIMITS, wanted: Wanted | None = None
) -> Iterator[Any]:
    """The record batches of a file of this machine, as `read_contents` gives them."""
    return read_contents(uncompressed(read(path), str(path), limits), found, format_=format_, wanted=wanted)


def read_contents(
    pieces: Iterator[bytes], found: FileRead, *, format_: str = "auto", declared: str | None = None, wanted: Wanted | None = None
) -> Iterator[Any]:
    """The record batches of any store's object (its `pieces`), with the schema of its format's table.

    What goes wrong is written into `found`, whose path is the object's name. Columns that are not `wanted` (None: all are) may be
    null, and what is odd in them is not told.
    """
    try:
        head, contents = _head(pieces)
        told = detect(head)
        found.format = told if format_ == "auto" or (format_ == "cloudtrail" and told == DIGEST) else format_
        if found.format is None:
            next(contents, None)  # which raises, where the file is one that ends badly
            found.unread = "not a format that is known here" if head.strip() else "empty"
            return
        if found.format == DIGEST:
            return
        columns = None if wanted is None else wanted(f"log.{found.format}")
        read_rows = reader(found.format, columns) if declared is None else web.reader(declared)
        for batch in read_rows(itertools.chain([head], contents), written(found.path), found.faults):
            _count(batch, found)
            yield batch
    except Unreadable as error:
        found.unread, found.unseen = error.what, error
    except (Damaged, TooLarge, NotRecords) as error:
        found.unread = str(error).removeprefix(f"{found.path}: ")
        found.damaged = not isinstance(error, TooLarge)


def schema(format_: str) -> Any:
    """The Arrow schema of a format's rows."""
    return TABLES[f"log.{format_}"].schema()


def written(path: str) -> str:
    """A path as text that every engine takes: bytes in it that are no text become escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def _named(path: str) -> datetime | None:
    """The hour in the name of an object; None where it has none, or one that there is not."""
    for pattern, form in _STAMPS:
        if stamp := pattern.search(path):
            with contextlib.suppress(ValueError):
                return datetime.strptime(stamp[1], form).replace(minute=0, tzinfo=UTC)
    return None


def _head(contents: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning, and what comes after it: also of a file that ends badly or cannot be read on, so that its format is told."""
    head = b""
    try:
        for piece in contents:
            head += piece
            if len(head) >= HEAD:
                break
    except (Unreadable, Damaged, TooLarge) as error:
        if not head:
            raise
        return head, _ending(error)
    return head, contents


def _ending(error: Exception) -> Iterator[bytes]:
    raise error
    yield b""


def _count(batch: Any, found: FileRead) -> None:
    plain = batch.column("time").cast(pa.timestamp("us"))  # is in UTC, and with a zone it takes ten times as long
    for one in pc.value_counts(pc.floor_temporal(plain, unit="hour")).to_pylist():
        hour = None if one["values"] is None else one["values"].replace(tzinfo=UTC)
        found.rows[hour] = found.rows.get(hour, 0) + one["counts"]


def _between(hours: set[datetime]) -> set[datetime] | None:
    """Every hour from the first to the last: what is missing may be of any of them. None where these are more than a log has."""
    if max(hours) - min(hours) > _LONGEST:
        return None
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
