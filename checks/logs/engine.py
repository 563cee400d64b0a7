"""Rules over rows, run on an engine that is handed in: each batch of rows is read once, and leaves counts.

Neither `applies_if` nor `upheld_if` becomes a WHERE: rows are counted by what both of them are, TRUE, FALSE or NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import ibis

from checks.logs.compile import Compiler
from checks.logs.masking import masked
from checks.logs.partial import SAMPLES, Key, Partial, Sample, Tally, merge
from checks.logs.rows import value
from checks.logs.table import PROVENANCE, Column, Table, address_columns
from checks.rule import Rule

if TYPE_CHECKING:
    import pyarrow as pa

ROWS: Final = "upheld_rows"
"""The name under which an engine finds the rows."""
_CHUNK: Final = 262_144


class Engine(Protocol):
    """What runs a query over the rows of an Arrow table, which it finds under the name ROWS."""

    def run(self, rows: pa.Table, queries: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
        """The answer to each query in turn, as rows. A query is asked only when its answer is taken."""
        ...


@dataclass(slots=True)
class DuckDB:
    """DuckDB in this process, on a connection that is handed in; nothing is stored in it."""

    connection: Any
    _written: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def run(self, rows: pa.Table, queries: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
        self.connection.register(ROWS, rows)
        try:
            for query in queries:
                if id(query) not in self._written:  # the query is kept beside its text, so that its id stays its own
                    self._written[id(query)] = query, str(ibis.to_sql(query, dialect="duckdb"))
                yield self.connection.sql(self._written[id(query)][1]).to_arrow_table().to_pylist()
        finally:
            self.connection.unregister(ROWS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule over rows with its parameters, and the name under which it is counted."""

    name: str
    rule: Rule
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Prepared:
    name: str
    group_by: tuple[Column, ...]
    show: tuple[Column, ...]
    counts: Any
    samples: Any


@dataclass(frozen=True, slots=True)
class Questions:
    """The rules about one table, compiled: what is asked of every batch of its rows."""

    table: Table
    prepared: tuple[_Prepared, ...]


def prepare(table: Table, asked: Iterable[Asked], now: datetime) -> Questions:
    """Compile the rules that are about the table. `now` has a zone. Raises UnfitParameter."""
    import pyarrow as pa

    empty = unzoned(pa.Table.from_batches([], table.schema()))
    rows = ibis.table(ibis.Schema.from_pyarrow(empty.schema), name=ROWS)
    return Questions(table, tuple(_prepare(rows, table, one, now) for one in asked if one.rule.kind == table.name))


def run(engine: Engine, questions: Questions, source: str, batches: Iterable[pa.RecordBatch | pa.Table]) -> Partial:
    """All rules over all batches, each of which has the table's schema; a batch is read once. Raises ValueError for another schema."""
    return merge(_one(engine, questions, source, chunk) for chunk in _chunks(questions.table, batches))


def unzoned(rows: pa.Table) -> pa.Table:
    """The same times without a zone, in UTC: what an engine does with a zone depends on the session's."""
    import pyarrow as pa

    plain = pa.timestamp("us")
    return rows.cast(pa.schema([pa.field(one.name, plain if pa.types.is_timestamp(one.type) else one.type) for one in rows.schema]))


def _chunks(table: Table, batches: Iterable[pa.RecordBatch | pa.Table]) -> Iterator[pa.Table]:
    """Batches, put together until they are worth a query each."""
    import pyarrow as pa

    schema = table.schema()
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        if not batch.schema.equals(schema):
            raise ValueError(f"these rows are not {table.name}'s: {batch.schema}")
        held += batch.to_batches() if isinstance(batch, pa.Table) else [batch]
        count += batch.num_rows
        if count >= _CHUNK:
            yield pa.Table.from_batches(held, schema)
            held, count = [], 0
    if count:
        yield pa.Table.from_batches(held, schema)


def _prepare(rows: Any, table: Table, asked: Asked, now: datetime) -> _Prepared:
    terms, file = asked.rule.terms, asked.rule.file
    assert terms is not None
    compiler = Compiler(rows, asked.params, now)
    upheld = compiler.condition(terms.upheld_if)
    applies = ibis.literal(True, "boolean") if terms.applies_if is None else compiler.condition(terms.applies_if)
    group = _stored(table, file.group_by)
    held = rows.select(
        *dict.fromkeys([*_stored(table, [*file.show, "time"]), *(name for name, _ in PROVENANCE)]),
        hour=rows.time.truncate("h"),
        applies=applies,
        upheld=upheld,
        **{f"group_{name}": ibis.cases((~applies, ibis.null(rows[name].type())), else_=rows[name]) for name in group},
    )
    by = ["hour", "applies", "upheld", *(f"group_{name}" for name in group)]
    counts = held.group_by(by).agg(rows=held.count(), first=held.time.min(), last=held.time.max())
    within = ibis.window(group_by=["hour", *by[3:]], order_by=["time", "object", "line"])
    ranked = held.filter(held.applies & ~held.upheld).mutate(rank=ibis.row_number().over(within))
    samples = ranked.filter(ranked["rank"] < SAMPLES).drop("rank")
    return _Prepared(asked.name, tuple(map(table.__getitem__, file.group_by)), tuple(map(table.__getitem__, file.show)), counts, samples)


def _stored(table: Table, names: Iterable[str]) -> list[str]:
    """The Arrow columns in which columns stand."""
    return [part for name in names for part in (address_columns(name) if table[name].kind == "address" else (name,))]


def _one(engine: Engine, questions: Questions, source: str, chunk: pa.Table) -> Partial:
    rows = unzoned(chunk)
    cells: dict[Key, dict[tuple[bool | None, bool | None], Tally]] = {}
    broken: list[_Prepared] = []
    asked = questions.prepared
    for prepared, counted in zip(asked, engine.run(rows, [one.counts for one in asked]), strict=True):
        for row in counted:
            cell = row["applies"], row["upheld"]
            held = cells.setdefault(_key(source, prepared, row), {})
            tally = Tally(row["rows"], _utc(row["first"]), _utc(row["last"]))
            held[cell] = held[cell] + tally if cell in held else tally
        if any(row["applies"] and row["upheld"] is False for row in counted):
            broken.append(prepared)
    samples: dict[Key, list[Sample]] = {}
    for prepared, shown in zip(broken, engine.run(rows, [one.samples for one in broken]), strict=True):
        for row in shown:
            samples.setdefault(_key(source, prepared, row), []).append(_sample(prepared, row))
    kept = {key: tuple(sorted(shown, key=lambda sample: sample.order)) for key, shown in samples.items()}
    return Partial(cells, kept, {source: chunk.num_rows})


def _key(source: str, prepared: _Prepared, row: Mapping[str, Any]) -> Key:
    if row["applies"] is False:
        return Key(source, prepared.name, _utc(row["hour"]), ())
    return Key(source, prepared.name, _utc(row["hour"]), tuple(value(column, row, "group_") for column in prepared.group_by))


def _sample(prepared: _Prepared, row: Mapping[str, Any]) -> Sample:
    shown = tuple((column.name, masked(column, value(column, row))) for column in prepared.show)
    return Sample(_utc(row["time"]), row["object"], row["line"], shown)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
