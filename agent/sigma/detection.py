"""A Sigma rule's detection as one condition in CEL: true where the rule would match, an error where a column that counts is null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import SigmaCIDRExpression, SigmaExpansion, SigmaString, SigmaType

from agent.sigma.fields import Condition, Log, joined
from agent.sigma.values import NotImported


def detection(rule: SigmaRule, log: Log) -> Condition:
    """What the rule detects in a log. Several conditions are alternatives. Raises NotImported."""
    try:
        trees = [condition.parsed for condition in rule.detection.parsed_condition]
    except SigmaError as error:
        raise NotImported(f"pySigma does not take its condition: {error}") from error
    return _Reader(log).alternatives(trees)


class _Reader:
    def __init__(self, log: Log) -> None:
        self._log = log

    def condition(self, node: Any) -> Condition:
        match node:
            case ConditionAND(args=parts):
                return joined([self.condition(part) for part in parts], "&&")
            case ConditionOR(args=parts):
                return self.alternatives(parts)
            case ConditionNOT(args=[part]):
                inner = self.condition(part)
                return Condition(f"!({inner.text})", True, inner.tried)
            case ConditionFieldEqualsValueExpression(field=field, value=SigmaExpansion(values=values)):
                return self.alternatives([ConditionFieldEqualsValueExpression(field, value) for value in values])
            case ConditionFieldEqualsValueExpression(field=field, value=value):
                return self._test(field, [value])
            case None:
                raise NotImported("a part of its condition is empty")
        raise NotImported("keywords are searched for in the whole record, and a rule over rows asks columns")

    def alternatives(self, nodes: Sequence[Any]) -> Condition:
        """One of them; values of one field are asked for together."""
        return joined([self._test(field, values) if field else self.condition(node) for field, values, node in _grouped(nodes)], "||")

    def _test(self, field: str, values: Sequence[SigmaType]) -> Condition:
        asked = self._log.fields.get(field)
        if asked is None:
            raise NotImported(f"{field} stands in no column of {self._log.table}", field)
        try:
            return asked(values)
        except NotImported as error:
            raise NotImported(f"{field}: {error.reason}", field) from error


def _grouped(nodes: Sequence[Any]) -> list[tuple[str, list[SigmaType], Any]]:
    """(field, values, node): the texts of one field together, and so its networks; everything else by itself, without a field."""
    found: dict[Any, tuple[str, list[SigmaType], Any]] = {}
    for place, node in enumerate(nodes):
        match node:
            case ConditionFieldEqualsValueExpression(field=field, value=SigmaString() | SigmaCIDRExpression() as value):
                found.setdefault((field, type(value)), (field, [], node))[1].append(value)
            case _:
                found[place] = ("", [], node)
    return list(found.values())
