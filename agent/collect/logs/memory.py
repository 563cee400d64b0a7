"""What was read of logs, kept from run to run: an object that did not change is read once.

An object is known by its source, name and version, and is one row: what it came to and that it is done are written
together or not at all. So an object that is told twice, late or out of order changes nothing, and a process that is killed
loses no more than what it had in hand.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agent.collect.logs.reading import written
from checks.logs.object_read import ObjectRead, of_record, record

_SCHEMA: Final = """
create table if not exists object (
    source text not null, name text not null, version text not null, asked text not null, record blob not null,
    primary key (source, name, version)
) without rowid
"""
_VERSION: Final = 1
_WAIT: Final = 60
_LEVEL: Final = 1


class LogMemory:
    """A context manager. Without a path nothing outlives it. Raises OSError and sqlite3.Error where the file cannot be used."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._connection = self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._path is None:
            return self._begin(sqlite3.connect(":memory:"))
        try:
            return self._begin(self._connect(self._path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, or no place to write: the file itself may be good
            self._path.unlink()  # no database, or one of another version: everything in it can be read again
            return self._begin(self._connect(self._path))

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_WAIT)
        connection.execute("pragma journal_mode = wal")
        return connection

    @staticmethod
    def _begin(connection: sqlite3.Connection) -> sqlite3.Connection:
        held = connection.execute("pragma user_version").fetchone()[0]
        if held not in {0, _VERSION}:
            connection.close()
            raise sqlite3.DatabaseError(f"of version {held}")
        with connection:
            connection.execute(_SCHEMA)
            connection.execute(f"pragma user_version = {_VERSION}")
        return connection

    def known(self, source: str, asked: str) -> set[tuple[str, str]]:
        """The objects, by name (as `written`) and version, of which it is known what they come to when this is asked of them."""
        rows = self._connection.execute("select name, version from object where source = ? and asked = ?", (source, asked))
        return {(name, version) for name, version in rows}

    def keep(self, source: str, reads: Iterable[tuple[str, str, ObjectRead]]) -> None:
        """Write what objects came to, each with what was asked of it and its version: all of them, or none. What is to be read again
        next time is kept as asked nothing."""
        rows = [
            (source, written(read.name), version, asked, zlib.compress(json.dumps(record(read)).encode(), _LEVEL))
            for asked, version, read in reads
        ]
        with self._connection:
            self._connection.executemany("insert or replace into object values (?, ?, ?, ?, ?)", rows)

    def reads(self, source: str, wanted: Iterable[tuple[str, str]]) -> Iterator[ObjectRead]:
        """What the objects came to, in the order asked for. Raises KeyError for one that is not known."""
        with closing(self._connection.cursor()) as cursor:
            for name, version in wanted:
                cursor.execute("select record from object where source = ? and name = ? and version = ?", (source, written(name), version))
                if (row := cursor.fetchone()) is None:
                    raise KeyError(name)
                yield of_record(json.loads(zlib.decompress(row[0])))

    def orphans(self, source: str, kept: Iterable[tuple[str, str]]) -> list[tuple[str, ObjectRead]]:
        """What a source's objects came to that are not among those kept, each with its version."""
        held = self._connection.execute("select name, version from object where source = ?", (source,))
        gone = sorted({(name, version) for name, version in held} - {(written(name), version) for name, version in kept})
        return [(version, read) for (_, version), read in zip(gone, self.reads(source, gone), strict=True)]

    def forget(self, source: str, gone: Iterable[tuple[str, str]]) -> None:
        """Drop objects, so that the memory does not grow for ever."""
        with self._connection:
            self._connection.executemany(
                "delete from object where source = ? and name = ? and version = ?",
                ((source, written(name), version) for name, version in gone),
            )
