"""Policies are read strictly: every helper refuses what it does not understand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from checks.functions import DataError
from checks.functions.policy_access import policy_outsiders, policy_public, trust_outsiders
from checks.functions.policy_coverage import policy_allows_everything, policy_denies_plain_http

HELPERS: list[Callable[[Any], object]] = [
    lambda policy: policy_outsiders(policy, "111122223333"),
    lambda policy: trust_outsiders(policy, "111122223333"),
    lambda policy: policy_denies_plain_http(policy, "s3:*"),
    policy_public,
    policy_allows_everything,
]


def statement(**changes: Any) -> dict[str, Any]:
    """One that every helper understands; a change to ... leaves the element out."""
    whole = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject", "Resource": "*", **changes}
    return {name: value for name, value in whole.items() if value is not ...}


MALFORMED = {
    "not JSON": "{",
    "empty": "",
    "url-encoded": "%7B%22Statement%22%3A%5B%5D%7D",
    "a list": "[]",
    "text": '"policy"',
    "null": "null",
    "NaN": '{"Statement": [], "Version": NaN}',
    "nested too deeply": "[" * 100_000,
    "a number that Python will not read": '{"Statement": [], "Id": ' + "9" * 5000 + "}",
    "a key twice": '{"Statement": [], "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}',
    "a key twice inside": '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}',
    "no statement": {},
    "unknown element": {"Statement": [], "Rules": []},
    "lower case": {"statement": []},
    "unknown version": {"Version": "2031-01-01", "Statement": []},
    "odd version": {"Version": ["2012-10-17"], "Statement": []},
    "a statement of text": {"Statement": ["Allow"]},
    "null statement": {"Statement": None},
    **{
        f"statement with {name}": {"Statement": [statement(**changes)]}
        for name, changes in {
            "no effect": {"Effect": ...},
            "lower-case effect": {"Effect": "allow"},
            "an unknown effect": {"Effect": "unknown-mutant"},
            "an odd effect": {"Effect": ["Allow"]},
            "an unknown element": {"effect": "Deny"},
            "no action": {"Action": ...},
            "a null action": {"Action": None},
            "an empty action": {"Action": ""},
            "no actions": {"Action": []},
            "an odd action": {"Action": {"s3": "*"}},
            "both actions": {"NotAction": "s3:*"},
            "both resources": {"NotResource": "*"},
            "both principals": {"NotPrincipal": "*"},
            "an odd resource": {"Resource": [5]},
            "an odd principal": {"Principal": "111122223333"},
            "a list of principals": {"Principal": ["*"]},
            "no kind of principal": {"Principal": {}},
            "a lower-case kind": {"Principal": {"aws": "*"}},
            "an empty list of principals": {"Principal": {"AWS": []}},
            "an odd condition": {"Condition": "none"},
            "a null condition": {"Condition": None},
            "an odd operator block": {"Condition": {"Bool": "aws:SecureTransport"}},
            "an empty operator block": {"Condition": {"Bool": {}}},
            "an unknown operator": {"Condition": {"StringSounds": {"aws:SourceAccount": "111122223333"}}},
            "an unknown set operator": {"Condition": {"ForSomeValues:StringLike": {"aws:SourceAccount": "111122223333"}}},
            "no set operator": {"Condition": {":StringLike": {"aws:SourceAccount": "111122223333"}}},
            "NullIfExists": {"Condition": {"NullIfExists": {"aws:SourceAccount": "true"}}},
            "a key twice in other case": {"Condition": {"Bool": {"aws:SecureTransport": "false", "AWS:securetransport": "true"}}},
            "an operator twice in other case": {"Condition": {"Bool": {"aws:a": "true"}, "bool": {"aws:A": "true"}}},
            "a null value": {"Condition": {"Bool": {"aws:SecureTransport": None}}},
            "an odd value": {"Condition": {"Bool": {"aws:SecureTransport": [{}]}}},
            "a key that is no text": {"Condition": {"Bool": {5: "true"}}},
            "an operator that is no text": {"Condition": {5: {"aws:SecureTransport": "true"}}},
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("policy", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_understood_is_refused(policy: Any, helper: Callable[[Any], object]) -> None:
    with pytest.raises(DataError):
        helper(policy)


@pytest.mark.parametrize("helper", HELPERS[:4])
def test_a_resource_policy_needs_principals(helper: Callable[[Any], object]) -> None:
    with pytest.raises(DataError, match="without Principal"):
        helper({"Statement": [statement(Principal=...)]})


@pytest.mark.parametrize("helper", HELPERS)
def test_text_and_map_one_statement_and_a_list_say_the_same(helper: Callable[[Any], object]) -> None:
    one = statement(Principal={"AWS": ["*"]}, Action=["*"], Condition={})
    forms: list[Any] = [{"Statement": one}, {"Statement": [one]}, {"Version": "2012-10-17", "Id": "x", "Statement": [one]}]
    answers = [helper(policy) for form in forms for policy in (form, json.dumps(form))]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(("helper", "nothing"), list(zip(HELPERS, [[], [], False, False, False], strict=True)))
def test_a_policy_without_statements_allows_and_denies_nothing(helper: Callable[[Any], object], nothing: object) -> None:
    assert helper({"Version": "2012-10-17", "Statement": []}) == nothing
