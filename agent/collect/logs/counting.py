"""Objects of a log, each read once: its rows counted by every question, its bytes hashed, its faults kept."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.collect.gunzip import Damaged, TooLarge
from agent.collect.logs import parquet
from agent.collect.logs.objects import Unreadable
from agent.collect.logs.reading import FileRead, read_contents, written
from checks.document import Document
from checks.logs.engine import CHUNK, Asked, DuckDB, Questions, by_object, prepare
from checks.logs.object_read import ObjectRead
from checks.logs.partial import Partial, merge
from checks.logs.personal import found as personal
from checks.logs.personal.found import Found
from checks.logs.table import Table
from checks.logs.tables import TABLES
from checks.rule import Rule, read

if TYPE_CHECKING:
    from checks.logs.personal.scan import Scanner

_ENDS: Final = (Unreadable, Damaged, TooLarge)
"""How an object may end before its end."""


@dataclass(frozen=True, slots=True)
class Question:
    """A rule over rows as it is written, which can be handed to another process; `name` is what it is counted under."""

    name: str
    table: str
    control: str
    document: Document
    params: Mapping[str, Any]

    def rule(self) -> Rule:
        return read(self.document, {}, {}, [self.control])


@dataclass
class Counter:
    """Counts the objects of one source. `now` is the time of the collection, with a zone; with a key (`Scanner`) they are scanned for
    personal data."""

    source: str
    questions: tuple[Question, ...]
    now: datetime
    key: bytes | None = None
    declared: str | None = None
    """The format of a web server's lines, as its configuration writes it."""
    keep: Callable[[str], Path] | None = None
    """Where the rows of an object are kept, by its name, where others are to count them."""
    _prepared: dict[str, _About] = field(default_factory=dict)
    _engine: DuckDB | None = None

    def another(self) -> Counter:
        """One that counts the same, with nothing prepared: what another process can be given."""
        return Counter(self.source, self.questions, self.now, self.key, self.declared, self.keep)

    def count(self, objects: Iterable[tuple[str, Iterator[bytes]]], format_: str) -> Iterator[ObjectRead]:
        """What each object comes to, in their order. Contents are uncompressed, and may raise what a store raises.

        The rows of many small objects are put together before anything is asked of them.
        """
        read: list[_Read] = []
        held: dict[str, list[Any]] = {}
        rows = 0
        for name, contents in objects:
            one = _Read(FileRead(name), _Hashed(contents))
            read.append(one)
            if self.keep is not None:
                self._kept(one, read_contents(iter(one.hashed), one.found, format_=format_, declared=self.declared), self.keep(name))
            for batch in (
                ()
                if self.keep is not None
                else read_contents(iter(one.hashed), one.found, format_=format_, declared=self.declared, wanted=self._wanted)
            ):
                table = f"log.{one.found.format}"
                held.setdefault(table, []).append(batch)
                if self._scanner is not None:
                    one.personal.append(self._scanner.scan(TABLES[table], batch))
                rows += batch.num_rows
                if rows >= CHUNK:
                    self._ask(read, held)
                    rows = 0
            one.hashed.finish()
        self._ask(read, held)
        yield from (one.told() for one in read)

    def _kept(self, one: _Read, batches: Iterator[Any], place: Path) -> None:
        """The rows of an object in a file; none where there are none. Free text that nobody asks about is not copied."""
        first = next(batches, None)
        if first is None:
            place.unlink(missing_ok=True)
            return
        table = TABLES[f"log.{one.found.format}"]

        def scanned() -> Iterator[Any]:
            for batch in chain([first], batches):
                if self._scanner is not None:
                    one.personal.append(self._scanner.scan(table, batch))
                yield _without(batch, table, self._about(table.name).columns)

        parquet.write(table, scanned(), place)

    def _ask(self, read: list[_Read], held: dict[str, list[Any]]) -> None:
        by_name = {written(one.found.path): one for one in read}
        for table, batches in held.items():
            for object_, partial in by_object(self._duckdb(), self._about(table).questions, self.source, batches).items():
                by_name[object_ or ""].parts.append(partial)
        held.clear()

    @cached_property
    def _scanner(self) -> Scanner | None:
        if self.key is None:
            return None
        from checks.logs.personal.scan import Scanner

        return Scanner(self.key, client_ip=True, linked=True)

    def _wanted(self, table: str) -> frozenset[str]:
        """The columns that the questions about a table read, and the scan for personal data."""
        scanned = self._scanner.columns(TABLES[table]) if self._scanner is not None else frozenset[str]()
        return self._about(table).columns | scanned

    def _about(self, table: str) -> _About:
        if table not in self._prepared:
            asked = [Asked(one.name, one.rule(), one.params) for one in self.questions if one.table == table]
            columns = frozenset({"time"}.union(*(one.rule.columns() for one in asked)))
            self._prepared[table] = _About(prepare(TABLES[table], asked, self.now, apart=True), columns)
        return self._prepared[table]

    def _duckdb(self) -> DuckDB:
        if self._engine is None:
            import duckdb

            self._engine = DuckDB(duckdb.connect(":memory:", config={"threads": 1}))
        return self._engine


def _without(batch: Any, table: Table, asked: frozenset[str]) -> Any:
    """The rows without the free text of columns that are not asked for."""
    import pyarrow as pa

    for column in table.columns:
        if column.care == "free" and column.name not in asked:
            place = batch.schema.get_field_index(column.name)
            batch = batch.set_column(place, batch.schema.field(place), pa.nulls(batch.num_rows, pa.string()))
    return batch


@dataclass(frozen=True, slots=True)
class _About:
    """What is asked of a table, and the columns that are read for it; where a row stands is always read."""

    questions: Questions
    columns: frozenset[str]


@dataclass(slots=True)
class _Read:
    """An object on its way."""

    found: FileRead
    hashed: _Hashed
    parts: list[Partial] = field(default_factory=list)
    personal: list[Found] = field(default_factory=list)

    def told(self) -> ObjectRead:
        found, hours, unseen = self.found, self.found.doubtful(), self.found.unseen
        return ObjectRead(
            found.path, found.format, self.hashed.digest, found.rows, found.unread, found.damaged,
            None if hours is None else frozenset(hours),
            tuple((first[0], found.faults.counts[kind]) for kind, first in sorted(found.faults.first.items())),
            merge(self.parts),
            personal.plain(personal.merge(self.personal)) if self.personal else None,
            reason=unseen.failure.reason if unseen else None,
            action=unseen.action if unseen else None,
        )  # fmt: skip


class _Hashed:
    """Pieces on their way, hashed; `whole` once they have come to their end, and not to one that an error made."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._sha256 = pieces, hashlib.sha256()
        self.whole = self._failed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._sha256.update(piece)
                yield piece
        except _ENDS:
            self._failed = True
            raise
        self.whole = not self._failed

    def finish(self) -> None:
        """Read what nobody asked for: a reader may stop before the end."""
        with contextlib.suppress(*_ENDS):
            for _ in self if not self.whole else ():
                pass

    @property
    def digest(self) -> str | None:
        return self._sha256.hexdigest() if self.whole else None
