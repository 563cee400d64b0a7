"""Rules over rows, run on an engine that is handed in: each batch of rows is read once, and leaves counts.

Neither `applies_if` nor `upheld_if` becomes a WHERE: rows are counted by what both of them are, TRUE, FALSE or NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import ibis

from checks.logs.compile import Compiler
from checks.logs.masking import masked
from checks.logs.partial import SAMPLES, Cell, Key, Partial, Sample, Tally, merge
from checks.logs.rows import value
from checks.logs.table import PROVENANCE, Column, Table, address_columns
from checks.rule import Rule

if TYPE_CHECKING:
    import pyarrow as pa

ROWS: Final = "upheld_rows"
"""The name under which an engine finds the rows."""
CHUNK: Final = 262_144
"""Rows that are worth a query each."""


Rows = TypeVar("Rows", contravariant=True)  # noqa: PLC0105
"""What an engine takes rows as: an Arrow table without zones (see `unzoned`), or what it reads itself."""


class EngineFailed(RuntimeError):
    """The rows were not counted, or not all of them: which engine, and what it said."""


class Engine(Protocol[Rows]):
    """What runs a query over rows, which the query finds under the name ROWS."""

    def run(self, rows: Rows, queries: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
        """The answer to each query in turn, as rows. A query is asked only when its answer is taken."""
        ...


@dataclass(slots=True)
class Sql:
    """Queries as an engine's SQL, each written once."""

    dialect: str
    _written: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def of(self, query: Any) -> str:
        if id(query) not in self._written:  # the query is kept beside its text, so that its id stays its own
            self._written[id(query)] = query, str(ibis.to_sql(query, dialect=self.dialect))
        return self._written[id(query)][1]


@dataclass(slots=True)
class DuckDB:
    """DuckDB in this process, on a connection that is handed in; nothing is stored in it."""

    connection: Any
    _sql: Sql = field(default_factory=lambda: Sql("duckdb"))

    def run(self, rows: pa.Table, queries: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
        self.connection.register(ROWS, rows)
        try:
            for query in queries:
                yield self.connection.sql(self._sql.of(query)).to_arrow_table().to_pylist()
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
    count: Any
    """How many rows there are."""
    apart: bool
    """Whether objects are counted apart."""


def named(table: Table) -> Any:
    """The rows of a table as queries name them: times are without a zone, and in UTC."""
    import pyarrow as pa

    return ibis.table(ibis.Schema.from_pyarrow(unzoned(pa.Table.from_batches([], table.schema())).schema), name=ROWS)


def prepare(table: Table, asked: Iterable[Asked], now: datetime, *, apart: bool = False) -> Questions:
    """Compile the rules that are about the table; `apart`: to be counted for each object. `now` has a zone. Raises UnfitParameter."""
    rows = named(table)
    prepared = tuple(_prepare(rows, table, one, now, apart=apart) for one in asked if one.rule.kind == table.name)
    return Questions(table, prepared, rows.aggregate(rows=rows.count()), apart)


def fits(table: Table, rule: Rule, params: Mapping[str, Any], now: datetime) -> None:
    """Whether a rule can be asked under these parameters. Raises UnfitParameter."""
    compiler = Compiler(named(table), params, now)
    for condition in (rule.terms.applies_if, rule.terms.upheld_if) if rule.terms else ():
        if condition is not None:
            compiler.condition(condition)


def run(engine: Engine[pa.Table], questions: Questions, source: str, batches: Iterable[pa.RecordBatch | pa.Table]) -> Partial:
    """All rules over all batches, each of which has the table's schema; a batch is read once.

    Raises ValueError for another schema, EngineFailed.
    """
    return merge(by_object(engine, questions, source, batches).values())


def by_object(
    engine: Engine[pa.Table], questions: Questions, source: str, batches: Iterable[pa.RecordBatch | pa.Table]
) -> dict[str | None, Partial]:
    """The same, for each object whose rows are among them, where the questions are prepared `apart`; else for None. A query costs
    about as much for a hundred small objects as for one."""
    found: dict[str | None, list[Partial]] = {}
    for chunk in _chunks(questions.table, batches):
        rows: dict[str | None, int] = {None: chunk.num_rows}
        if questions.apart:
            rows = {one["values"]: one["counts"] for one in chunk.column("object").value_counts().to_pylist()}
        for object_, partial in _one(engine, questions, source, unzoned(chunk), rows).items():
            found.setdefault(object_, []).append(partial)
    return {object_: merge(parts) for object_, parts in found.items()}


def run_whole(engine: Engine[Rows], questions: Questions, source: str, rows: Rows) -> Partial:
    """All rules over rows that the engine reads itself, and counts itself, as often as it needs. Raises EngineFailed."""
    (((counted,)),) = engine.run(rows, [questions.count])
    return _one(engine, questions, source, rows, {None: counted["rows"]})[None]


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
        if count >= CHUNK:
            yield pa.Table.from_batches(held, schema)
            held, count = [], 0
    if count:
        yield pa.Table.from_batches(held, schema)


def _prepare(rows: Any, table: Table, asked: Asked, now: datetime, *, apart: bool) -> _Prepared:
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
    within_hour = [*(["object"] if apart else []), "hour", *(f"group_{name}" for name in group)]
    by = [*within_hour, "applies", "upheld"]
    counts = held.group_by(by).agg(rows=held.count(), first=held.time.min(), last=held.time.max())
    within = ibis.window(group_by=within_hour, order_by=["time", "object", "line"])
    ranked = held.filter(held.applies & ~held.upheld).mutate(rank=ibis.row_number().over(within))
    samples = ranked.filter(ranked["rank"] < SAMPLES).drop("rank")
    return _Prepared(asked.name, tuple(map(table.__getitem__, file.group_by)), tuple(map(table.__getitem__, file.show)), counts, samples)


def _stored(table: Table, names: Iterable[str]) -> list[str]:
    """The Arrow columns in which columns stand."""
    return [part for name in names for part in (address_columns(name) if table[name].kind == "address" else (name,))]


def _one(
    engine: Engine[Rows], questions: Questions, source: str, rows: Rows, counts: Mapping[str | None, int]
) -> dict[str | None, Partial]:
    """`counts`: how many rows there are of each object, or of None."""
    cells: dict[str | None, dict[Key, dict[Cell, Tally]]] = {}
    broken: list[_Prepared] = []
    asked, total = questions.prepared, sum(counts.values())
    for prepared, counted in zip(asked, engine.run(rows, [one.counts for one in asked]), strict=True):
        for row in counted:
            cell = row["applies"], row["upheld"]
            held = cells.setdefault(_object(questions, row), {}).setdefault(_key(source, prepared, row), {})
            tally = Tally(row["rows"], _utc(row["first"]), _utc(row["last"]))
            held[cell] = held[cell] + tally if cell in held else tally
        if (seen := sum(row["rows"] for row in counted)) != total:
            raise EngineFailed(f"{source}: {prepared.name} was asked of {seen} rows, and there are {total}: run it again")
        if any(row["applies"] and row["upheld"] is False for row in counted):
            broken.append(prepared)
    samples: dict[str | None, dict[Key, list[Sample]]] = {}
    for prepared, shown in zip(broken, engine.run(rows, [one.samples for one in broken]), strict=True):
        for row in shown:
            samples.setdefault(_object(questions, row), {}).setdefault(_key(source, prepared, row), []).append(_sample(prepared, row))
    found = {}
    for object_, count in counts.items():
        kept = {key: tuple(sorted(shown, key=lambda one: one.order)) for key, shown in samples.get(object_, {}).items()}
        found[object_] = Partial(cells.get(object_, {}), kept, {source: count})
    return found


def _object(questions: Questions, row: Mapping[str, Any]) -> str | None:
    return row["object"] if questions.apart else None


def _key(source: str, prepared: _Prepared, row: Mapping[str, Any]) -> Key:
    if row["applies"] is False:
        return Key(source, prepared.name, _utc(row["hour"]), ())
    return Key(source, prepared.name, _utc(row["hour"]), tuple(value(column, row, "group_") for column in prepared.group_by))


def _sample(prepared: _Prepared, row: Mapping[str, Any]) -> Sample:
    shown = tuple((column.name, masked(column, value(column, row))) for column in prepared.show)
    return Sample(_utc(row["time"]), row["object"], row["line"], shown)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
