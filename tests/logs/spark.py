"""Rules over rows on Spark, held against the CEL runtime and against DuckDB.

    python -m tests.logs.spark [--expressions 5000] [--rows 300] [--seed 1]

Expressions and patterns are drawn from the whole of what compiles, rows sit on their edges, and lie in Parquet files that a worker of
a standalone cluster reads. What CEL calls true, false or an error for a row, so does Spark. Then every shipped rule is asked of rows
that are drawn from all examples, and has to leave the same Partial, byte for byte, as on DuckDB. What uses up Java's stack ends without one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from agent.collect.logs.parquet import write
from agent.collect.logs.spark import session
from agent.rulebook import load
from checks import example, expression
from checks.logs import subset
from checks.logs.compile import Compiler
from checks.logs.engine import Asked, DuckDB, EngineFailed, Questions, named, prepare, run, run_whole
from checks.logs.partial import plain
from checks.logs.rows import NoRow, check, to_arrow
from checks.logs.spark import Files, Spark
from checks.logs.table import Table
from checks.logs.tables import TABLES
from checks.rule import Rule
from tests.checks.logs import grammar
from tests.checks.logs.log_rules import make
from tests.checks.logs.runtime_rows import TYPES, by_runtime
from tests.logs.cluster import SETTINGS, cluster
from tests.world.servers import LOOPBACK

TOGETHER = 45
"""Expressions in a query: few enough that Java mostly compiles them in one piece, as it does a rule's."""
_EDGES = [
    None,
    "0001-01-01T00:00:00Z",
    "1582-10-10T00:30:00Z",
    "1883-11-18T12:03:58Z",
    "1969-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999999Z",
]


@dataclass
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


def drawn(count: int, number: int) -> list[str]:
    """So many different conditions; every third is about a pattern."""
    found: dict[str, None] = {}
    matches = st.builds("row.{}.matches({})".format, st.sampled_from(["text", "word"]), grammar.patterns.map(grammar.quoted))
    batch = st.tuples(*[grammar.condition] * 6, *[matches] * 3)
    while len(found) < count:
        number += 1

        @seed(number)
        @settings(max_examples=100, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(batch)
        def gather(texts: Iterable[str]) -> None:
            found.update(dict.fromkeys(texts))

        gather()
    return list(found)[:count]


def files(table: Table, rows: list[dict[str, Any]], folder: Path, parts: int = 3) -> Files:
    """Rows in so many Parquet files."""
    paths = [folder / f"{table.name}-{part}.parquet" for part in range(parts)]
    for part, path in enumerate(paths):
        write(table, [to_arrow(table, rows[part::parts])], path)
    return Files(table, tuple(map(str, paths)))


def by_spark(spark: Spark, texts: list[str], held: Any, params: Mapping[str, Any]) -> list[list[bool | None]]:
    """For each text, what it is for each row."""
    rows = named(grammar.TABLE)
    asked = Compiler(rows, params, grammar.NOW)
    terms = [subset.read(expression.parse(text)[1], grammar.TABLE, TYPES) for text in texts]
    query = rows.select("line", **{f"c{place}": asked.condition(term) for place, term in enumerate(terms)}).order_by("line")
    (answer,) = spark.run(held, [query])
    return [[row[f"c{place}"] for row in answer] for place in range(len(texts))]


def expressions(tally: Tally, spark: Spark, folder: Path, count: int, rows: int, number: int) -> None:
    """Drawn conditions over drawn rows: every one of them, and all of them."""
    texts = drawn(count, number)
    held = [{**row, "line": line} for line, row in enumerate(grammar.rows(number, rows))]
    stored = files(grammar.TABLE, held, folder)
    for start in range(0, len(texts), TOGETHER):
        together = texts[start : start + TOGETHER]
        for text, found in zip(together, by_spark(spark, together, stored, grammar.PARAMS), strict=True):
            tally.counts["expressions"] += 1
            for row, is_, should in zip(held, found, by_runtime(text, held, grammar.PARAMS), strict=True):
                tally.counts[str(should)] += 1
                if is_ is not should:
                    tally.disagreements.append(f"{text}: Spark says {is_}, CEL {should}, of {row}")
                    break


def rules(tally: Tally, spark: Spark, folder: Path, rows: int, number: int, *, every: int = 1) -> None:
    """Every shipped rule, or one of so many, under its defaults and under the parameters of its examples."""
    shipped = [rule for place, rule in enumerate(load().log_rules.values()) if place % every == number % every]
    for table in TABLES.values():
        asked = [
            Asked(f"{rule.id}-{place}", rule, rule.params(params))
            for rule in shipped
            if rule.kind == table.name
            for place, params in enumerate(_params(rule))
        ]
        if not asked:
            continue
        held = list(_rows(table, [one.rule for one in asked], rows, number))
        questions = prepare(table, asked, grammar.NOW)
        tally.counts["rules"] += len({one.rule.id for one in asked})
        compared(tally, spark, questions, held, folder)


def compared(tally: Tally, spark: Spark, questions: Questions, held: list[dict[str, Any]], folder: Path) -> None:
    """What DuckDB comes to, and what Spark does."""
    with duckdb.connect(config={"threads": 1}) as connection:
        one = plain(run(DuckDB(connection), questions, "source", [to_arrow(questions.table, held)]))
    other = plain(run_whole(spark, questions, "source", files(questions.table, held, folder)))
    tally.counts["questions"] += len(questions.prepared)
    tally.counts["cells"] += len(one["cells"])
    tally.counts["samples"] += sum(len(cell["samples"]) for cell in one["cells"])
    if json.dumps(one) != json.dumps(other):
        tally.disagreements.append(f"{questions.table.name}: {_difference(one, other)}")


def stack(tally: Tally, spark: Spark, folder: Path) -> None:
    """A pattern that uses up the stack of Java on a text that is long enough: what DuckDB comes to, or no answer."""
    rule = make("row.user_name.matches('^(ab|c)*z')")
    questions = prepare(TABLES[rule.kind], [Asked(rule.id, rule, {})], grammar.NOW)
    for length in (1_000, 40_000, 2_000_000):
        try:
            compared(tally, spark, questions, [{"user_name": "ab" * (length // 2)}], folder)
        except EngineFailed as error:
            tally.counts["without an answer"] += 1
            print(f"{length} letters: {error}"[:200])


def _difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    for cell, second in zip(one["cells"], other["cells"], strict=False):
        if cell != second:
            return f"DuckDB {cell}, Spark {second}"
    return f"DuckDB has {len(one['cells'])} cells of {one['rows']}, Spark {len(other['cells'])} of {other['rows']}"


def _params(rule: Rule) -> list[dict[str, Any]]:
    held = [dict(params) for _, params in _examples(rule)]
    return list({json.dumps(params, sort_keys=True, default=str): params for params in [{}, *held]}.values())


def _examples(rule: Rule) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in ("upheld", "broken", "unproven", "excluded"):
        for held in getattr(rule.file.examples, group):
            row, params = example._row(held)
            yield dict(row), dict(params)


def _rows(table: Table, asked: Iterable[Rule], count: int, number: int) -> Iterator[dict[str, Any]]:
    """Rows of which each column is from some example, of any rule, or null: at any hour of three, some of them without a time."""
    chance = Random(number)
    seen = [row for rule in asked for row, _ in _examples(rule)]
    values = {one.name: [row[one.name] for row in seen if row.get(one.name) is not None] for one in table.columns}
    for line in range(count):
        row = dict(chance.choice(seen)) if chance.random() < 0.7 else {}
        row |= {name: chance.choice([*held, None]) for name, held in values.items() if chance.random() < (0.15 if row else 0.8)}
        row["time"] = chance.choice(
            [None, *(f"2026-02-0{day}T{hour}:{chance.randrange(60):02}:59.999999Z" for day in (1, 2) for hour in ("09", "23"))]
        )
        row |= {"object": chance.choice(["a", "B", "ä", "\uffff", "🙂", None]), "line": line}
        try:
            check(table, row)
        except NoRow:
            continue
        yield row


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--expressions", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.monotonic()
    tally = Tally()
    with (
        TemporaryDirectory(prefix="upheld-spark-") as folder,
        cluster() as running,
        session(running.url, host=LOOPBACK, settings=SETTINGS) as opened,
    ):
        spark = Spark(opened)
        expressions(tally, spark, Path(folder), options.expressions, options.rows, options.seed)
        rules(tally, spark, Path(folder), options.rows * 20, options.seed)
        stack(tally, spark, Path(folder))
    for line in tally.disagreements[:20]:
        print(line)
    told = ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items()))
    print(f"{told}; {len(tally.disagreements)} disagreements, {time.monotonic() - started:.0f} s")
    return 1 if tally.disagreements or tally.counts["expressions"] < options.expressions else 0


if __name__ == "__main__":
    sys.exit(main())
