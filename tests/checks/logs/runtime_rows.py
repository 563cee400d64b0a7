"""What the CEL runtime makes of conditions over rows, one row after the other: what engines are held against."""

from __future__ import annotations

from typing import Any

from checks import expression
from checks.verdict import Verdict
from tests.checks.logs.grammar import NOW, PARAMS

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
