"""The compiled form of a condition and the CEL runtime, row by row: what one calls true, false or an error, so does the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import expression
from checks.logs import subset
from checks.logs.compile import Compiler, UnfitParameter
from checks.logs.engine import unzoned
from checks.logs.rows import rfc3339, to_arrow
from checks.logs.tables import Column, Table, address_text
from checks.verdict import Verdict
from tests.checks.logs.grammar import NOW, PARAMS, TABLE, condition, row

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


def by_engine(texts: list[str], rows: list[dict[str, Any]], params: dict[str, Any]) -> list[list[bool | None]]:
    """For each text, what it is for each row."""
    data = unzoned(to_arrow(TABLE, [{**one, "line": place} for place, one in enumerate(rows)]))
    held = ibis.table(ibis.Schema.from_pyarrow(data.schema), name="rows")
    asked = Compiler(held, params, NOW)
    terms = [subset.read(expression.parse(text)[1], TABLE, TYPES) for text in texts]
    query = held.select("line", **{f"c{place}": asked.condition(term) for place, term in enumerate(terms)}).order_by("line")
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        engine.register("rows", data)
        answer = engine.execute(ibis.to_sql(query, dialect="duckdb")).to_arrow_table().to_pydict()
    return [answer[f"c{place}"] for place in range(len(texts))]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(condition, min_size=1, max_size=12), st.lists(row, min_size=1, max_size=12))
def test_the_engine_and_the_runtime_agree_on_every_row(texts: list[str], rows: list[dict[str, Any]]) -> None:
    compiled = by_engine(texts, rows, PARAMS)
    for text, found in zip(texts, compiled, strict=True):
        assert (text, rows, found) == (text, rows, by_runtime(text, rows, PARAMS))
