"""What every helper has in common: how it is declared, and that it raises nothing but DataError."""

from __future__ import annotations

import contextlib
from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.functions import FUNCTIONS, DataError

SIGNATURES = [
    "address_range(first: string, last: string) -> list",
    "any_cidr_within(cidrs: list, allowed: list) -> bool",
    "attribute(entries: list, name: string) -> string",
    "azure_region(location: string) -> string",
    "cidrs_within(cidrs: list, allowed: list) -> bool",
    "days_between(earlier: string|timestamp, later: string|timestamp) -> double",
    "few_addresses(cidrs: list) -> bool",
    "hash_bits(signature: string) -> int",
    "ingress_cidrs(permissions: list, protocol: string, ports: string) -> list",
    "ingress_prefix_lists(permissions: list, protocol: string, ports: string) -> list",
    "is_signature(named: string, seen: string) -> bool",
    "nacl_cidrs(entries: list, direction: string, protocol: string, ports: string) -> list",
    "policy_allows_everything(policy: string|map) -> bool",
    "policy_denies_plain_http(policy: string|map, actions: string) -> bool",
    "policy_outsiders(policy: string|map, account: string) -> list",
    "policy_public(policy: string|map) -> bool",
    "tls_version(version: string) -> int",
    "trust_outsiders(policy: string|map, account: string) -> list",
    "undecided(reason: string) -> bool",
]


def test_the_helpers_that_rules_may_call() -> None:
    assert sorted(function.signature for function in FUNCTIONS.values()) == SIGNATURES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_helper_tells_rule_authors_when_it_refuses_and_where_its_meaning_comes_from(name: str) -> None:
    documentation = FUNCTIONS[name].documentation
    assert "DataError: " in documentation
    assert "Source: " in documentation


# Words that get past the first checks, so that odd values meet every line.
WORDS = [
    *("Statement", "Effect", "Allow", "Deny", "Principal", "AWS", "Federated", "Service", "*", "Action", "Resource", "Condition", "Bool"),
    *(
        "StringLike",
        "aws:SecureTransport",
        "false",
        "aws:SourceIp",
        "IpAddress",
        "aws:SourceArn",
        "arn:aws:iam::111122223333:root",
        "arn:::::",
    ),
    *("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "PrefixListIds", "CidrIp", "-1", "tcp", "1", "58", "any", "22", "s3:*"),
    *("Egress", "RuleNumber", "RuleAction", "allow", "deny", "Protocol", "CidrBlock", "0.0.0.0/0", "PortRange", "From", "To", "ingress"),
    *("IcmpTypeCode", "Type", "Code", "Key", "Value", "111122223333", "2026-01-01T00:00:00Z", "", "\ud800", "\0"),
]
words = st.sampled_from(WORDS) | st.text(max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4), max_leaves=12)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "string": words,
    "list": st.lists(values, max_size=4),
    "map": st.dictionaries(words, values, max_size=4),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
}


@settings(suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
def test_a_helper_answers_in_its_kind_or_refuses_whatever_it_is_given(name: str, data: st.DataObject) -> None:
    function = FUNCTIONS[name]
    kinds = data.draw(st.sampled_from(list(function.overloads())))
    arguments = [data.draw(KINDS[kind]) for kind in kinds]
    with contextlib.suppress(DataError):
        answer = function.implementation(*arguments)
        assert isinstance(answer, {"bool": bool, "list": list, "string": str, "double": float}[function.returns])
        assert all(isinstance(entry, str) for entry in answer) if isinstance(answer, list) else True


STATEMENT = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Principal": st.just("*") | values, "Action": words | values},
    optional={
        "Resource": words | values,
        "Condition": st.dictionaries(words, st.dictionaries(words, values, max_size=2), max_size=2) | values,
    },
)
POLICY_HELPERS = [name for name, function in FUNCTIONS.items() if function.takes[0][0] == "policy"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", POLICY_HELPERS)
@given(statements=st.lists(STATEMENT, max_size=2))
def test_nearly_a_policy_raises_nothing_else_either(name: str, statements: list[dict[str, Any]]) -> None:
    function = FUNCTIONS[name]
    rest = {"account": "111122223333", "actions": "s3:*"}
    with contextlib.suppress(DataError):
        function.implementation({"Statement": statements}, *(rest[parameter] for parameter, _ in function.takes[1:]))
