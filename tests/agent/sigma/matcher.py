"""Sigma's own meaning of a detection, on a record as the provider writes it: what the written rules are held against.

It shares with the importer how pySigma reads a condition, and nothing of what a value or a field is. Source: Sigma specification,
"Sigma rules specification" and appendix "Sigma modifiers".
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

Record = Mapping[str, Any]


def matches(rule: SigmaRule, record: Record) -> bool:
    return any(_holds(condition.parsed, record) for condition in rule.detection.parsed_condition)


def _holds(node: Any, record: Record) -> bool:
    match node:
        case ConditionAND(args=parts):
            return all(_holds(part, record) for part in parts)
        case ConditionOR(args=parts):
            return any(_holds(part, record) for part in parts)
        case ConditionNOT(args=[part]):
            return not _holds(part, record)
        case ConditionFieldEqualsValueExpression(field=field, value=value):
            return _is(_found(record, field), value)
    raise AssertionError(node)


def _found(record: Record, field: str) -> Any:
    held: Any = record
    for step in field.split("."):
        held = held.get(step) if isinstance(held, Mapping) else None
    return held


def _is(held: Any, value: Any) -> bool:
    match value:
        case SigmaNull():
            return held is None
        case SigmaExists(exists=wanted):
            return (held is not None) == wanted
    if held is None:
        return False
    said = str(held).lower() if isinstance(held, bool) else str(held)
    match value:
        case SigmaNumber(number=number):
            return said == str(number)
        case SigmaBool(boolean=wanted):
            return said.lower() == str(wanted).lower()
        case SigmaCIDRExpression(network=network):
            try:
                return ipaddress.ip_address(said) in network
            except ValueError:
                return False
        case SigmaRegularExpression(flags=flags):
            return (
                re.search(value.regexp.original, said, re.IGNORECASE if SigmaRegularExpressionFlag.IGNORECASE in flags else 0) is not None
            )
        case SigmaString():
            return _like(said, value)
    raise AssertionError(value)


def _like(said: str, value: SigmaString) -> bool:
    wild = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
    glob = "".join(wild[part] if isinstance(part, SpecialChars) else re.sub(r"([*?\[])", r"[\1]", str(part)) for part in value.s)
    return fnmatch.fnmatchcase(said, glob) if isinstance(value, SigmaCasedString) else fnmatch.fnmatchcase(said.lower(), glob.lower())
