"""Rules over rows, made in a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import ibis
import yaml

from checks import document, rule
from checks.logs.compile import Compiler
from checks.logs.engine import Asked, DuckDB, prepare, run, unzoned
from checks.logs.partial import Partial
from checks.logs.rows import to_arrow
from checks.logs.tables import TABLES
from checks.rule import Rule
from tests.checks.logs.grammar import NOW


def make(upheld_if: str | None, *, rows: str = "log.cloudtrail", **more: Any) -> Rule:
    """A rule over rows; one without `upheld_if` says `broken_if`. Raises DocumentError."""
    held = {
        "id": "a-rule", "title": "Title", "control": "mfa", "severity": "low", "rows": rows,
        **({"applies_if": more.pop("applies_if")} if "applies_if" in more else {}),
        **({} if upheld_if is None else {"upheld_if": upheld_if}), "remedy": "None.",
        "examples": more.pop("examples", {"upheld": [{}], "broken": [{}], "unproven": [{}]}), **more,
    }  # fmt: skip
    if "applies_if" in held:
        held["examples"].setdefault("excluded", [{}])
    return rule.read(document.parse(yaml.safe_dump(held, sort_keys=False), "rule.yaml"), {}, {}, ["mfa"])


def asked(*rules: Rule) -> list[Asked]:
    return [Asked(f"{one.id}-{place}", one, one.params({})) for place, one in enumerate(rules)]


def count(rules: Iterable[Asked], rows: Iterable[dict[str, Any]], source: str = "trail", table: str = "log.cloudtrail") -> Partial:
    """What the rules come to over rows, in one batch."""
    with duckdb.connect(config={"threads": 1}) as connection:
        return run(DuckDB(connection), prepare(TABLES[table], rules, NOW), source, [to_arrow(TABLES[table], rows)])


def row_by_row(rule: Rule, rows: list[dict[str, Any]], params: dict[str, Any]) -> list[str]:
    """The verdict on each row, or `excluded`, by the compiled conditions."""
    assert rule.terms is not None
    table = TABLES[rule.kind]
    data = unzoned(to_arrow(table, [{**row, "line": place} for place, row in enumerate(rows)]))
    held = ibis.table(ibis.Schema.from_pyarrow(data.schema), name="rows")
    asked_ = Compiler(held, params, NOW)
    applies = asked_.condition(rule.terms.applies_if) if rule.terms.applies_if is not None else ibis.literal(True)
    query = held.select("line", applies=applies, upheld=asked_.condition(rule.terms.upheld_if)).order_by("line")
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("rows", data)
        found = connection.sql(ibis.to_sql(query, dialect="duckdb")).to_arrow_table().to_pylist()
    words = {True: "upheld", False: "broken", None: "unproven"}
    return ["excluded" if one["applies"] is False else words[one["upheld"] if one["applies"] else None] for one in found]
