"""One object of a log, read once: its rows counted by every question, its bytes hashed, its faults kept."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from agent.collect.gunzip import Damaged, TooLarge
from agent.collect.log_objects import Unreadable
from agent.collect.logs import FileRead, read_contents
from checks.document import parse
from checks.logs.engine import Asked, DuckDB, Questions, prepare, run
from checks.logs.object_read import ObjectRead
from checks.logs.partial import Partial
from checks.logs.tables import TABLES
from checks.rule import Rule, read

_ENDS: Final = (Unreadable, Damaged, TooLarge)
"""How an object may end before its end."""


@dataclass(frozen=True, slots=True)
class Question:
    """A rule over rows as text, so that it can be handed to another process; `name` is what it is counted under."""

    name: str
    control: str
    file: str
    text: str
    params: Mapping[str, Any]

    def rule(self) -> Rule:
        return read(parse(self.text, self.file), {}, {}, [self.control])


@dataclass
class Counter:
    """Counts the objects of one source. `now` is the time of the collection, with a zone."""

    source: str
    questions: tuple[Question, ...]
    now: datetime
    _prepared: dict[str, Questions] = field(default_factory=dict)
    _engine: DuckDB | None = None

    def count(self, name: str, contents: Iterator[bytes], format_: str) -> ObjectRead:
        """What an object comes to. Its contents are uncompressed, and may raise what a store raises."""
        found, hashed = FileRead(name), _Hashed(contents)
        batches = read_contents(iter(hashed), found, format_=format_)
        first = next(batches, None)
        counts = Partial()
        if first is not None:
            assert found.format is not None
            counts = run(self._duckdb(), self._asked(f"log.{found.format}"), self.source, _chain(first, batches))
        hashed.finish()
        return ObjectRead(
            name, found.format, hashed.digest, found.rows, found.unread, found.damaged,
            None if (hours := found.doubtful()) is None else frozenset(hours),
            tuple((first[0], found.faults.counts[kind]) for kind, first in sorted(found.faults.first.items())), counts,
        )  # fmt: skip

    def _asked(self, table: str) -> Questions:
        if table not in self._prepared:
            rules = [(one, one.rule()) for one in self.questions]
            asked = [Asked(one.name, rule, one.params) for one, rule in rules if rule.kind == table]
            self._prepared[table] = prepare(TABLES[table], asked, self.now)
        return self._prepared[table]

    def _duckdb(self) -> DuckDB:
        if self._engine is None:
            import duckdb

            self._engine = DuckDB(duckdb.connect(":memory:", config={"threads": 1}))
        return self._engine


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


def _chain(first: Any, rest: Iterable[Any]) -> Iterator[Any]:
    yield first
    yield from rest
