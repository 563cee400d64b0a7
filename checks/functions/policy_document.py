"""IAM policy documents, read strictly: what is not understood is a DataError, never skipped.

Source: IAM user guide, Grammar of the IAM JSON policy language.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

from checks.functions.declare import DataError

_POLICY = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_PRINCIPALS = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})
_VERSIONS = (None, "2008-10-17", "2012-10-17")

# IAM user guide, Condition operators; compared in lower case.
_COMPARISONS = ("equals", "notequals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals")
_OPERATORS = frozenset(
    {
        *(f"string{kind}" for kind in ("equals", "notequals", "equalsignorecase", "notequalsignorecase", "like", "notlike")),
        *(f"numeric{comparison}" for comparison in _COMPARISONS),
        *(f"date{comparison}" for comparison in _COMPARISONS),
        *(f"arn{kind}" for kind in ("equals", "notequals", "like", "notlike")),
        *("bool", "binaryequals", "ipaddress", "notipaddress", "null"),
    }
)
_QUANTIFIERS = ("forallvalues", "foranyvalue")
_IF_EXISTS = "ifexists"


@dataclass(frozen=True, slots=True)
class Test:
    """One key of a condition under one operator. Operator and key in lower case; the values are ORed."""

    operator: str
    key: str
    values: tuple[str, ...]
    quantifier: str = ""
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `principals` are (kind, name), None where it has none; the tests are ANDed.

    `except_principals`, `except_actions` and `except_resources`: the list is that of NotPrincipal, NotAction, NotResource.
    """

    allow: bool
    principals: tuple[tuple[str, str], ...] | None
    except_principals: bool
    actions: tuple[str, ...]
    except_actions: bool
    resources: tuple[str, ...] | None
    except_resources: bool
    tests: tuple[Test, ...]


def read_policy(document: str | dict[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy, given as JSON text or as the map it parses to. Raises DataError."""
    policy = _parse(document) if isinstance(document, str) else document
    if not isinstance(policy, dict) or not policy.keys() <= _POLICY or "Statement" not in policy:
        raise DataError("not a policy document: a map of Version, Id and Statement is expected")
    if policy.get("Version") not in _VERSIONS:
        raise DataError(f"a policy language of an unknown version: {policy['Version']!r}")
    statements = policy["Statement"]
    return tuple(map(_read_statement, statements if isinstance(statements, list) else [statements]))


def read_resource_policy(document: str | dict[str, Any]) -> tuple[Statement, ...]:
    """The same for a policy that hangs on a resource: every statement must name principals."""
    statements = read_policy(document)
    if any(statement.principals is None for statement in statements):
        raise DataError("a statement without Principal: not the policy of a resource")
    return statements


def _parse(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"the policy is not JSON: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """IAM forbids a key twice, and readers differ in which one counts."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DataError("the policy has a JSON key twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise DataError(f"the policy is not JSON: {text}")


def _read_statement(statement: object) -> Statement:
    if not isinstance(statement, dict):
        raise DataError(f"a policy statement that is no map: {statement!r}")
    if unknown := sorted(str(name) for name in statement.keys() - _STATEMENT):
        raise DataError(f"a policy statement with unknown elements: {', '.join(unknown)}")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):  # a tuple: it may be anything, also unhashable
        raise DataError(f"a policy statement that neither allows nor denies: {effect!r}")
    principal, except_principals = _either(statement, "Principal")
    action, except_actions = _either(statement, "Action")
    resource, except_resources = _either(statement, "Resource")
    if action is None:
        raise DataError("a policy statement without Action or NotAction")
    return Statement(
        allow=effect == "Allow",
        principals=None if principal is None else _read_principals(principal),
        except_principals=except_principals,
        actions=tuple(text.lower() for text in _texts(action, "Action")),
        except_actions=except_actions,
        resources=None if resource is None else _texts(resource, "Resource"),
        except_resources=except_resources,
        tests=tuple(_read_condition(statement["Condition"])) if "Condition" in statement else (),
    )


def _either(statement: dict[str, Any], name: str) -> tuple[object, bool]:
    """The element, or its Not form; None where the statement has neither."""
    present = [form for form in (name, f"Not{name}") if form in statement]
    if len(present) > 1:
        raise DataError(f"a policy statement with both {name} and Not{name}")
    if present and statement[present[0]] is None:
        raise DataError(f"a policy statement whose {present[0]} is null")
    return (statement[present[0]], present[0] != name) if present else (None, False)


def _texts(value: object, element: str) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise DataError(f"{element} of a policy statement is not text or a list of texts: {value!r}")
    return tuple(texts)


def _read_principals(principal: object) -> tuple[tuple[str, str], ...]:
    if principal == "*":
        return (("AWS", "*"),)
    if not isinstance(principal, dict) or not principal or not principal.keys() <= _PRINCIPALS:
        raise DataError(f"not a principal: {principal!r}")
    return tuple((kind, name) for kind, names in principal.items() for name in _texts(names, f"Principal.{kind}"))


def _read_condition(condition: object) -> list[Test]:
    """The tests, each key once under each operator, whatever the case it is written in."""
    if not _has_names(condition):
        raise DataError(f"a Condition that is no map: {condition!r}")
    tests: list[Test] = []
    for written, keys in condition.items():
        quantifier, operator, if_exists = _read_operator(written)
        if not keys or not _has_names(keys):
            raise DataError(f"a condition operator without keys: {written}")
        tests += [Test(operator, key.lower(), _values(values), quantifier, if_exists) for key, values in keys.items()]
    named = [(test.operator, test.key, test.quantifier, test.if_exists) for test in tests]
    if len(set(named)) != len(named):
        raise DataError("a condition with one key twice under one operator")
    return tests


def _has_names(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and all(isinstance(name, str) for name in value)


def _read_operator(written: str) -> tuple[str, str, bool]:
    quantifier, colon, rest = written.lower().rpartition(":")
    if_exists = rest.endswith(_IF_EXISTS)
    operator = rest.removesuffix(_IF_EXISTS)
    if operator not in _OPERATORS or (operator == "null" and if_exists) or (colon and quantifier not in _QUANTIFIERS):
        raise DataError(f"an unknown condition operator: {written}")
    return quantifier, operator, if_exists


def _values(value: object) -> tuple[str, ...]:
    return tuple(map(_value, value if isinstance(value, list) else [value]))


def _value(value: object) -> str:
    """JSON allows booleans and numbers without quotation marks; IAM reads them as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise DataError(f"a condition value that is neither text, number nor truth value: {value!r}")
