"""The compiled form of a condition and the CEL runtime, row by row: what one calls true, false or an error, so does the other."""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb
import ibis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from checks import expression
from checks.logs import subset
from checks.logs.compile import Compiler
from checks.logs.engine import unzoned
from checks.logs.rows import to_arrow
from checks.verdict import Verdict
from tests.checks.logs.grammar import NOW, PARAMS, TABLE, condition, rows

TRUTH = {Verdict.UPHELD: True, Verdict.BROKEN: False, Verdict.UNPROVEN: None}
TYPES = {name: {bool: "bool", int: "int", str: "string", list: "list"}[type(value)] for name, value in PARAMS.items()}


def by_runtime(text: str, rows: list[dict[str, Any]], params: dict[str, Any]) -> list[bool | None]:
    program, tree = expression.parse(text)
    asked = expression.Condition(text, program, frozenset(), tree, "row")
    found = []
    for one in rows:
        seen = {name: value for name, value in one.items() if value is not None}
        outcome = expression.evaluate(asked, seen, params=params, now=NOW, account="", region="", world=None)
        assert "not a truth value" not in outcome.error
        found.append(TRUTH[outcome.verdict])
    return found


@cache
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def by_engine(texts: list[str], rows: list[dict[str, Any]], params: dict[str, Any]) -> list[list[bool | None]]:
    """For each text, what it is for each row."""
    data = unzoned(to_arrow(TABLE, [{**one, "line": place} for place, one in enumerate(rows)]))
    held = ibis.table(ibis.Schema.from_pyarrow(data.schema), name="rows")
    asked = Compiler(held, params, NOW)
    terms = [subset.read(expression.parse(text)[1], TABLE, TYPES) for text in texts]
    query = held.select("line", **{f"c{place}": asked.condition(term) for place, term in enumerate(terms)}).order_by("line")
    engine = connection()
    engine.register("rows", data)
    answer = engine.sql(ibis.to_sql(query, dialect="duckdb")).to_arrow_table().to_pydict()
    return [answer[f"c{place}"] for place in range(len(texts))]


@settings(max_examples=70, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink is slow, and shows less
@given(st.lists(condition, min_size=6, max_size=14), st.integers(0, 2**32))
def test_the_engine_and_the_runtime_agree_on_every_row(texts: list[str], seed: int) -> None:
    held = rows(seed, 60)
    for text, compiled in zip(texts, by_engine(texts, held, PARAMS), strict=True):
        for one, found, wanted in zip(held, compiled, by_runtime(text, held, PARAMS), strict=True):
            assert (text, one, found) == (text, one, wanted)
