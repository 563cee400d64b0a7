"""One row, judged by the CEL runtime itself: what the examples of rules are run on, and what the engines are held against."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from checks.expression import evaluate
from checks.functions.declare import DataError
from checks.logs.rows import Row, logical, physical
from checks.logs.table import Table
from checks.model import Data
from checks.rule import Rule
from checks.verdict import Verdict


class NoWorld:
    """What a row sees of other things: none."""

    def lookup(self, type_: str, id_: str) -> Data | None:
        raise DataError(f"a row sees no {type_} {id_}")

    def every(self, type_: str) -> list[Data]:
        raise DataError(f"a row sees no {type_}")


def of_row(rule: Rule, table: Table, row: Row, params: Mapping[str, Any], now: str) -> tuple[str, str]:
    """The verdict (or `excluded`) of a rule over rows on one row, and why. `now` is RFC 3339. Raises NoRow."""
    seen, moment, given, world = logical(table, physical(table, row)), datetime.fromisoformat(now), rule.params(params), NoWorld()
    if rule.applies_if is not None:
        applies = evaluate(rule.applies_if, seen, params=given, now=moment, account="", region="", world=world)
        if applies.verdict is Verdict.BROKEN:
            return "excluded", "applies_if left it out"
        if applies.verdict is Verdict.UNPROVEN:
            return str(Verdict.UNPROVEN), applies.error
    assert rule.upheld_if is not None
    found = evaluate(rule.upheld_if, seen, params=given, now=moment, account="", region="", world=world)
    return str(found.verdict), found.error
